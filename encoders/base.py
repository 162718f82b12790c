"""The contract of an encoder: one modality in, tokens out; with its folder, its weights and its model card."""

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import torch
from huggingface_hub import ModelCard, ModelHubMixin, PyTorchModelHubMixin, hf_hub_download
from jaxtyping import Float, Int
from torch import Tensor, nn

from encoders import rebuild_encoder
from encoders.folders import CONFIG_FILE, WEIGHTS_FILE, written_whole
from encoders.learnt_from import LearntFrom
from encoders.strangers import escaped
from encoders.weights import read_weights, write_weights

#: Written beside an encoder's weights; a Jinja template that :meth:`Encoder.generate_model_card` fills.
MODEL_CARD = """---
{{ card_data }}
---

# Encoder `{{ encoder }}`

One modality in ({{ modality }}), tokens `(batch, time, {{ embed_dim }})` out; {{ parameters }} parameters.

**Trained on:** {{ trained_on }}

**Input:** `{{ input_spec }}`; the encoder normalises by itself.

```python
from encoders import load_encoder

encoder = load_encoder("path/to/this/folder")
```

Scores of a detector that uses this encoder say nothing about media unlike what it was trained on.
"""


#: Options of constructors by which an encoder begins with weights that somebody published.
PUBLISHED = ("pretrained", "checkpoint", "weights")

#: Larger than any option of an encoder that was ever published, and small enough that a list of so many is built.
LARGEST_OPTION, MOST_LAYERS, LARGEST_FRAME = 10_000_000, 512, 4096


@dataclass(frozen=True, kw_only=True)
class VideoSpec:
    """What frames an encoder wants: side in pixels, and the mean and std that it normalises with itself."""

    frame_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class AudioSpec:
    """What sound an encoder wants: mono at ``sample_rate`` hertz."""

    sample_rate: int


InputSpec = VideoSpec | AudioSpec


class Encoder(
    nn.Module,
    PyTorchModelHubMixin,
    ABC,
    library_name="multimodal-deepfake-detection",
    tags=["deepfake-detection"],
    model_card_template=MODEL_CARD,
):
    """One modality in, tokens ``(B, T, D)`` out.

    A subclass sets ``name`` (its key in the catalog) and ``modality``, and in its constructor ``embed_dim`` (D)
    and ``input_spec``. Its option ``weights`` is a folder or file as the encoder's own library saved it
    (:func:`encoders.weights.read_published`). Data code asks ``input_spec`` and never assumes a size or a rate.
    Normalisation happens inside. Constructor arguments are plain JSON values. With ``takes_mask``,
    ``forward(x, mask)`` and ``token_mask(mask)`` know padding, and ``minimum_samples`` is the least that a clip
    needs of sound; any other reads all that it is given, so that padding is to be :func:`tiled` before.

    ``save_pretrained(folder)`` writes ``model.safetensors``, ``config.json`` (catalog name and constructor
    arguments) and a model card; :func:`encoders.load_encoder` reads them back. ``push_to_hub`` and
    ``from_pretrained`` do the same with the Hugging Face hub; ``Encoder.from_pretrained`` reads any encoder, a
    subclass's only its own. ``trained_on`` travels along, in words, and so does ``learnt_from``, as hashes of the
    clips, where somebody wrote them down: set both after training.
    """

    name: ClassVar[str]
    modality: ClassVar[Literal["video", "audio"]]
    takes_mask: ClassVar[bool] = False
    embed_dim: int
    input_spec: InputSpec
    trained_on: str = "nothing yet: the weights are random"
    learnt_from: LearntFrom | None = None
    #: Begins of names of parameters that the published weights it was built from have not, and so are random.
    new_modules: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch tokens dim"]:
        """Encode a batch.

        Shape:
            video ``(B, T, C, H, W)`` float in [0, 1]; audio ``(B, samples)`` mono float in [-1, 1];
            result ``(B, T, D)``, tokens in the order of time, evenly spaced over the window.
        """

    @classmethod
    def starts_trained(cls, **options: Any) -> bool:
        """Whether an encoder built with these options begins with published weights, and knows something.

        It is asked before anything is built or downloaded. One that was built says the same by its ``trained_on``.
        A mapping in place of a checkpoint's name is an architecture, whose weights are random.

        Args:
            options: of the constructor; those left out have its defaults.
        """
        defaults = {
            name: parameter.default for name, parameter in inspect.signature(cls.__init__).parameters.items()
        }
        given = (options.get(name, defaults.get(name)) for name in PUBLISHED)
        return any(value and not isinstance(value, Mapping) for value in given)

    @property
    def knows_something(self) -> bool:
        """Whether it has learnt before: from published weights, or in an earlier training."""
        return self.trained_on != Encoder.trained_on

    def parameter_depths(self) -> dict[str, int]:
        """How many layers lie before each parameter, by its name; 0 for all where no order is known."""
        return {name: 0 for name, _ in self.named_parameters()}

    def checkpoint_gradients(self) -> None:
        """Keep only the input of each block for the gradient, and compute the rest anew (Chen et al. 2016).

        Raises:
            ValueError: this encoder cannot.
        """
        raise ValueError(
            f"the encoder {self.name!r} keeps all that a gradient needs; leave --fit.checkpoint-gradients out"
        )

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments that build this encoder again without any download or file of weights."""
        assert isinstance(self._hub_mixin_config, dict)  # the hub mixin remembers them when it makes the instance
        given = self._hub_mixin_config
        return {**given, "weights": None} if "weights" in given else given

    def generate_model_card(self, **fields: Any) -> ModelCard:
        """Model card saying what the encoder is, what it wants and what it was trained on."""
        facts = {
            "encoder": self.name,
            "modality": self.modality,
            "embed_dim": self.embed_dim,
            "input_spec": self.input_spec,
            "trained_on": self.trained_on,
            "parameters": f"{sum(parameter.numel() for parameter in self.parameters()):,}",
        }
        return ModelHubMixin.generate_model_card(self, **{**facts, **fields})

    def _save_pretrained(self, save_directory: Path) -> None:
        write_weights(self, save_directory / WEIGHTS_FILE)
        config = {"encoder": self.name, "trained_on": self.trained_on, **self.arguments()}
        with written_whole(save_directory / CONFIG_FILE) as temporary:
            temporary.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
        if self.learnt_from is not None:
            self.learnt_from.write(save_directory)

    @classmethod
    def _from_pretrained(  # the hub mixin's hook; it would load with strict=False, and pickles too
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        map_location: str = "cpu",
        strict: bool = True,
        config: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> "Encoder":
        if not strict:
            raise ValueError("weights of an encoder are loaded strictly; leave strict=False out")
        if inspect.isabstract(cls):  # Encoder.from_pretrained: the folder says which encoder it holds
            from encoders import load_encoder

            hub = {"revision": revision, "cache_dir": cache_dir, "force_download": force_download}
            hub |= {"token": token, "local_files_only": local_files_only}
            return load_encoder(model_id, **hub).to(map_location)
        config = config or {}
        if config.get("encoder", cls.name) != cls.name:
            raise ValueError(f"{model_id} holds encoder {config['encoder']!r}, not {cls.name!r}; use load_encoder")
        weights = Path(model_id) / WEIGHTS_FILE
        if not Path(model_id).is_dir():
            weights = Path(
                hf_hub_download(
                    repo_id=model_id,
                    filename=WEIGHTS_FILE,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    token=token,
                    local_files_only=local_files_only,
                )
            )
        encoder = rebuild_encoder(cls.name, arguments, source=weights.with_name(CONFIG_FILE))
        read_weights(encoder, weights)
        encoder.trained_on = str(config.get("trained_on", cls.trained_on))
        encoder.learnt_from = LearntFrom.read(weights.parent)
        return encoder.to(map_location).eval()


def tiled(x: Float[Tensor, "batch time ..."], lengths: Int[Tensor, " batch"]) -> Float[Tensor, "batch time ..."]:
    """Each row again and again in place of its padding, as AASIST does with short clips (Jung et al., 2022).

    Shape: ``x`` (B, T, ...), sound or frames; ``lengths`` (B,) on the same device, at least 1, come before the
    padding.

    >>> tiled(torch.tensor([[1.0, 2.0, 0.0, 0.0, 0.0]]), torch.tensor([2]))
    tensor([[1., 2., 1., 2., 1.]])
    """
    rows = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    return x[rows, torch.arange(x.shape[1], device=x.device) % lengths.unsqueeze(1)]


def check_plain(kind: type[Encoder], arguments: Mapping[str, Any], source: str | Path) -> None:
    """Raise ``ValueError`` where options that stand in a file name weights of elsewhere, or have absurd sizes.

    A folder may come from a stranger: a name on a hub, a path or ``pretrained`` in it would be fetched or opened
    while it is loaded, and so would a default that it leaves out. ``save_pretrained`` writes none of them.
    """
    parameters = inspect.signature(kind.__init__).parameters
    for option in (option for option in PUBLISHED if option in {*parameters, *arguments}):
        value = arguments[option] if option in arguments else parameters[option].default
        is_architecture = option == "checkpoint" and isinstance(value, Mapping)
        if value and not is_architecture:
            raise ValueError(
                f"{source} says {option}={str(value)!r:.80}, weights that are not in its folder: they are not "
                "followed. Build that encoder with create_encoder and save it with save_pretrained"
            )
    hints = get_type_hints(kind.__init__)
    for option, value in arguments.items():
        # of all options only stages may count from the end
        is_below = option != "stage" and isinstance(value, int | float) and value < 0
        if is_below or not _is_of(value, hints.get(option, Any)):
            raise ValueError(f"{source} says {escaped(option)}={value!r:.60}, which that option cannot be")
        if option == "frame_size" and (value or 0) > LARGEST_FRAME:
            raise ValueError(f"{source} says {option}={_short(value)}; want at most {LARGEST_FRAME} pixels a side")
    for option, value in _numbers(arguments):
        if not abs(value) <= (MOST_LAYERS if "layers" in option else LARGEST_OPTION):
            raise ValueError(
                f"{source} says {escaped(option)}={_short(value)}, which no encoder of this catalog has"
            )


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a plain value of a file is of the kind that a parameter asks for; what cannot be told is taken.

    >>> _is_of(96, int), _is_of("96", int), _is_of(True, int), _is_of(1, float), _is_of(None, int | None)
    (True, False, False, True, True)
    """
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin in (Union, UnionType):
        return any(_is_of(value, one) for one in get_args(hint))
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float)
    return isinstance(value, hint) if hint in (int, bool, str, type(None)) else True


def _short(number: float) -> str:
    """A number for an error; one of too many digits to print is only called huge."""
    return f"{number:.3g}" if abs(number) < 1e300 else "a huge number"


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """All numbers in nested values, each with the name of the option that it stands in."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner, name)
    elif isinstance(value, int | float):
        yield name, value
