"""Corruptions of windows: as large as before, the same every time, and stronger from level to level."""

import numpy as np
import pytest
import torch

from multimodal.corpora.manifest import Manifest
from multimodal.data.corruptions import CORRUPTIONS, SHIFT, CorruptedBatches, corrupted, levels
from multimodal.data.cutting import WindowShape
from multimodal.data.windows import EvaluationWindows
from multimodal.media.store.reader import Store

SHAPE = WindowShape(num_frames=5, frame_size=32, frame_rate=10.0, sample_rate=16_000)


def window(modality):
    time = torch.arange(8000) / 16_000
    if modality == "audio":
        return 0.3 * torch.sin(2 * np.pi * 440 * time) + 0.1 * torch.sin(2 * np.pi * 5000 * time)
    across = torch.linspace(0, 1, 33)
    picture = torch.stack([across.expand(33, 33), across.expand(33, 33).T, torch.rand(33, 33, generator=seeded())])
    return torch.stack([picture.roll(step, dims=-1) for step in range(6)])


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != SHIFT])
def test_a_corruption_keeps_the_size_is_the_same_again_and_grows(name):
    one, rate = CORRUPTIONS[name], 25.0 if CORRUPTIONS[name].modality == "video" else 16_000.0
    whole = window(one.modality)
    changes = []
    for strength in one.strengths:
        changed, again = (one.change(whole.clone(), strength, np.random.default_rng(0), rate) for _ in range(2))
        assert changed.shape == whole.shape
        assert changed.dtype == torch.float32
        assert torch.equal(changed, again)
        assert changed.min() >= (0 if one.modality == "video" else -1)
        assert changed.max() <= 1
        changes.append(float((changed - whole).abs().mean()))
    assert 0 < changes[0] < changes[2]


def test_h264_of_a_large_crop_is_the_same_every_time():
    """Eight moving pictures of noise: with x264's defaults 60 tries gave from two to six different results."""
    noise = torch.rand(8, 3, 226, 226, generator=seeded())
    one = CORRUPTIONS["h264"]
    first, *others = (one.change(noise, 35, np.random.default_rng(0), 25.0) for _ in range(30))
    assert all(torch.equal(first, other) for other in others)


def test_at_least_fourteen_corruptions_of_picture_and_sound_in_three_strengths():
    assert len(CORRUPTIONS) >= 14
    assert {one.modality for one in CORRUPTIONS.values()} == {"video", "audio"}
    assert len(levels()) == 3 * len(CORRUPTIONS)


@pytest.fixture(scope="module")
def windows(workspace):
    clips = Manifest.read(workspace / "manifest.parquet").clips.head(2)
    return EvaluationWindows(Store.open(workspace / "store"), clips, SHAPE, windows_per_clip=1)


def test_level_nought_is_the_window_and_others_touch_one_modality_alone(windows):
    plain = windows[0].tensors.inputs
    for name, level, same, changed in (
        ("jpeg", 0, "video", None),
        ("jpeg", 3, "audio", "video"),
        ("gain", 3, "video", "audio"),
    ):
        found = corrupted(windows, 0, windows[0], name, level).tensors.inputs
        assert torch.equal(found[same], plain[same])
        assert changed is None or not torch.equal(found[changed], plain[changed])


def test_sound_is_shifted_to_that_of_another_moment_of_the_clip(windows):
    clip = windows.store.read(windows.clip_ids[0])
    found = corrupted(windows, 0, windows[0], SHIFT, 2).tensors.inputs["audio"]
    first = windows.starts[0][1]
    later = round((first + 2) / 10 * 16_000)
    expected = clip.waveform[later : later + SHAPE.num_samples]
    assert np.array_equal(found.numpy()[: len(expected)], expected)


def test_batches_come_as_they_are_and_then_under_each_corruption_with_what_it_touches_alone(windows):
    batches = CorruptedBatches(windows, [("jpeg", 3), ("gain", 1)], batch_size=1)
    assert len(batches) == 3 * len(windows)
    plain, jpeg, gain = (batches[index] for index in range(3, 6))
    assert plain["row"].tolist() == jpeg["row"].tolist() == gain["row"].tolist() == [1]
    for batch, touched, other in ((jpeg, "video", "audio"), (gain, "audio", "video")):
        name, level = batches.changes[0 if batch is jpeg else 1]
        expected = corrupted(windows, 1, windows[1], name, level).tensors.inputs[touched]
        assert torch.equal(batch["inputs"][touched][0], expected)
        assert batch["present"] == {touched: torch.tensor([True]), other: torch.tensor([False])}
        assert plain["present"][other].tolist() == [True]


def test_clips_are_read_once_for_all_corruptions(windows, monkeypatch):
    reads, read = [], windows.store.read
    monkeypatch.setattr(windows.store, "read", lambda *a, **k: (reads.append(a), read(*a, **k))[1])
    batches = CorruptedBatches(windows, [("gain", 1), ("gain", 2), ("muted", 3)], batch_size=2)
    assert [len(batches[index]["row"]) for index in range(len(batches))] == [2] * 4
    assert len(reads) == 2
