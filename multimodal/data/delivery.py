"""From windows that workers read to batches on the device, one ahead of the step that takes them.

Crops travel as the store has them, in uint8: a quarter of the bytes of floats. Their size, augmentation and the
way to [0, 1] are the device's business.
"""

import os
import resource
import sys
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from threading import Event
from typing import Any, NamedTuple, TypedDict

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from multimodal.artefacts import one_line
from multimodal.data.augment.picture import change_pictures
from multimodal.data.augment.sound import finish_sounds
from multimodal.data.moving import moved, moved_together
from multimodal.data.windows import Finish, Sample, WindowTensors
from multimodal.labels import MODALITIES, UNKNOWN
from multimodal.processes import make_room_for_sockets, start_worker


class _Batch(TypedDict):
    inputs: dict[str, Float[Tensor, "batch ..."]]
    present: dict[str, Bool[Tensor, " batch"]]
    lengths: dict[str, Int[Tensor, " batch"]]
    labels: dict[str, Int[Tensor, " batch"]]
    row: Int[Tensor, " batch"]


class Batch(_Batch, total=False):
    """Windows stacked: what a model is fed and learns from.

    ``inputs`` by modality: video ``(B, T, 3, H, W)`` in [0, 1], audio ``(B, samples)`` in [-1, 1]; ``present``
    by modality ``(B,)``; ``lengths`` by modality ``(B,)``, frames or samples that are no padding at the end;
    ``labels`` for class, video and audio ``(B,)``, -1 where unknown; ``row`` ``(B,)`` names the clip.

    ``frame_labels``, where windows know them, are those of every frame by modality ``(B, T)``, -1 where unknown or
    padding. While ``finish`` is there, video still is crops ``(B, T, 3, S, S)`` uint8, and :func:`to_device` has
    to do what it says to each window.
    """

    finish: list[Finish]
    frame_labels: dict[str, Int[Tensor, "batch time"]]


# Stacking, in a worker.


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a :class:`Batch`."""
    batch = stack([one.tensors for one in samples])
    batch["labels"] = {name: torch.tensor([one.labels[name] for one in samples]) for name in samples[0].labels}
    batch["row"] = torch.tensor([one.row for one in samples])
    frames = [one.frame_labels for one in samples if one.frame_labels is not None]
    if frames:
        batch["frame_labels"] = {name: torch.stack([one[name] for one in frames]) for name in frames[0]}
    return batch


def stack(windows: Sequence[WindowTensors]) -> Batch:
    """Stack windows whose labels nobody knows."""
    unknown = torch.full((len(windows),), UNKNOWN)
    batch = Batch(
        inputs={name: _stacked(windows, name) for name in windows[0].inputs},
        present={name: torch.tensor([window.present[name] for window in windows]) for name in windows[0].present},
        lengths={name: torch.tensor([window.lengths[name] for window in windows]) for name in windows[0].lengths},
        labels=dict.fromkeys(("class", *MODALITIES), unknown),
        row=unknown,
    )
    finish = [window.finish for window in windows if window.finish is not None]
    return Batch(**batch, finish=finish) if finish else batch


def _stacked(windows: Sequence[WindowTensors], name: str) -> Tensor:
    """Inputs of a modality; what no window has stays one zero, which costs nothing to hand over."""
    inputs = [window.inputs[name] for window in windows]
    if any(window.present[name] for window in windows):
        shape = torch.broadcast_shapes(*(one.shape for one in inputs))  # crops that a window lacks are of side 1
        return torch.stack([one.expand(shape) for one in inputs])
    return inputs[0].expand(len(windows), *inputs[0].shape)


# To the device, and what is left to do there.


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """The batch as a model takes it, on ``device``; rows and lengths, which the host reads, stay where they are.

    A batch that is there already comes back as it is.

    Shape: ``inputs["video"]`` becomes ``(B, T, 3, H, W)`` in [0, 1].
    """
    device = torch.device(device)
    if "finish" not in batch and all(value.device.type == device.type for value in batch["inputs"].values()):
        return batch
    is_here = {name: bool(present.any()) for name, present in batch["present"].items()}
    inputs = {
        name: moved(value, device)
        if is_here.get(name, True)
        else torch.zeros((), device=device).expand(value.shape)
        for name, value in batch["inputs"].items()
    }
    if finish := batch.get("finish"):
        inputs = _finished(inputs, is_here, finish)
    ready = Batch(
        inputs=inputs,
        present=moved_together(batch["present"], device),
        lengths=batch["lengths"],
        labels=moved_together(batch["labels"], device),
        row=batch["row"],
    )
    if frames := batch.get("frame_labels"):
        ready["frame_labels"] = moved_together(frames, device)
    return ready


def _finished(inputs: dict[str, Tensor], is_here: dict[str, bool], finish: Sequence[Finish]) -> dict[str, Tensor]:
    size, rate = finish[0].frame_size, finish[0].sample_rate
    video, audio = inputs["video"], inputs["audio"]
    if is_here["video"]:
        video = change_pictures(video, [one.picture for one in finish], size)
    else:
        video = torch.zeros((), device=video.device).expand(*video.shape[:2], 3, size, size)
    if is_here["audio"]:
        audio = finish_sounds(audio, [one.sound for one in finish], sample_rate=rate)
    return {"video": video, "audio": audio}


def window_loader(windows: Dataset[Any], *, num_workers: int, **options: Any) -> DataLoader[Any]:
    """Batches of windows, read by workers that stay for the next round.

    Raises:
        ValueError: this process may open too few files for workers.
    """
    if num_workers:
        _open_files()
        make_room_for_sockets()
    return DataLoader(
        windows,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        worker_init_fn=_start_reader,
        **{"collate_fn": collate, **options},
    )


def _start_reader(number: int) -> None:
    """Let a worker end where a batch cannot be handed over, so that nobody waits for that.

    Python's queue would show a traceback, drop the batch and go on. So it is where shared memory is full: of a
    container that was not given more it is 64 MB.
    """
    start_worker(number)
    Queue._on_queue_feeder_error = staticmethod(_end_reader)  # type: ignore[attr-defined]


def _end_reader(error: Exception, batch: object) -> None:
    print(
        f"a batch cannot be handed over ({one_line(error)}); give more shared memory (/dev/shm; --shm-size of a "
        "container), or take --num-workers 0",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)


def made_batches(batches: Dataset[Batch], *, num_workers: int) -> DataLoader[Any]:
    """Batches that workers make whole, one after the other."""
    return window_loader(batches, num_workers=num_workers, batch_size=None, collate_fn=_as_made)


def _as_made(batch: Batch) -> Batch:
    return batch


#: A tensor on its way from a worker is an open file; where one too many cannot be opened, its batch never comes.
_FILES, _FEWEST_FILES = 4096, 256


def _open_files() -> None:
    """Let this process, and the workers that it starts, open as many files as it may, up to some thousands."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if most < _FEWEST_FILES:
        raise ValueError(
            f"workers that read for a training need {_FEWEST_FILES} open files; this process may open {most}. "
            "Raise that (ulimit -n 1024), or take --num-workers 0"
        )
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Ready(NamedTuple):
    batch: Batch
    event: Any = None


def delivered(
    batches: Iterable[Batch], device: torch.device | str, may_begin: Event | None = None
) -> Generator[Batch]:
    """The same batches on the device, each fetched, copied and finished by a thread while the one before is used.

    On a GPU the copy and the changes go on a stream of their own, so that no step waits for them.

    Args:
        batches: as workers hand them over, or on the device already.
        device: where they are used.
        may_begin: is set when a batch may be brought to a GPU and finished there; at once, if there is none. Two
            threads that send kernels hold each other up wherever both have to run Python. Whoever gives one closes
            the batches when no more are wanted.
    """
    device = torch.device(device)
    source = iter(batches)
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def fetch(*, at_once: bool = False) -> _Ready | None:
        batch = next(source, None)
        if batch is None:
            return None
        if stream is None:
            return _Ready(to_device(batch, device))
        if may_begin is not None and not at_once:
            may_begin.wait()
            may_begin.clear()
        with torch.cuda.stream(stream):
            return _Ready(to_device(batch, device), stream.record_event())

    # here, for it starts the loader's workers: those forked by the thread would fail at their end
    ready = fetch(at_once=True)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
        try:
            while ready is not None:
                coming = thread.submit(fetch)
                if ready.event is not None:
                    _take_over(ready, device)
                yield ready.batch
                ready = coming.result()
        finally:
            if may_begin is not None:
                may_begin.set()  # nobody else will, once batches are no longer asked for


def _take_over(ready: _Ready, device: torch.device) -> None:
    """Let the model's stream wait for the batch, and its memory live until that stream is through with it."""
    current = torch.cuda.current_stream(device)
    current.wait_event(ready.event)
    batch = ready.batch
    parts = (batch["inputs"], batch["present"], batch["labels"], batch.get("frame_labels", {}))
    for value in (one for part in parts for one in part.values()):
        value.record_stream(current)
