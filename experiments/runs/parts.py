"""Encoders and fusion as a configuration names them; what a name stands for is imported when it is asked for."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from encoders import create_encoder, list_encoders
from encoders.folders import find_weights, holds_encoder
from fusion import create_fusion, list_fusions
from multimodal.artefacts import one_line
from multimodal.catalog import one_of, unknown
from multimodal.labels import Modality
from multimodal.ranges import at_least, check_ranges

if TYPE_CHECKING:
    from encoders.base import Encoder

Option = int | float | bool | str | None


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """An encoder by its name in the catalog and its options, or the folder of a pretrained one.

    Args:
        name: in the catalog; where the command line gives it, the recipe's options are left out.
        options: of its constructor, as NAME VALUE pairs or one by one.
        weights: folder of ``save_pretrained`` (what ``pretrain`` writes), which says name and options itself; or a
            folder or file of weights as timm, torchvision, facenet-pytorch or transformers saved them, for the
            encoder of that name and options. No network is asked.
    """

    name: Annotated[str, one_of(list_encoders())]
    options: dict[str, Option] = field(default_factory=dict)
    weights: Path | None = None

    @property
    def starts_trained(self) -> bool:
        """Whether the encoder knows something when training begins: from a folder, or by published weights."""
        if self.weights is not None:
            return True
        from encoders import encoder_class  # imports the encoder's own library

        return encoder_class(self.name).starts_trained(**self.options)

    @property
    def folder(self) -> Path | None:
        """The folder of ``save_pretrained`` that says which encoder it is; None where name and options do."""
        return self.weights if self.weights is not None and holds_encoder(self.weights) else None

    def check_folder(self) -> None:
        """Refuse a place that holds neither an encoder nor weights."""
        if self.weights is not None and self.folder is None:
            find_weights(self.weights)

    def check_name(self, modality: Modality) -> None:
        """Refuse a name that the catalog lacks, or has for another modality."""
        if self.folder is not None:
            return
        if self.name not in list_encoders():
            create_encoder(self.name)  # says so, and offers the nearest
        if self.name not in list_encoders(modality):
            known = ", ".join(list_encoders(modality))
            raise ValueError(f"the encoder {self.name!r} is not for {modality}; choose from {known}")

    def check_options(self) -> None:
        """Refuse options that the encoder has not, and values that it cannot work with; imports its own library.

        An encoder of these options is made with random weights and asked about a black window or silence; one
        that only a download can make is not.
        """
        if self.folder is not None or not self.options:
            return
        from encoders import encoder_class
        from encoders.base import PUBLISHED

        kind = encoder_class(self.name)
        known = list(inspect.signature(kind.__init__).parameters)[1:]
        _check_options(self.options, known, f"encoder {self.name!r}")
        plain = {name: value for name, value in self.options.items() if name not in PUBLISHED}
        if "checkpoint" not in self.options and not kind.starts_trained(**plain):
            with _trying(f"encoder {self.name!r}", plain):
                _ask(create_encoder(self.name, **plain).eval())


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """A fusion.

    Args:
        name: in the catalog; where the command line gives it, the recipe's options are left out.
        out_dim: width of what it gives.
        options: of its constructor, as NAME VALUE pairs.
    """

    name: Annotated[str, one_of(list_fusions())] = "gated"
    out_dim: Annotated[int, at_least(1)] = 256
    options: dict[str, Option] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_ranges(self)

    def check(self) -> None:
        """Refuse a name that is not in the catalog, before torch is imported."""
        if self.name not in list_fusions():
            create_fusion(self.name, dims={}, out_dim=self.out_dim)  # says so, and offers the nearest

    def check_options(self, *, compares: bool = False) -> None:
        """Refuse options that the fusion has not, values it cannot work with, and a comparison it cannot make.

        Args:
            compares: whether a loss of synchrony asks what it compares along time.
        """
        if self.options or compares:
            from fusion import list_options
            from multimodal.detector import TokenClassifier

            _check_options(self.options, list_options(self.name), f"fusion {self.name!r}")
            with _trying(f"fusion {self.name!r}", self.options):
                fusion = create_fusion(self.name, dims=_ANY_WIDTHS, out_dim=self.out_dim, **self.options)
                TokenClassifier(fusion, compares=compares)


#: Widths of tokens that stand for those of any encoders.
_ANY_WIDTHS = {"video": 8, "audio": 8}


@contextmanager
def _trying(what: str, options: Mapping[str, Option]) -> Iterator[None]:
    """Make one line of whatever a library raises on values that it does not expect."""
    try:
        yield
    except ValueError:  # ours, and those of libraries that say what is wrong
        raise
    except Exception as error:
        given = ", ".join(f"{name} {value!r}" for name, value in options.items())
        raise ValueError(f"{what} cannot work with {given}: {one_line(error)}") from error


def _ask(encoder: "Encoder") -> None:
    """Have it answer, so that no value is left that only the first batch would find wrong."""
    import torch

    from encoders.base import VideoSpec

    spec = encoder.input_spec
    if isinstance(spec, VideoSpec):
        window = torch.zeros(1, getattr(encoder, "minimum_frames", 1), 3, spec.frame_size, spec.frame_size)
    else:
        window = torch.zeros(1, max(getattr(encoder, "minimum_samples", 1), spec.sample_rate))
    with torch.no_grad():
        encoder(window)


def _check_options(options: Mapping[str, Option], known: Sequence[str], of: str) -> None:
    for option in options:
        if option not in known:
            raise ValueError(f"{of}: {unknown('option', option, known)}")
