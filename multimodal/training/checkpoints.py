"""Checkpoints of a training: whole or not there, and enough to go on bit for bit."""

import errno
import shutil
import sys
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.amp.grad_scaler import GradScaler

from encoders.folders import must_be_readable
from multimodal.artefacts import inside, is_number, one_line
from multimodal.files import atomic_folder, atomic_path, listed, read_json, sweep, write_json

#: Keeps the gradients of float16 from vanishing, by a factor that changes as the training goes; None otherwise.
Scaler: TypeAlias = GradScaler | None
#: Says of each other file of a checkpoint what it holds.
_SUMS = "sums.json"


@dataclass(kw_only=True)
class FitState:
    """Where a training stands. The order of samples needs no place here: it follows from the step.

    Args:
        step: optimizer steps done.
        best_value: best value of the selection metric so far (higher is better), None before the first.
        best_step: the step it was reached at.
        stale_validations: validations since then.
        finished: whether the training ended, by its number of steps or by early stopping.
        history: a row of numbers by name for each validation.
    """

    step: int = 0
    best_value: float | None = None
    best_step: int = 0
    stale_validations: int = 0
    finished: bool = False
    history: list[dict[str, float | None]] = field(default_factory=list)


class Checkpoints:
    """The folder ``checkpoints`` of a run: the latest state, and the best weights beside it.

    The last two checkpoints are kept, each synced before an older one goes: a kill or a power cut leaves the
    former, and where the newest is damaged the training goes on from the one before it, to the same weights.
    """

    def __init__(self, run: str | Path) -> None:
        self.folder = Path(run) / "checkpoints"
        self.best = Path(run) / "best.safetensors"

    def latest(self) -> Path | None:
        """Folder of the latest checkpoint, None when there is none."""
        return max(self._all(), default=None)

    def sweep(self) -> None:
        """Remove what a killed training, or a power cut, left half-written; for the one writer of the run.

        Raises:
            ValueError: the folder is a link that leads out of the run.
            PermissionError: it may not be read.
        """
        found = self._steps()
        if self.folder.is_dir():
            sweep(self.folder)
        for path in found:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def save(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        state: FitState,
        scaler: Scaler,
        averaged: nn.Module | None = None,
    ) -> None:
        """Write model, its average, optimizer, state and scaler; all but the one before go after that."""
        target = self.folder / f"step-{state.step:08d}"
        former = sorted(self._all())
        for damaged in [path for path in former if path >= target]:  # or the next start would try them again
            _remove(damaged)
            former.remove(damaged)
        with atomic_folder(target) as temporary:
            save_weights(model, temporary / "model.safetensors")
            if averaged is not None:
                save_weights(averaged, temporary / "averaged.safetensors")
            _pickle(optimizer.state_dict(), temporary / "optimizer.pt")
            if scaler is not None:
                _pickle(scaler.state_dict(), temporary / "scaler.pt")
            write_json(temporary / "state.json", asdict(state))
            write_json(temporary / _SUMS, {file.name: _sum(file) for file in sorted(temporary.iterdir())})
        for older in former[:-1]:
            _remove(older)

    def load(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scaler: Scaler,
        averaged: nn.Module | None = None,
    ) -> FitState:
        """Restore the latest checkpoint that is whole; a fresh :class:`FitState` when there is none at all.

        A damaged one is named on standard error.

        Raises:
            ValueError: no checkpoint is whole, or they are of another architecture.
        """
        damage = ""
        for folder in sorted(self._all(), reverse=True):
            try:
                state = _restore(folder, model, optimizer, scaler, averaged)
            except Exception as error:  # noqa: PERF203 - two checkpoints, whose damage makes libraries raise anything
                if _may_be_whole(error):
                    raise
                damage = f"the checkpoint {folder} is damaged ({one_line(error)})"
                print(f"warning: {damage}; the one before it is taken", file=sys.stderr)
            else:
                return state
        if damage:
            raise ValueError(f"{damage}, and so are all before it; remove {self.folder} to train anew")
        return FitState()

    def _all(self) -> list[Path]:
        """Folders of all checkpoints; an empty one is what a power cut left, and none."""
        return [path for path in self._steps() if _holds_files(path)]

    def _steps(self) -> list[Path]:
        # older ones are removed, and those of a folder elsewhere are somebody else's
        inside(self.folder.parent, self.folder.name)
        return [path for path in listed(self.folder) if path.name.startswith("step-")]

    def save_best(self, model: nn.Module) -> None:
        """Keep the weights that the validation data chose."""
        with atomic_path(self.best) as temporary:
            save_weights(model, temporary)


def _may_be_whole(error: Exception) -> bool:
    """Whether a checkpoint may not be read just now, rather than never: memory, permission; not a broken disk."""
    of_the_system = isinstance(error, OSError) and error.errno not in (errno.ENOENT, errno.EIO, None)
    return of_the_system or isinstance(error, MemoryError)


def _holds_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # a notebook looks while the training removes an older one
        return False


def _restore(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: Scaler,
    averaged: nn.Module | None,
) -> FitState:
    state = _state_of(folder / "state.json")
    if (folder / _SUMS).is_file():  # those of before have none
        for name, written in read_json(folder / _SUMS).items():
            if _sum(inside(folder, name)) != written:
                raise ValueError(f"{name} does not hold what was written")
    load_weights(model, folder / "model.safetensors")
    if averaged is not None:
        load_weights(averaged, folder / "averaged.safetensors")
    _load_optimizer(optimizer, _unpickled(inside(folder, "optimizer.pt")))
    if scaler is not None:
        _load_scaler(scaler, _unpickled(inside(folder, "scaler.pt")))
    return state


def _unpickled(path: Path) -> dict[str, Any]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise ValueError(f"{path.name} holds a {type(state).__name__}")
    return state


#: What AdamW gathers for each parameter: how often, and two averages of its size.
_STEP, _AVERAGES = "step", ("exp_avg", "exp_avg_sq")


def _load_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Restore what AdamW has gathered; rates and options are those of this training, which its step tells.

    Its fused kernel trusts the sizes that it is given, and writes beyond tensors that are smaller.
    """
    own = optimizer.state_dict()
    sizes, own_sizes = ([len(group["params"]) for group in one["param_groups"]] for one in (saved, own))
    if sizes != own_sizes:
        raise ValueError(f"the optimizer is of groups of {sizes} parameters, this training's of {own_sizes}"[:300])
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, gathered in saved["state"].items():
        if type(number) is not int or not 0 <= number < len(parameters) or not _fits(gathered, parameters[number]):
            raise ValueError(f"the optimizer gathered something else for parameter {number!r:.40}")
    optimizer.load_state_dict({"state": saved["state"], "param_groups": own["param_groups"]})


def _fits(gathered: dict[str, torch.Tensor], parameter: torch.Tensor) -> bool:
    if gathered.keys() != {_STEP, *_AVERAGES} or not all(map(_is_finite, gathered.values())):
        return False
    shapes = [gathered[name].shape for name in _AVERAGES]
    return gathered[_STEP].numel() == 1 and shapes == [parameter.shape] * len(_AVERAGES)


def _is_finite(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point() and bool(value.isfinite().all())


def _load_scaler(scaler: GradScaler, saved: dict[str, Any]) -> None:
    """Restore the factor and for how long it has held; how it changes is this training's own."""
    held = {name: saved[name] for name in ("scale", "_growth_tracker")}
    if not all(is_number(value) and value >= 0 for value in held.values()):
        raise ValueError(f"the scaler of gradients holds {held!r:.80}")
    scaler.load_state_dict(scaler.state_dict() | held)


def _remove(checkpoint: Path) -> None:
    if checkpoint.is_symlink():  # not made by a training
        checkpoint.unlink()
    else:
        shutil.rmtree(checkpoint)


def _sum(path: Path) -> str:
    """CRC-32 of a file: weights with bits turned round are numbers still, and would be trained on."""
    total = 0
    with path.open("rb") as file:
        while block := file.read(2**22):
            total = zlib.crc32(block, total)
    return f"{total:08x}"


def _state_of(path: Path) -> FitState:
    """The state that a file says; ``ValueError`` where it is of other values."""
    state = FitState(**read_json(path))
    counts = (state.step, state.best_step, state.stale_validations)
    if not all(type(count) is int and 0 <= count < 2**53 for count in counts) or type(state.finished) is not bool:
        raise ValueError(f"{path.name} says step {state.step!r:.40}, finished {state.finished!r:.40}")
    if not (state.best_value is None or is_number(state.best_value)):
        raise ValueError(f"{path.name} says a best value of {state.best_value!r:.40}")
    rows = state.history if isinstance(state.history, list) else [state.history]
    if not all(_is_row(row, state.step) for row in rows):
        raise ValueError(f"{path.name} has a history that is not one of validations up to its step")
    if state.finished and not rows:
        raise ValueError(f"{path.name} says that it is finished, and was never validated")
    return state


def _is_row(row: Any, last: int) -> bool:
    """Whether this is a validation up to a step: numbers by name, its step and what chooses among them."""
    return (
        isinstance(row, dict)
        and row.keys() >= {"step", "selection"}
        and type(row["step"]) is int
        and row["step"] <= last
        and all(value is None or is_number(value) for value in row.values())
    )


def _pickle(state: dict[str, Any], path: Path) -> None:
    """Save by torch, through a file of Python's: one of torch's own does not tell a full disk from a mistake."""
    with path.open("wb") as file:
        torch.save(state, file)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write all parameters and buffers; each is copied, since some buffers are views of a larger one."""
    state = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load safetensors strictly.

    Raises:
        ValueError: the file is missing, is no safetensors file, or holds the weights of another architecture.
    """
    if not path.is_file():
        raise ValueError(f"weights not found: {path}; was this run trained to its end?")
    try:
        model.load_state_dict(load_file(path), strict=True)
    except (KeyError, OSError, RuntimeError, SafetensorError) as error:  # KeyError where torch lacks the type
        must_be_readable(path)
        raise ValueError(f"weights do not fit: {path}: {' '.join(str(error).split())[:300]}") from error
