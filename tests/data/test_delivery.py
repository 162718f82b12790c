import gc
import multiprocessing
import os
import resource
import time

import pytest
import torch

from multimodal.corpora.manifest import Manifest
from multimodal.data.augment import Augmentation
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import collate, delivered, to_device, window_loader
from multimodal.data.order import StepBatches, shuffled
from multimodal.data.windows import TrainingWindows
from multimodal.media.store.reader import Store

SHAPE = WindowShape(num_frames=4, frame_size=24, frame_rate=10.0, sample_rate=16_000)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def numbered(count):
    for number in range(count):
        yield {"inputs": {}, "present": {}, "lengths": {}, "labels": {}, "row": torch.tensor([number])}


def rows(batches) -> list[int]:
    return [batch["row"].item() for batch in batches]


def test_batches_come_in_their_order_and_all_of_them():
    assert rows(delivered(numbered(5), "cpu")) == [0, 1, 2, 3, 4]


def test_no_batch_is_no_batch():
    assert list(delivered([], "cpu")) == []


def test_the_next_batch_is_made_while_this_one_is_used():
    made = []

    def source():
        for batch in numbered(3):
            made.append(batch["row"].item())
            yield batch

    batches = delivered(source(), "cpu")
    assert next(batches)["row"] == 0
    deadline = time.monotonic() + 10
    while made != [0, 1] and time.monotonic() < deadline:
        time.sleep(0.001)
    assert made == [0, 1]
    batches.close()


def test_an_error_of_the_loader_is_raised_where_the_batch_is_asked_for():
    def source():
        yield from numbered(1)
        raise ValueError("no clip 'a'; prepare it first")

    batches = delivered(source(), "cpu")
    assert rows([next(batches)]) == [0]
    with pytest.raises(ValueError, match="prepare it first"):
        next(batches)


@pytest.fixture
def windows(workspace) -> TrainingWindows:
    clips = Manifest.read(workspace / "manifest.parquet").clips.head(6)
    store = Store.open(workspace / "store")
    return TrainingWindows(store, clips, SHAPE, seed=1, augmentation=Augmentation())


def test_a_clip_is_delivered_alike_whatever_the_batch_and_the_number_of_workers(windows):
    order = shuffled(6, seed=0).order

    def clips(batch_size, num_workers, rank=0, world_size=1):
        sampler = StepBatches(
            order, batch_size=batch_size, start_step=0, end_step=6 // batch_size, rank=rank, world_size=world_size
        )
        loader = window_loader(windows, num_workers=num_workers, batch_sampler=sampler)
        for batch in delivered(loader, DEVICE):
            for place, row in enumerate(batch["row"].tolist()):
                yield row, {name: value[place].cpu() for name, value in batch["inputs"].items()}

    alone = dict(clips(1, 0))
    assert len(alone) == 6
    together = [*clips(3, 1), *clips(2, 0, rank=0, world_size=2), *clips(2, 0, rank=1, world_size=2)]
    for row, inputs in together:
        for name, value in inputs.items():
            torch.testing.assert_close(value, alone[row][name], rtol=0, atol=1e-6)


def test_what_travels_is_a_byte_for_each_colour_of_a_pixel(windows):
    batch = collate(
        [
            windows[key]
            for key in next(iter(StepBatches(shuffled(6, seed=0).order, batch_size=3, start_step=0, end_step=1)))
        ]
    )
    size = windows.store.options.crop_size
    assert batch["inputs"]["video"].nbytes == 3 * SHAPE.num_frames * size * size * 3
    ready = to_device(batch, DEVICE)
    assert ready["inputs"]["video"].shape == (3, SHAPE.num_frames, 3, 24, 24)
    assert ready["inputs"]["video"].dtype == torch.float32
    assert to_device(ready, DEVICE) is ready
    assert ready["lengths"]["video"].device.type == "cpu"


def test_workers_are_refused_where_they_could_not_hand_over_a_batch_and_get_the_files_that_they_may(monkeypatch):
    limits = {"now": (64, 64)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.update(now=wanted))
    with pytest.raises(ValueError, match=r"may open 64\. Raise that \(ulimit -n 1024\), or take --num-workers 0"):
        window_loader([1], num_workers=1)
    window_loader([1], num_workers=0)
    limits["now"] = (64, 1024)
    window_loader([1], num_workers=1)
    assert limits["now"] == (1024, 1024)


class WhoReads(torch.utils.data.Dataset):
    """The process that reads each of four."""

    def __len__(self):
        return 4

    def __getitem__(self, number):
        return torch.tensor(os.getpid())


def test_workers_that_read_the_first_round_read_the_next_ones():
    loader = window_loader(WhoReads(), num_workers=2, batch_size=1, collate_fn=torch.stack)
    first, second, third = ({batch.item() for batch in loader} for _ in range(3))
    assert first == second == third
    assert len(first) == 2
    assert os.getpid() not in first


def test_workers_of_a_loader_whose_rounds_a_generator_starts_end_without_an_error():
    loader = torch.utils.data.DataLoader(torch.arange(6), num_workers=1, persistent_workers=True)
    before = set(multiprocessing.active_children())
    empty = {"inputs": {}, "present": {}, "lengths": {}, "labels": {}}
    rounds = ({**empty, "row": batch} for _ in range(2) for batch in loader)
    assert len(list(delivered(rounds, "cpu"))) == 12
    (worker,) = set(multiprocessing.active_children()) - before
    del rounds, loader
    gc.collect()
    worker.join(10)
    assert worker.exitcode == 0


def test_a_batch_that_cannot_be_handed_over_ends_its_worker_and_is_not_waited_for(capfd):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # as if the shared memory were full
    try:
        loader = window_loader([torch.zeros(100_000)], num_workers=1, batch_size=None, collate_fn=lambda one: one)
        with pytest.raises(RuntimeError, match="DataLoader worker"):
            next(iter(loader))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capfd.readouterr().err
    assert "a batch cannot be handed over" in said
    assert "Traceback" not in said
