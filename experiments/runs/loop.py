"""A training from its opened parts to the weights that validation chose; pretraining and training share it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import Dataset

from encoders.base import Encoder
from encoders.learnt_from import LearntFrom
from experiments.runs.balancing import DrawnLabels, learnt_labels
from experiments.runs.clips import Clips
from experiments.runs.device import accelerator_on, processes
from experiments.runs.folder import RunFolder
from experiments.runs.trackers import begin_tracking, check_tracker
from multimodal.data.delivery import Batch, window_loader
from multimodal.data.order import StepBatches
from multimodal.files import as_written, write_json
from multimodal.tokens.cache import TokenCache
from multimodal.tokens.embedding import link_or_copy
from multimodal.training.checkpoints import Checkpoints, load_weights
from multimodal.training.fit import Learner
from multimodal.training.options import FitOptions
from multimodal.training.tasks import BranchTask, DetectorTask

Say = Callable[[str], None]


class Parts(NamedTuple):
    """What one training is made of once its models are built.

    ``model`` is the part that learns, ``task`` its loss and how it is judged, ``windows`` what it sees, ``drawn``
    how often. ``encoders`` are all that it has; ``cache`` holds their tokens where these are read, not media.
    """

    model: nn.Module
    task: DetectorTask | BranchTask
    windows: Dataset[Any]
    drawn: DrawnLabels
    encoders: Mapping[str, Encoder]
    cache: TokenCache | None = None


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training as :mod:`experiments.runs.build` opened it.

    Args:
        title: in front of the progress bar.
        settings: the configuration as plain values, for the run folder.
        clips: what is learnt from.
        make: builds the parts for these clips, or fewer of them; what is to be said on the way goes to ``Say``.
        fit: how long and how fast.
        batch_size: windows a step, over all processes.
        num_workers: processes that read windows.
        precision: ``no``, ``bf16`` or ``fp16``.
        is_on_tokens: whether tokens that are kept are read in place of crops and sound.
        learnt_from: what the weights will have learnt from, the earlier trainings of the encoders included.
        facts: what ``provenance.json`` says beside what follows from the clips.
    """

    title: str
    settings: dict[str, Any]
    clips: Clips
    make: Callable[[Clips, Accelerator, Say], Parts]
    fit: FitOptions
    batch_size: int
    num_workers: int
    precision: str
    is_on_tokens: bool = False
    learnt_from: LearntFrom = field(default_factory=LearntFrom)
    facts: dict[str, Any] = field(default_factory=dict)


class Trained(NamedTuple):
    """What a training leaves in memory; ``parts.model`` has the weights that validation chose."""

    parts: Parts
    accelerator: Accelerator


@contextmanager
def learn(training: Training, run: RunFolder, *, tracker: str = "tensorboard") -> Iterator[Trained]:
    """Train into the run folder, going on where a killed training stopped; then the block may write to it too.

    The first process holds the folder until the block ends, and alone writes to it.

    Args:
        training: what is trained.
        run: where; may hold the same training, whole or in part, but no other.
        tracker: where the numbers of each validation go; see :data:`experiments.runs.trackers.TRACKERS`.

    Raises:
        ValueError: the folder holds another training, or another process writes it.
    """
    check_tracker(tracker)
    ranks = processes()
    with run.begun(training.settings) if ranks.is_main_process else nullcontext():
        ranks.wait_for_everyone()  # until the folder is known to be ours
        log_with = None if tracker == "none" else tracker
        with computing(training, log_with=log_with, project_dir=str(run.path)) as accelerator:
            yield _learn(training, run, tracker, accelerator)


@contextmanager
def computing(training: Training, **options: Any) -> Iterator[Accelerator]:
    """Kernels, device, precision and processes as a training asks for; first weights follow from its seed.

    Args:
        training: that is to be made, or timed.
        options: of :class:`accelerate.Accelerator`.
    """
    with same_bits() if training.fit.deterministic else nullcontext():
        set_seed(training.fit.seed)  # for what is built; each step seeds itself, so that any step can be the first
        yield accelerator_on(precision=training.precision, **options)


@contextmanager
def same_bits() -> Iterator[None]:
    """Let torch take deterministic kernels alone inside the block; before a GPU is used for the first time."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS refuses
    was = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was[0])
        torch.backends.cudnn.benchmark = was[1]


def _learn(training: Training, run: RunFolder, tracker: str, accelerator: Accelerator) -> Trained:
    checkpoints = Checkpoints(run.path)
    if processes().is_main_process:
        checkpoints.sweep()
    if run.provenance.is_file():  # clips that changed since would make half a training of each
        training.clips.require_same(run.read_provenance())
    begin_tracking(accelerator, tracker, title=run.path.name, settings=training.settings)
    say: Say = print if accelerator.is_main_process else _nothing
    parts = training.make(training.clips, accelerator, say)
    if accelerator.is_main_process:
        _write_origin(training, parts, run)
    learner = learner_of(training, parts, accelerator, checkpoints)
    state = learner.fit(batches_of(training, parts, accelerator), title=training.title)
    accelerator.wait_for_everyone()  # the best weights are a file of the first process
    if accelerator.is_main_process:
        print(f"{training.title}: {_best_of(as_written(run.history, state.history))}")
    load_weights(parts.model, checkpoints.best)
    return Trained(parts, accelerator)


def _best_of(history: Sequence[Mapping[str, Any]]) -> str:
    """The validation that was best, as the run's history has it."""
    judged = [row for row in history if row["selection"] is not None]
    best = max(judged, key=lambda row: row["selection"], default=history[-1])
    value = "not defined" if best["selection"] is None else f"{best['selection']:.3f}"
    return f"best validation value {value} at step {best['step']} of {history[-1]['step']}"


def learner_of(training: Training, parts: Parts, accelerator: Accelerator, checkpoints: Checkpoints) -> Learner:
    """What learns, from the latest checkpoint on; an estimate of the training has the same."""
    return Learner(
        parts.model,
        parts.task,
        training.fit,
        accelerator=accelerator,
        checkpoints=checkpoints,
        clip_ids=getattr(parts.windows, "clip_ids", None),
        encoders=parts.encoders.values(),
    )


def batches_of(training: Training, parts: Parts, accelerator: Accelerator) -> Callable[[int], Iterable[Batch]]:
    """Batches of this process from any step on, as they are read."""

    def batches_from(step: int) -> Iterable[Batch]:
        sampler = StepBatches(
            parts.drawn.draw.order,
            batch_size=training.batch_size,
            start_step=step,
            end_step=training.fit.steps,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
        )
        return window_loader(parts.windows, num_workers=training.num_workers, batch_sampler=sampler)

    return batches_from


def _write_origin(training: Training, parts: Parts, run: RunFolder) -> None:
    """What the model learnt from, and what it takes to build its encoders again without any download."""
    learnt = learnt_labels(parts.drawn.counts, parts.task.criterion)
    write_json(run.provenance, training.clips.provenance() | training.facts | {"learnt": learnt})
    write_json(
        run.architecture,
        {
            name: {"name": encoder.name, "arguments": encoder.arguments()}
            for name, encoder in parts.encoders.items()
        },
    )
    learnt_from = training.learnt_from
    if parts.cache is not None:
        learnt_from = learnt_from | (parts.cache.learnt_from or LearntFrom())
        link_or_copy(parts.cache.encoders, run.frozen_encoders)
    learnt_from.write(run.path)


def _nothing(text: str) -> None:
    """Processes beside the first say nothing."""
