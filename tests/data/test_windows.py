import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multimodal.corpora.manifest import Manifest
from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.data.order import SampleKey
from multimodal.data.windows import (
    EvaluationWindows,
    TrainingWindows,
    WindowShape,
    collate,
    label_table,
    taken_ahead,
    window_starts,
)
from multimodal.media.store.reader import Store

SHAPE = WindowShape(num_frames=4, frame_size=24, frame_rate=10.0, sample_rate=16_000)


@pytest.fixture
def store(workspace) -> Store:
    return Store.open(workspace / "store")


@pytest.fixture
def clips(workspace) -> pd.DataFrame:
    return Manifest.read(workspace / "manifest.parquet").clips.head(6)


def test_a_window_is_consecutive_crops_and_exactly_their_sound(store, clips):
    windows = EvaluationWindows(store, clips, SHAPE, windows_per_clip=3)
    row, start = windows.starts[1]
    sample = windows[1]
    prepared = store.read(clips["clip_id"][row])
    assert sample.tensors.inputs["video"].shape == (4, 3, 24, 24)
    assert sample.tensors.inputs["audio"].shape == (6400,)
    expected = prepared.waveform[start * 1600 : start * 1600 + 6400]
    np.testing.assert_array_equal(sample.tensors.inputs["audio"][: len(expected)].numpy(), expected)


def test_the_same_key_gives_the_same_window_and_another_epoch_another(store, clips):
    windows = TrainingWindows(store, clips, SHAPE, seed=3, augmentation=Augmentation())
    one, again, later = windows[SampleKey(2, 0, 0)], windows[SampleKey(2, 0, 0)], windows[SampleKey(2, 5, 0)]
    assert torch.equal(one.tensors.inputs["video"], again.tensors.inputs["video"])
    assert torch.equal(one.tensors.inputs["audio"], again.tensors.inputs["audio"])
    assert not torch.equal(one.tensors.inputs["audio"], later.tensors.inputs["audio"])


def test_a_clip_shorter_than_a_window_is_padded(store, clips):
    long = WindowShape(num_frames=50, frame_size=32, frame_rate=10.0, sample_rate=16_000)
    tensors = EvaluationWindows(store, clips, long)[0].tensors
    assert tensors.inputs["video"].shape[0] == 50
    assert torch.equal(tensors.inputs["video"][-1], tensors.inputs["video"][-2])
    assert tensors.inputs["audio"].shape == (80_000,)
    assert tensors.inputs["audio"][-1] == 0
    num_frames = store.read(clips["clip_id"][0]).num_frames
    assert tensors.lengths == {"video": num_frames, "audio": num_frames * 1600}


def test_values_stay_in_their_ranges_under_augmentation(store, clips):
    strong = Augmentation(
        video=PictureAugmentation(brightness=0.9, contrast=0.9, noise=1, noise_std=0.5),
        audio=SoundAugmentation(gain_db=40, noise=1, noise_db=0),
    )
    sample = TrainingWindows(store, clips, SHAPE, seed=0, augmentation=strong)[SampleKey(0, 0, 0)]
    video, audio = sample.tensors.inputs["video"], sample.tensors.inputs["audio"]
    assert video.min() >= 0
    assert video.max() <= 1
    assert audio.abs().max() <= 1


def test_a_modality_that_is_not_read_is_not_augmented(store, clips):
    loud = Augmentation(audio=SoundAugmentation(noise=1, noise_db=0))
    windows = TrainingWindows(store, clips, SHAPE, seed=0, augmentation=loud, modalities=("video",))
    tensors = windows[SampleKey(0, 0, 0)].tensors
    assert tensors.present == {"video": True, "audio": False}
    assert not tensors.inputs["audio"].any()


def test_collate_stacks_windows_labels_and_rows(store, clips):
    windows = EvaluationWindows(store, clips, SHAPE, windows_per_clip=1)
    batch = collate([windows[i] for i in range(3)])
    assert batch["inputs"]["video"].shape == (3, 4, 3, 24, 24)
    assert batch["present"]["audio"].tolist() == [True] * 3
    assert batch["row"].tolist() == [0, 1, 2]
    assert set(batch["labels"]) == {"class", "video", "audio"}


def test_a_modality_that_no_window_has_costs_no_memory(store, clips):
    windows = TrainingWindows(store, clips, SHAPE, seed=0, modalities=("audio",))
    batch = collate([windows[SampleKey(row, 0, 0)] for row in range(3)])
    assert batch["inputs"]["video"].shape == (3, 4, 3, 24, 24)
    assert not batch["inputs"]["video"].any()
    assert batch["inputs"]["video"].untyped_storage().nbytes() == 4
    assert batch["inputs"]["audio"].any()


def test_unknown_labels_are_minus_one():
    clips = pd.DataFrame({"video_fake": [1, None, 0], "audio_fake": [0, 1, None]}, dtype="Int8")
    labels = label_table(clips)
    assert labels["class"].tolist() == [2, -1, -1]
    assert labels["video"].tolist() == [1, -1, 0]


def test_a_clip_that_was_not_prepared_is_named(store, clips):
    with pytest.raises(ValueError, match=r"1 clips are not in the store, e.g. nowhere/x.mp4"):
        EvaluationWindows(store, clips.assign(clip_id="nowhere/x.mp4").head(1), SHAPE)


@given(length=st.integers(0, 400), num_frames=st.integers(1, 60), limit=st.integers(1, 12))
def test_windows_lie_inside_the_clip_and_reach_both_ends(length, num_frames, limit):
    starts = window_starts(length, num_frames, limit)
    room = max(length - num_frames, 0)
    assert 1 <= len(starts) <= limit
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert starts[-1] <= room
    assert limit == 1 or starts[-1] == room


def test_batches_come_in_their_order_and_all_of_them():
    assert list(taken_ahead(range(1, 6))) == [1, 2, 3, 4, 5]


def test_no_batch_is_no_batch():
    assert list(taken_ahead([])) == []


def test_the_next_batch_is_made_while_this_one_is_used():
    made = []

    def source():
        for number in range(3):
            made.append(number)
            yield number

    batches = taken_ahead(source())
    assert next(batches) == 0
    deadline = time.monotonic() + 10
    while made != [0, 1] and time.monotonic() < deadline:
        time.sleep(0.001)
    assert made == [0, 1]
    batches.close()


def test_an_error_of_the_loader_is_raised_where_the_batch_is_asked_for():
    def source():
        yield 1
        raise ValueError("no clip 'a'; prepare it first")

    batches = taken_ahead(source())
    assert next(batches) == 1
    with pytest.raises(ValueError, match="prepare it first"):
        next(batches)
