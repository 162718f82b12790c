"""The training loop, in sight: one optimizer step after the other, validation, checkpoints, early stopping.

Device, precision and processes are Accelerate's business. Everything random in step ``s`` follows from
``(seed, s, rank)`` and the batch of step ``s`` from ``(seed, s)``, so 3 steps, a restart and 3 more are the same
as 6, bit for bit on a CPU.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from multimodal.data.delivery import Batch, to_device
from multimodal.progress import progress
from multimodal.training.checkpoints import Checkpoints, FitState
from multimodal.training.options import FitOptions

#: Steps from one row of numbers to the next in whatever tracker follows the training.
TRACKED_EVERY = 10


class Task(Protocol):
    """What is learnt: the loss of a batch, and what validation data say of the model."""

    def loss(self, model: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Loss of this process's part of the batch, as ``loss``, and whatever it is made of beside it."""

    def validate(self, model: nn.Module) -> dict[str, float | None]:
        """Numbers by name on validation data, among them ``selection``: higher is better."""


def fit(
    model: nn.Module,
    task: Task,
    batches_from: Callable[[int], Iterable[Batch]],
    options: FitOptions,
    *,
    accelerator: Accelerator,
    checkpoints: Checkpoints,
    title: str = "train",
    clip_ids: Sequence[str] | None = None,
) -> FitState:
    """Train ``model`` in place, from the latest checkpoint if there is one; the best weights are kept on disk.

    Args:
        model: on the CPU; Accelerate moves it.
        task: loss and validation.
        batches_from: gives this process's batches from a step on.
        options: how long and how fast.
        accelerator: device, precision and processes.
        checkpoints: where the state is kept; model selection and early stopping see validation data only.
        title: in front of the progress bar.
        clip_ids: of the rows that batches name, for whoever looks for the cause of a loss that is not finite.

    Raises:
        ValueError: loss or gradient are not finite (names the clips); the last good checkpoint stays.
    """
    optimizer = make_optimizer(model, options)
    state = checkpoints.load(model, optimizer, accelerator.scaler)
    if state.finished:
        return state
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    wrapped.train()
    batches = iter(batches_from(state.step))
    bar = progress(
        total=options.steps, initial=state.step, desc=title, unit="step", disable=not accelerator.is_main_process
    )
    losses: list[float] = []
    with bar:
        while not state.finished:
            batch = next(batches)
            try:
                numbers = training_step(wrapped, task, batch, optimizer, state.step, options, accelerator)
            except FloatingPointError as error:
                raise ValueError(f"{error}, {_clips_of(batch, clip_ids)}; {_ADVICE}") from error
            losses.append(numbers["loss"])
            if state.step % TRACKED_EVERY == 0:
                accelerator.log({f"train/{name}": float(one) for name, one in numbers.items()}, step=state.step)
            state.step += 1
            bar.update()
            bar.set_postfix(loss=f"{np.mean(losses):.4f}", refresh=False)
            state.finished = state.step >= options.steps
            if state.finished or state.step % options.validate_every == 0:
                _validate(model, task, float(np.mean(losses)), state, options, accelerator, checkpoints)
                if accelerator.is_main_process:
                    checkpoints.save(model, optimizer.optimizer, state, accelerator.scaler)
                accelerator.wait_for_everyone()
                losses.clear()
    return state


def make_optimizer(model: nn.Module, options: FitOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter, ICLR 2019) over the parameters that are not frozen."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(parameters, lr=options.learning_rate, weight_decay=options.weight_decay)


def learning_rate(step: int, options: FitOptions) -> float:
    """Learning rate of a step: linear warm-up, then half a cosine; a pure function of the step."""
    warmup = max(round(options.steps * options.warmup_share), 1)
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(options.steps - warmup, 1)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def training_step(
    wrapped: nn.Module,
    task: Task,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    step: int,
    options: FitOptions,
    accelerator: Accelerator,
) -> dict[str, Any]:
    """One optimizer step on this process's part of a batch; its loss, what that is made of, and how it went.

    Raises:
        FloatingPointError: loss or gradient are not finite; the weights were not changed.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, options)
    with randomness_of(options.seed, step, accelerator.process_index, accelerator.device), accelerator.autocast():
        losses = task.loss(wrapped, to_device(batch, accelerator.device))
    value = losses["loss"].item()
    if not math.isfinite(value):
        raise FloatingPointError(f"the loss of step {step} is {value}")
    accelerator.backward(losses["loss"])
    norm = accelerator.clip_grad_norm_(wrapped.parameters(), options.gradient_norm)
    if accelerator.scaler is None and norm is not None and not math.isfinite(norm):  # a scaler skips such steps
        raise FloatingPointError(f"the gradient of step {step} is {float(norm)}")
    optimizer.step()
    optimizer.zero_grad()
    parts = {name: one.detach() for name, one in losses.items()}
    how = {"gradient_norm": math.nan if norm is None else norm, "learning_rate": learning_rate(step, options)}
    return {**parts, **how, "loss": value}


_ADVICE = "lower the learning rate or look at these clips (the last good checkpoint, if any, is kept)"


def _clips_of(batch: Batch, clip_ids: Sequence[str] | None) -> str:
    rows = batch["row"].tolist()
    if clip_ids is None:
        return f"in rows {rows} of the training clips"
    names = dict.fromkeys(clip_ids[row] if row >= 0 else "one made of two clips" for row in rows)
    return f"in the clips {', '.join(names)}"


def _validate(
    model: nn.Module,
    task: Task,
    loss: float,
    state: FitState,
    options: FitOptions,
    accelerator: Accelerator,
    checkpoints: Checkpoints,
) -> None:
    row = {"step": state.step, "loss": loss, **task.validate(model)}
    state.history.append(row)
    held_out = {name: value for name, value in row.items() if value is not None and name not in ("step", "loss")}
    numbers = {f"validation/{name.removeprefix('validation_')}": value for name, value in held_out.items()}
    accelerator.log(numbers, step=state.step)
    value = row["selection"]
    if state.best_value is None or (value is not None and value > state.best_value):
        state.best_value, state.best_step, state.stale_validations = value, state.step, 0
        if accelerator.is_main_process:
            checkpoints.save_best(model)
    else:
        state.stale_validations += 1
    if options.patience is not None and state.stale_validations >= options.patience:
        state.finished = True


@contextmanager
def randomness_of(seed: int, step: int, rank: int, device: torch.device) -> Iterator[None]:
    """Seed torch by (seed, step, rank) inside the block only, so that dropout follows from the step."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]))
        yield
