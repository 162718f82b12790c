import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multimodal.corpora.manifest import Manifest
from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.data.delivery import collate, to_device
from multimodal.data.order import SampleKey
from multimodal.data.windows import (
    EvaluationWindows,
    TrainingWindows,
    WindowShape,
    label_table,
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


def ready(sample) -> dict[str, torch.Tensor]:
    """What a model takes of a window alone."""
    return to_device(collate([sample]), "cpu")["inputs"]


def test_a_window_is_consecutive_crops_and_exactly_their_sound(store, clips):
    windows = EvaluationWindows(store, clips, SHAPE, windows_per_clip=3)
    row, start = windows.starts[1]
    sample = windows[1]
    prepared = store.read(clips["clip_id"][row])
    crops = sample.tensors.inputs["video"].permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(crops, prepared.frames[start : start + 4])
    assert ready(sample)["video"].shape == (1, 4, 3, 24, 24)
    assert sample.tensors.inputs["audio"].shape == (6400,)
    expected = prepared.waveform[start * 1600 : start * 1600 + 6400]
    np.testing.assert_array_equal(sample.tensors.inputs["audio"][: len(expected)].numpy(), expected)


def test_the_same_key_gives_the_same_window_and_another_epoch_another(store, clips):
    windows = TrainingWindows(store, clips, SHAPE, seed=3, augmentation=Augmentation())
    one, again, later = windows[SampleKey(2, 0, 0)], windows[SampleKey(2, 0, 0)], windows[SampleKey(2, 5, 0)]
    for name in ("video", "audio"):
        assert torch.equal(ready(one)[name], ready(again)[name])
        assert not torch.equal(ready(one)[name], ready(later)[name])


def test_a_clip_shorter_than_a_window_is_shown_again(store, clips):
    long = WindowShape(num_frames=50, frame_size=32, frame_rate=10.0, sample_rate=16_000)
    tensors = EvaluationWindows(store, clips, long)[0].tensors
    assert tensors.inputs["video"].shape[0] == 50
    assert tensors.inputs["audio"].shape == (80_000,)
    num_frames = store.read(clips["clip_id"][0]).num_frames
    assert torch.equal(tensors.inputs["video"][num_frames], tensors.inputs["video"][0])
    period = num_frames * 1600
    assert torch.equal(tensors.inputs["audio"][period : 2 * period], tensors.inputs["audio"][:period])
    assert tensors.lengths == {"video": num_frames, "audio": num_frames * 1600}


def test_values_stay_in_their_ranges_under_augmentation(store, clips):
    strong = Augmentation(
        video=PictureAugmentation(brightness=0.9, contrast=0.9, noise=1, noise_std=0.5),
        audio=SoundAugmentation(gain_db=40, noise=1, noise_db=0),
    )
    sample = TrainingWindows(store, clips, SHAPE, seed=0, augmentation=strong)[SampleKey(0, 0, 0)]
    video, audio = ready(sample).values()
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
    batch = to_device(collate([windows[i] for i in range(3)]), "cpu")
    assert batch["inputs"]["video"].shape == (3, 4, 3, 24, 24)
    assert batch["present"]["audio"].tolist() == [True] * 3
    assert batch["row"].tolist() == [0, 1, 2]
    assert set(batch["labels"]) == {"class", "video", "audio"}


def test_a_modality_that_no_window_has_costs_no_memory(store, clips):
    windows = TrainingWindows(store, clips, SHAPE, seed=0, modalities=("audio",))
    batch = collate([windows[SampleKey(row, 0, 0)] for row in range(3)])
    assert batch["inputs"]["video"].untyped_storage().nbytes() == 1
    batch = to_device(batch, "cpu")
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
