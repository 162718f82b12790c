"""Checkpoints of a training: whole or not there, and enough to go on bit for bit."""

import os
import shutil
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.amp.grad_scaler import GradScaler

from multimodal.files import atomic_path, read_json, write_json

#: Keeps the gradients of float16 from vanishing, by a factor that changes as the training goes; None otherwise.
Scaler: TypeAlias = GradScaler | None


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

    A checkpoint is written under another name and moved into place, so a kill leaves the former one.
    """

    def __init__(self, run: str | Path) -> None:
        self.folder = Path(run) / "checkpoints"
        self.best = Path(run) / "best.safetensors"

    def latest(self) -> Path | None:
        """Folder of the latest whole checkpoint, None when there is none."""
        return max(self.folder.glob("step-*"), default=None)

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, state: FitState, scaler: Scaler) -> None:
        """Write model, optimizer, state and scaler; older checkpoints go once this one is in place."""
        target = self.folder / f"step-{state.step:08d}"
        if target.exists():
            return
        temporary = self.folder / f".writing-{uuid.uuid4().hex}"
        temporary.mkdir(parents=True)
        save_weights(model, temporary / "model.safetensors")
        torch.save(optimizer.state_dict(), temporary / "optimizer.pt")
        if scaler is not None:
            torch.save(scaler.state_dict(), temporary / "scaler.pt")
        write_json(temporary / "state.json", asdict(state))
        os.replace(temporary, target)
        for older in self.folder.iterdir():
            if older != target:
                shutil.rmtree(older)

    def load(self, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: Scaler) -> FitState:
        """Restore the latest checkpoint; a fresh :class:`FitState` when there is none."""
        latest = self.latest()
        if latest is None:
            return FitState()
        load_weights(model, latest / "model.safetensors")
        optimizer.load_state_dict(torch.load(latest / "optimizer.pt", map_location="cpu", weights_only=True))
        if scaler is not None:
            scaler.load_state_dict(torch.load(latest / "scaler.pt", map_location="cpu", weights_only=True))
        return FitState(**read_json(latest / "state.json"))

    def save_best(self, model: nn.Module) -> None:
        """Keep the weights that the validation data chose."""
        with atomic_path(self.best) as temporary:
            save_weights(model, temporary)


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
    except (KeyError, OSError, RuntimeError, SafetensorError) as error:  # KeyError: a type that torch has not
        raise ValueError(f"weights do not fit: {path}: {' '.join(str(error).split())[:300]}") from error
