"""How long a run would take here and how much memory: some of its real steps, timed."""

import resource
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
import torch

from experiments.runs.clips import Clips
from experiments.runs.device import accelerator_on
from experiments.runs.loop import Training, batches_of
from multimodal.data.delivery import delivered
from multimodal.training.fit import training_step
from multimodal.training.parameter_groups import make_optimizer

#: The first steps are slower: workers start, memory is allocated, kernels are chosen.
WARM_UP_STEPS = 4
TIMED_STEPS = 12
#: Clips that are scored to time a validation.
TIMED_CLIPS = 16


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What was timed, and what follows for the run.

    Args:
        device: what was computed on.
        steps, validations: of the whole run, if it does not stop early.
        step_seconds: mean of a step, waiting for its batch included.
        waiting_share: share of that spent waiting for the batch.
        validation_seconds: of one validation.
        host_gigabytes: the largest process.
        device_gigabytes: the most that torch had of a GPU's memory; None on a CPU.
    """

    device: str
    steps: int
    validations: int
    step_seconds: float
    waiting_share: float
    validation_seconds: float
    host_gigabytes: float
    device_gigabytes: float | None

    @property
    def total_seconds(self) -> float:
        """The whole run."""
        return self.steps * self.step_seconds + self.validations * self.validation_seconds

    def text(self) -> str:
        """Three lines for the terminal."""
        memory = f"{self.host_gigabytes:.1f} GB in the largest process"
        if self.device_gigabytes is not None:
            memory += f", {self.device_gigabytes:.1f} GB on the GPU"
        return "\n".join(
            [
                f"{self.steps:,} steps of {self.step_seconds:.2f} s on {self.device} "
                f"({self.waiting_share:.0%} of it waiting for data), "
                f"{self.validations:,} validations of {self.validation_seconds:.1f} s",
                f"about {duration(self.total_seconds)} in all, less if it stops early",
                f"memory: {memory}",
            ]
        )


def estimate(training: Training) -> Estimate:
    """Take some real steps and a part of a validation; nothing is kept.

    Raises:
        ValueError: a training on tokens, which takes seconds once they are there.
    """
    if training.is_on_tokens:
        raise ValueError("--estimate times training on crops and sound; leave --tokens, smote and hybrid out")
    clips, validation_share = with_few_held_out(training.clips)
    accelerator = accelerator_on(precision=training.precision)
    parts = training.make(clips, accelerator, print)
    model, task = parts.model, parts.task
    options = replace(training.fit, steps=max(training.fit.steps, 1))
    wrapped, optimizer = accelerator.prepare(model, make_optimizer(model, options))
    wrapped.train()
    taken: list[tuple[float, float]] = []
    in_backward = Event()
    read = delivered(batches_of(training, parts, accelerator)(0), accelerator.device, in_backward)
    with closing(read) as batches:
        for step in range(min(WARM_UP_STEPS + TIMED_STEPS, options.steps)):
            start = time.perf_counter()
            batch = next(batches)
            waited = time.perf_counter() - start
            training_step(wrapped, task, batch, optimizer, step, options, accelerator, in_backward.set)
            taken.append((time.perf_counter() - start, waited))
    steps, waits = np.array(taken[WARM_UP_STEPS:] or taken).sum(axis=0)
    start = time.perf_counter()
    task.validate(model)
    validation_seconds = (time.perf_counter() - start) / validation_share
    cuda = accelerator.device.type == "cuda"
    return Estimate(
        device=torch.cuda.get_device_name() if cuda else f"the CPU ({torch.get_num_threads()} threads)",
        steps=training.fit.steps,
        validations=-(-training.fit.steps // training.fit.validate_every),
        step_seconds=steps / len(taken[WARM_UP_STEPS:] or taken),
        waiting_share=waits / steps,
        validation_seconds=validation_seconds,
        host_gigabytes=peak_gigabytes(),
        device_gigabytes=torch.cuda.max_memory_allocated() / 1e9 if cuda else None,
    )


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
