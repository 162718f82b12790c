"""The training loop, in sight: one optimizer step after the other, validation, checkpoints, early stopping.

Device, precision and processes are Accelerate's business. Everything random in step ``s`` follows from
``(seed, s, rank)`` and the batch of step ``s`` from ``(seed, s)``, so 3 steps, a restart and 3 more are the same
as 6, bit for bit on a CPU. On a GPU no step waits for the numbers of another: they are read some steps later.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from threading import Event
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from encoders.base import Encoder
from multimodal.data.delivery import Batch, delivered, to_device
from multimodal.progress import progress
from multimodal.training.averaging import WeightAverage
from multimodal.training.checkpoints import Checkpoints, FitState
from multimodal.training.options import FitOptions
from multimodal.training.parameter_groups import make_optimizer

#: Steps after which the numbers of a step are read on a GPU, which is through with it by then.
_READ_LATER = 8

#: Steps from one row of numbers to the next in whatever tracker follows the training.
TRACKED_EVERY = 10


class Task(Protocol):
    """What is learnt: the loss of a batch, and what validation data say of the model."""

    def losses(self, model: nn.Module, batch: Batch, parts: int) -> Iterator[dict[str, Float[Tensor, ""]]]:
        """Losses of ``parts`` parts of this process's batch, one after the other, which sum to the batch's.

        Each as ``loss``, and whatever it is made of beside it.
        """

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
        batches_from: gives this process's batches from a step on, as they are read.
        options: how long and how fast.
        accelerator: device, precision and processes.
        checkpoints: where the state is kept; model selection and early stopping see validation data only.
        title: in front of the progress bar.
        clip_ids: of the rows that batches name, for whoever looks for the cause of a loss that is not finite.

    Raises:
        ValueError: loss or gradient are not finite (names the clips); the last good checkpoint stays.
    """
    learner = Learner(model, task, options, accelerator=accelerator, checkpoints=checkpoints, clip_ids=clip_ids)
    return learner.fit(batches_from, title=title)


class Learner:
    """What a training does: steps, judgements and checkpoints, which :meth:`fit` has follow each other.

    Whoever wants to know what a training takes calls them one by one, and so leaves nothing out that it does.

    Args:
        model, task, options, accelerator, checkpoints, clip_ids: as for :func:`fit`. ``state`` is that of the
            latest checkpoint.
        encoders: that stand before the model and are no part of it, where it learns from their tokens.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        options: FitOptions,
        *,
        accelerator: Accelerator,
        checkpoints: Checkpoints,
        clip_ids: Sequence[str] | None = None,
        encoders: Iterable[Encoder] = (),
    ) -> None:
        self._model, self._task, self._options = model, task, options
        self._accelerator, self._checkpoints, self._in_backward = accelerator, checkpoints, Event()
        self._average = None if options.ema_decay is None else WeightAverage(model, options.ema_decay)
        optimizer = make_optimizer(model, options, encoders)
        # before Accelerate wraps them: so a checkpoint has the names of the bare model, however many processes
        self.state = checkpoints.load(model, optimizer, accelerator.scaler, self._averaged)
        self._wrapped: nn.Module = model
        self._optimizer: Any = optimizer
        self.numbers = StepNumbers(clip_ids, self._tell, scales_itself=accelerator.scaler is not None)

    @property
    def _averaged(self) -> nn.Module | None:
        return None if self._average is None else self._average.model

    def fit(self, batches_from: Callable[[int], Iterable[Batch]], *, title: str) -> FitState:
        """Train to the end, as :func:`fit` does."""
        state, options = self.state, self._options
        if state.finished:
            return state
        if state.step >= options.steps:
            raise ValueError(
                f"{self._checkpoints.folder} goes on from step {state.step:,} of {options.steps:,}; "
                "remove it to train anew"
            )
        is_told = self._accelerator.is_main_process
        bar = progress(total=options.steps, initial=state.step, desc=title, unit="step", disable=not is_told)
        with bar, self.begun(batches_from) as batches:
            while not state.finished:
                self.step(next(batches))
                validates = state.finished or state.step % options.validate_every == 0
                if validates:
                    self.settle()
                bar.update()
                bar.set_postfix(loss=f"{self.numbers.mean_loss():.4f}", refresh=False)
                if validates:
                    self.judge()
                    self.keep()
        return state

    @contextmanager
    def begun(self, batches_from: Callable[[int], Iterable[Batch]]) -> Iterator[Iterator[Batch]]:
        """Bring all to the device; gives the batches there for :meth:`step`, each fetched while one is used."""
        self._wrapped, self._optimizer = self._accelerator.prepare(self._model, self._optimizer)
        if self._averaged is not None:
            self._averaged.to(self._accelerator.device)
        self._wrapped.train()
        read = delivered(batches_from(self.state.step), self._accelerator.device, self._in_backward)
        with closing(read) as batches:
            yield batches

    def step(self, batch: Batch) -> None:
        """One optimizer step and what belongs to it; a GPU is let run ahead by some."""
        taken = training_step(
            self._wrapped,
            self._task,
            batch,
            self._optimizer,
            self.state.step,
            self._options,
            self._accelerator,
            self._in_backward.set,
        )
        self.numbers.add(self.state.step, batch["row"], taken)
        self.state.step += 1
        if self._average is not None:
            self._average.update(self._model, self.state.step)
        self.state.finished = self.state.step >= self._options.steps
        self.numbers.read(later=_READ_LATER)

    def settle(self) -> None:
        """Wait for all steps: nothing is judged or kept of weights whose losses nobody has looked at."""
        self.numbers.read(later=0)

    def judge(self) -> None:
        """Judge the weights on validation data, and their average beside them: the better stands for this step."""
        self.settle()
        row, best = self._judged()
        state, options = self.state, self._options
        state.history.append({"step": state.step, "loss": self.numbers.mean_loss(), **row})
        known = {name.removeprefix("validation_"): value for name, value in row.items() if value is not None}
        self._accelerator.log({f"validation/{name}": value for name, value in known.items()}, step=state.step)
        value = row["selection"]
        # where validation has one class alone no value is defined: the first weights are kept, so some are there
        if state.best_value is None or (value is not None and value > state.best_value):
            state.best_value, state.best_step, state.stale_validations = value, state.step, 0
            if self._accelerator.is_main_process:
                self._checkpoints.save_best(best)
        else:
            state.stale_validations += 1
        if options.patience is not None and state.stale_validations >= options.patience:
            state.finished = True

    def _judged(self) -> tuple[dict[str, float | None], nn.Module]:
        """What validation says of both, and the one that it likes better."""
        row, averaged = self._task.validate(self._model), self._averaged
        if averaged is None:
            return row, self._model
        other, best = self._task.validate(averaged), self._model
        # the average is taken where it is better only: after few steps it still holds the random beginning
        if row["selection"] is None or (other["selection"] is not None and other["selection"] > row["selection"]):
            best = averaged
        row |= {f"{name}_averaged": value for name, value in other.items()}
        row["selection"] = row["selection_averaged"] if best is averaged else row["selection"]
        return row, best

    def keep(self) -> None:
        """Write the checkpoint that belongs to a judgement."""
        if self._accelerator.is_main_process:
            self._checkpoints.save(
                self._model, self._optimizer.optimizer, self.state, self._accelerator.scaler, self._averaged
            )
        # a process that went on alone would wait in the next step for one that still writes
        self._accelerator.wait_for_everyone()
        self.numbers.losses.clear()

    def _tell(self, step: int, told: dict[str, float]) -> None:
        if step % TRACKED_EVERY == 0:
            told = {**told, "learning_rate": learning_rate(step, self._options)}
            self._accelerator.log({f"train/{name}": value for name, value in told.items()}, step=step)


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
    meanwhile: Callable[[], None] = lambda: None,
) -> dict[str, Tensor]:
    """One optimizer step on this process's part of a batch; nothing of it is waited for.

    Gives its loss, what that is made of and the norm of its gradient, still on the device. ``meanwhile`` is called
    where the last backward pass begins: it needs no Python, which other threads may then take.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, options) * group["scale"]
    there, taken = to_device(batch, accelerator.device), dict[str, Tensor]()
    with randomness_of(options.seed, step, accelerator.process_index, accelerator.device):
        losses = task.losses(wrapped, there, options.accumulate)
        for part in range(options.accumulate):
            # processes exchange gradients once a step, with the last part
            is_last = part == options.accumulate - 1
            with nullcontext() if is_last else accelerator.no_sync(wrapped):
                with accelerator.autocast():
                    of_part = next(losses)
                if is_last:
                    meanwhile()
                accelerator.backward(of_part["loss"])
            for name, loss in of_part.items():
                taken[name] = taken[name] + loss.detach() if name in taken else loss.detach()
    norm = accelerator.clip_grad_norm_(wrapped.parameters(), options.gradient_norm)
    optimizer.step()
    optimizer.zero_grad()
    return {
        **taken,
        "gradient_norm": torch.as_tensor(math.nan if norm is None else norm, device=accelerator.device),
    }


_ADVICE = "lower the learning rate or look at these clips (the last good checkpoint, if any, is kept)"


class _Sent(NamedTuple):
    """Numbers of a step on their way to the host, and what tells that they are there."""

    step: int
    rows: Tensor
    names: tuple[str, ...]
    values: Tensor
    arrival: Any


class StepNumbers:
    """Losses of the steps since the last validation, and a watch that they are finite.

    On a GPU the numbers of a step travel to the host while later steps are computed. They are all read before
    anything is validated or kept, so that no checkpoint has weights that came of a loss that was not finite.

    Args:
        clip_ids: of the rows that batches name.
        tell: is given the numbers of each step, in order, as they are read.
        scales_itself: whether a scaler of gradients leaves out steps whose gradient overflows.
    """

    def __init__(
        self, clip_ids: Sequence[str] | None, tell: Callable[[int, dict[str, float]], None], *, scales_itself: bool
    ) -> None:
        self.losses: list[float] = []
        self._clip_ids, self._tell, self._scales_itself = clip_ids, tell, scales_itself
        self._coming: deque[_Sent] = deque()

    def add(self, step: int, rows: Tensor, numbers: Mapping[str, Tensor]) -> None:
        """Send for the numbers of a step."""
        values, arrival = torch.stack([one.float() for one in numbers.values()]), None
        if values.device.type == "cuda":
            values = torch.empty(len(values), pin_memory=True).copy_(values, non_blocking=True)
            arrival = torch.cuda.current_stream().record_event()
        self._coming.append(_Sent(step, rows, tuple(numbers), values, arrival))

    def read(self, *, later: int) -> None:
        """Read all numbers but those that may still be on their way: of the last ``later`` steps.

        Raises:
            ValueError: one is not finite; names the step and its clips.
        """
        while self._coming and (len(self._coming) > later or self._coming[0].arrival is None):
            sent = self._coming.popleft()
            if sent.arrival is not None:
                sent.arrival.synchronize()
            numbers = dict(zip(sent.names, sent.values.tolist(), strict=True))
            watched = {"loss": "loss"} | ({} if self._scales_itself else {"gradient": "gradient_norm"})
            for what, name in watched.items():
                if not math.isfinite(value := numbers[name]):
                    where = self._clips(sent.rows)
                    raise ValueError(f"the {what} of step {sent.step} is {value}, {where}; {_ADVICE}")
            self.losses.append(numbers["loss"])
            self._tell(sent.step, numbers)

    def mean_loss(self) -> float:
        """Mean loss of the steps that were read since the last validation."""
        return float(np.mean(self.losses)) if self.losses else math.nan

    def _clips(self, rows: Tensor) -> str:
        if self._clip_ids is None:
            return f"in rows {rows.tolist()} of the training clips"
        names = dict.fromkeys(
            self._clip_ids[row] if row >= 0 else "one made of two clips" for row in rows.tolist()
        )
        return f"in the clips {', '.join(names)}"


@contextmanager
def randomness_of(seed: int, step: int, rank: int, device: torch.device) -> Iterator[None]:
    """Seed torch by (seed, step, rank) inside the block only, so that dropout follows from the step."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]))
        yield
