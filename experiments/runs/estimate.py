"""How long a run would take here and how much memory: some of its real steps, timed."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from encoders.temporary import temporary_folder
from experiments.runs.clips import Clips
from experiments.runs.loop import Training, batches_of, computing, learner_of
from multimodal.data.delivery import Batch
from multimodal.training.checkpoints import Checkpoints
from multimodal.training.fit import Learner

#: The first steps are slower: workers start, memory is allocated, kernels are chosen.
WARM_UP_STEPS = 4
TIMED_STEPS = 12
#: Clips that are scored to time a validation.
TIMED_CLIPS = 16
#: Seconds after which no more steps are taken, and beside which what is done once, as to start workers, is little.
LONG = 60


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What was timed, and what follows for the run.

    Args:
        device: what was computed on.
        steps, validations: of the whole run, if it does not stop early.
        begin_seconds: what the first steps and the first validation take longer than others.
        step_seconds: mean of a step, waiting for its batch included.
        waiting_share: share of that spent waiting for the batch.
        validation_seconds: of one validation, with the checkpoint that follows it.
        host_gigabytes: the largest process.
        device_gigabytes: the most that torch had of a GPU's memory; None on a CPU.
    """

    device: str
    steps: int
    validations: int
    begin_seconds: float
    step_seconds: float
    waiting_share: float
    validation_seconds: float
    host_gigabytes: float
    device_gigabytes: float | None

    @property
    def total_seconds(self) -> float:
        """The whole run."""
        repeated = self.steps * self.step_seconds + self.validations * self.validation_seconds
        return self.begin_seconds + repeated

    def text(self) -> str:
        """Three lines for the terminal."""
        memory = f"{self.host_gigabytes:.1f} GB in the largest process"
        begin = f", {duration(self.begin_seconds)} of it to begin" if self.begin_seconds >= 10 else ""
        if self.device_gigabytes is not None:
            memory += f", {self.device_gigabytes:.1f} GB on the GPU"
        return "\n".join(
            [
                f"{self.steps:,} steps of {self.step_seconds:.2f} s on {self.device} "
                f"({self.waiting_share:.0%} of it waiting for data), "
                f"{self.validations:,} validations of {self.validation_seconds:.1f} s",
                f"about {duration(self.total_seconds)} in all{begin}, less if it stops early",
                f"memory: {memory}",
            ]
        )


def estimate(training: Training, *, scratch: Path | None = None) -> Estimate:
    """Take some real steps, a part of a validation and a checkpoint, by the code that trains; nothing is kept.

    Args:
        training: that is timed.
        scratch: where a checkpoint is written for a moment (default: where the system keeps temporary files).

    Raises:
        ValueError: a training on tokens, which takes seconds once they are there.
    """
    if training.is_on_tokens:
        raise ValueError("--estimate times training on crops and sound; leave --tokens, smote and hybrid out")
    clips, validation_share = with_few_held_out(training.clips)
    count = min(WARM_UP_STEPS + TIMED_STEPS, training.fit.steps)
    with (
        temporary_folder(".multimodal-estimate-", scratch) as folder,
        computing(training) as accelerator,
    ):
        parts = training.make(clips, accelerator, print)
        learner = learner_of(training, parts, accelerator, Checkpoints(folder))
        with learner.begun(batches_of(training, parts, accelerator)) as batches:
            first = _take(learner, batches, min(WARM_UP_STEPS, count - 1))
            timed = _take(learner, batches, count - first.steps)
        judging = [_seconds(learner.judge)]
        if judging[0] < LONG or training.fit.compile:
            judging.append(_seconds(learner.judge))
        keeping = _seconds(learner.keep)
    cuda = accelerator.device.type == "cuda"
    step_seconds = timed.seconds / timed.steps
    return Estimate(
        device=torch.cuda.get_device_name() if cuda else f"the CPU ({torch.get_num_threads()} threads)",
        steps=training.fit.steps,
        validations=-(-training.fit.steps // training.fit.validate_every),
        begin_seconds=max(first.seconds - first.steps * step_seconds, 0) + max(judging[0] - judging[-1], 0),
        step_seconds=step_seconds,
        waiting_share=timed.waited / timed.seconds,
        validation_seconds=judging[-1] / validation_share + keeping,
        host_gigabytes=peak_gigabytes(),
        device_gigabytes=torch.cuda.max_memory_allocated() / 1e9 if cuda else None,
    )


class _Taken(NamedTuple):
    """So many steps, how long they took, and for how long of that their batches were waited for."""

    steps: int
    seconds: float
    waited: float


def _take(learner: Learner, batches: Iterator[Batch], most: int) -> _Taken:
    """Take steps until they are enough or it took long, and wait until a GPU is through with them."""
    begun, waited, taken = time.perf_counter(), 0.0, 0
    while taken < most and (asked := time.perf_counter()) - begun < LONG:
        batch = next(batches)
        waited += time.perf_counter() - asked
        learner.step(batch)
        taken += 1
    learner.settle()
    return _Taken(taken, time.perf_counter() - begun, waited)


def _seconds(done: Callable[[], None]) -> float:
    begun = time.perf_counter()
    done()
    return time.perf_counter() - begun


def with_few_held_out(clips: Clips) -> tuple[Clips, float]:
    """The same clips with some of those for validation, and which part of them that is."""
    held_out = np.flatnonzero(clips.table["split"] == "val")
    some = held_out[np.unique(np.linspace(0, len(held_out) - 1, TIMED_CLIPS).astype(int))]
    left_out = np.setdiff1d(held_out, some)
    table = clips.table.drop(index=clips.table.index[left_out]).reset_index(drop=True)
    return replace(clips, table=table), len(some) / len(held_out)


def peak_gigabytes() -> float:
    """Most memory that this process or any one child has taken, in GB."""
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(usage) / (1e9 if sys.platform == "darwin" else 1e6)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as one would say it.

    >>> duration(42), duration(1234), duration(100_000)
    ('42 s', '21 min', '27.8 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
