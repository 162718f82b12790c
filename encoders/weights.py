"""Weights on disk: safetensors only, written atomically, loaded strictly."""

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

MISFITS_SHOWN = 12


def write_weights(module: nn.Module, file: Path) -> None:
    """Write the state of ``module`` to a safetensors file; a crash or a power cut leaves the old file whole."""
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in module.state_dict().items()}
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.touch()  # made with the mode of the umask; the library would make a file for its owner alone
        mode = temporary.stat().st_mode
        save_file(state, temporary, metadata={"format": "pt"})
        with temporary.open("rb") as written:
            os.fchmod(written.fileno(), mode)
            os.fsync(written.fileno())
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def read_weights(module: nn.Module, file: Path) -> None:
    """Load a safetensors file into ``module``; ``ValueError`` lists every key and shape that does not fit."""
    try:
        saved = load_file(file)
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:  # KeyError where torch lacks the type
        raise ValueError(f"cannot read weights from {file}: {' '.join(str(error).split())[:300]}") from error
    load_strictly(module, saved, source=str(file))


def load_strictly(module: nn.Module, saved: Mapping[str, Tensor], *, source: str) -> None:
    """Copy ``saved`` into ``module``, or raise one line that lists what does not fit and change nothing."""
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
        hidden = len(misfits) - MISFITS_SHOWN
        shown = "; ".join(misfits[:MISFITS_SHOWN]) + (f"; and {hidden} more" if hidden > 0 else "")
        raise ValueError(f"weights in {source} are of another architecture, {len(misfits)} misfits: {shown}")
    module.load_state_dict(saved)
