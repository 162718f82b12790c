"""Weights on disk: our own as safetensors, written atomically; those of others unwrapped; all loaded strictly."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from encoders.folders import find_weights, must_be_readable, read_description, written_whole
from encoders.strangers import escaped, one_line

MISFITS_SHOWN = 12


def write_weights(module: nn.Module, file: Path) -> None:
    """Write the state of ``module`` to a safetensors file; a crash or a power cut leaves the old file whole."""
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in module.state_dict().items()}
    with written_whole(file) as temporary:
        save_file(state, temporary, metadata={"format": "pt"})


def read_weights(module: nn.Module, file: Path) -> None:
    """Load a safetensors file into ``module``; ``ValueError`` lists every key and shape that does not fit."""
    load_strictly(module, _read_safetensors(file), source=str(file))


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:  # KeyError where torch lacks the type
        must_be_readable(file)
        raise ValueError(f"cannot read weights from {file}: {one_line(error)}") from error


def load_strictly(module: nn.Module, saved: Mapping[str, Tensor], *, source: str) -> None:
    """Copy ``saved`` into ``module``, or raise one line that lists what does not fit and change nothing."""
    check_fit(module, saved, source=source)
    module.load_state_dict(saved)


def check_fit(module: nn.Module, saved: Mapping[str, Tensor], *, source: str) -> None:
    """Raise ``ValueError``, one line that lists what does not fit, unless ``saved`` is the state of ``module``."""
    if not isinstance(saved, Mapping) or not all(isinstance(value, Tensor) for value in saved.values()):
        raise ValueError(f"{source} holds no weights: want tensors by their names")
    wanted = module.state_dict()
    misfits = [f"{key} missing" for key in sorted(wanted.keys() - saved.keys())]
    misfits += [f"{key} unexpected" for key in sorted(map(str, saved.keys() - wanted.keys()))]
    misfits += [
        f"{key} is {tuple(saved[key].shape)}, the encoder wants {tuple(wanted[key].shape)}"
        for key in sorted(wanted.keys() & saved.keys())
        if saved[key].shape != wanted[key].shape
    ]
    if misfits:
        raise ValueError(f"weights in {source} are of another architecture, {listed(misfits)}")


def listed(misfits: Sequence[str]) -> str:
    """The first misfits and how many there are, for an error of one line."""
    hidden = len(misfits) - MISFITS_SHOWN
    shown = escaped("; ".join(misfits[:MISFITS_SHOWN])) + (f"; and {hidden} more" if hidden > 0 else "")
    return f"{len(misfits)} misfits: {shown}"


# Weights as a library saved them: timm, torchvision, facenet-pytorch, transformers, or a loop around one of them.

#: Entries of a training checkpoint that hold the state, and what wrappers of a network put before every name.
_ENTRIES = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("_orig_mod.", "module.", "model.")


def sha256_of(file: Path) -> str:
    """SHA-256 of a file in hexadecimal digits: what weights have learnt from is known by it, and by no shape."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Published(NamedTuple):
    """Weights of a network, in float32, as a library saved them.

    Attributes:
        state: tensors by the network's own names, wrappers taken off.
        place: the file that they came from.
        changes: what was taken off or left out, in words.
        description: of the ``config.json`` beside them; empty without one.
    """

    state: dict[str, Tensor]
    place: Path
    changes: tuple[str, ...] = ()
    description: Mapping[str, Any] = {}

    @property
    def text(self) -> str:
        """The file's name and what was done to its content: a model card says no place on this machine."""
        changes = f" ({'; '.join(self.changes)})" if self.changes else ""
        return f"weights of {self.place.name}{changes}"

    def learnt(self, network: str) -> str:
        """What an encoder of this network was trained on, as far as a file of a user's says: nothing."""
        return f"whatever the {self.text} learnt from, which they do not say ({network})"

    def without(self, heads: Iterable[str]) -> "Published":
        """The same without the layers of these names, classifiers that an encoder has not."""
        left_out = [head for head in heads if any(key.startswith(f"{head}.") for key in self.state)]
        if not left_out:
            return self
        prefixes = tuple(f"{head}." for head in left_out)
        state = {key: value for key, value in self.state.items() if not key.startswith(prefixes)}
        return self._replace(state=state, changes=(*self.changes, f"without {', '.join(left_out)}"))


def read_published(place: str | Path) -> Published:
    """Weights from a file, or from the one in a folder, as float32; nothing but tensors is ever unpickled.

    The state in a training checkpoint is found (``state_dict``, ``model``), and what DistributedDataParallel,
    ``torch.compile`` or a module around the network put before every name (``module.``) is taken off.

    Raises:
        ValueError: no such file, several, or one without tensors by their names.
    """
    file = find_weights(place)
    saved: Any = _read_safetensors(file) if file.suffix == ".safetensors" else _read_tensors(file)
    changes: list[str] = []
    for entry in _ENTRIES:
        if isinstance(saved, Mapping) and isinstance(saved.get(entry), Mapping):
            saved, changes = saved[entry], [f"taken from {entry!r}"]
            break
    if not isinstance(saved, Mapping) or not all(isinstance(value, Tensor) for value in saved.values()):
        raise ValueError(f"{file} holds no weights: want tensors by their names")
    state = {str(key): value.float() if value.is_floating_point() else value for key, value in saved.items()}
    while prefix := next((one for one in _PREFIXES if state and all(key.startswith(one) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
        changes.append(f"prefix {prefix!r} taken off")
    return Published(state, file, tuple(changes), read_description(place))


def _read_tensors(file: Path) -> Any:
    """What torch saved, where it holds nothing but tensors and plain values."""
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises whatever it meets first
        must_be_readable(file)
        first = escaped((str(error).splitlines() or [type(error).__name__])[0])
        raise ValueError(
            f"cannot read weights from {file}: {first[:200]} Only tensors are read: save model.state_dict()"
        ) from error


def check_one_source(weights: object, pretrained: object) -> None:
    """Refuse a place of weights beside published ones by their name."""
    if weights is not None and pretrained:
        raise ValueError(f"weights={str(weights)!r} stands beside pretrained={pretrained!r}; leave one out")
