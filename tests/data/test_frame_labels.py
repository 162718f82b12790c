"""Which frames of which windows are forged, from the manifest's stretches."""

import numpy as np
import pandas as pd
import pytest
import torch

from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import collate
from multimodal.data.frame_labels import FrameTable, labels_of_window
from multimodal.data.order import SampleKey
from multimodal.data.windows import EvaluationWindows, TrainingWindows
from multimodal.media.store.reader import Store


@pytest.fixture
def clips() -> pd.DataFrame:
    made = [
        Clip("a", "video", 1, 0, "x", 1, flags=("partly_fake",), video_segments=((0.25, 0.5),), audio_segments=()),
        Clip("b", "video", 1, 1, "x", 1, flags=("partly_fake",)),
        Clip("c", "video", 1, None, "x", 1),
        Clip("d", "video", 0, 0, "real", 1, video_segments=(), audio_segments=()),
    ]
    return collect(made, corpus="c", root="/").clips


@pytest.fixture
def table(clips) -> FrameTable:
    index = pd.DataFrame({"start_seconds": [0.1, 0.0, 0.0, 0.0], "frame_rate": [10.0] * 4})
    return FrameTable(clips, index)


def test_a_stretch_is_found_on_the_clock_of_the_file_and_the_other_modality_is_genuine(table):
    frames = table.of(0, 0, 6)  # the middles of its frames are at 0.15, 0.25, 0.35, 0.45, 0.55 and 0.65 s
    assert frames["video"].tolist() == [0, 1, 1, 1, 0, 0]
    assert frames["audio"].tolist() == [0] * 6
    assert table.of(0, 3, 2)["video"].tolist() == [1, 0]


def test_a_crop_is_labelled_by_the_moment_of_its_picture_and_sound_by_its_whole_interval(clips):
    clips["audio_segments"] = clips["video_segments"] = pd.Series([[[0.22, 0.44]], None, None, []])
    index = pd.DataFrame({"start_seconds": [0.0] * 4, "frame_rate": [10.0] * 4})
    every = FrameTable(clips, index.assign(source_frame_rate=10.0)).of(0, 0, 6)
    assert every["video"].tolist() == every["audio"].tolist() == [0, 0, 1, 1, 0, 0]
    for unknown in (None, np.nan, 5.0):  # at fewer pictures than crops each is shown all the while
        same = FrameTable(clips, index.assign(source_frame_rate=unknown)).of(0, 0, 6)
        assert same["video"].tolist() == every["video"].tolist()
    third = FrameTable(clips, index.assign(source_frame_rate=30.0)).of(0, 0, 6)
    # the pictures that were taken are shown at 0.2 to 0.233 s, 0.3 to 0.333 s and 0.4 to 0.433 s
    assert third["video"].tolist() == [0, 0, 0, 1, 1, 0]
    assert third["audio"].tolist() == every["audio"].tolist()


@pytest.mark.parametrize(("row", "video", "audio"), [(1, -1, -1), (2, 1, -1), (3, 0, 0)])
def test_without_stretches_frames_are_what_the_clip_is_but_for_a_fake_in_part(table, row, video, audio):
    frames = table.of(row, 0, 3)
    assert (frames["video"].tolist(), frames["audio"].tolist()) == ([video] * 3, [audio] * 3)
    assert table.knows(row) is False


def test_a_manifest_that_says_no_flags_has_none(clips):
    index = pd.DataFrame({"start_seconds": [0.0] * 4, "frame_rate": [10.0] * 4})
    clips["flags"] = pd.Series([pd.NA] * 4, dtype=clips["flags"].dtype)
    assert FrameTable(clips, index).of(1, 0, 3)["video"].tolist() == [1] * 3


def test_a_window_of_a_fake_without_a_forged_frame_is_genuine(table):
    assert labels_of_window(table.of(0, 4, 2)) == {"class": 0, "video": 0, "audio": 0}
    assert labels_of_window(table.of(0, 0, 2)) == {"class": 2, "video": 1, "audio": 0}
    assert labels_of_window(table.of(2, 0, 2)) == {"class": -1, "video": 1, "audio": -1}


def test_windows_carry_the_labels_of_their_frames_and_padding_has_none(workspace):
    store, clips = Store.open(workspace / "store"), Manifest.read(workspace / "manifest.parquet").clips.head(4)
    lengths = store.index.set_index("clip_id").loc[clips["clip_id"], "num_frames"].to_numpy()
    clips["audio_segments"] = pd.array([[[0.0, 0.2]]] * 4, dtype=clips["audio_segments"].dtype)
    long = WindowShape(num_frames=40, frame_size=24, frame_rate=10.0, sample_rate=16_000, silent_ends="keep")
    batch = collate([EvaluationWindows(store, clips, long)[row] for row in range(4)])
    found = batch["frame_labels"]["audio"].numpy()
    assert found.shape == (4, 40)
    assert ((found >= 0).sum(axis=1) == lengths).all()
    assert (found[:, :2] == 1).all()
    assert (found[:, 2:] != 1).all()
    whole = EvaluationWindows(store, clips, long)[0]
    length, repeated = int(lengths[0]), whole.tensors.inputs["video"]
    assert length < 40
    # a short clip is shown again, its forged start too: what is said of it is unknown there, never genuine
    assert torch.equal(repeated[length : length + 2], repeated[:2])
    assert all((one[length:] == -1).all() for one in whole.frame_labels.values())
    short = WindowShape(num_frames=2, frame_size=24, frame_rate=10.0, sample_rate=16_000, silent_ends="keep")
    windows = TrainingWindows(store, clips, short, seed=0)
    drawn = [windows[SampleKey(row, epoch, 0)] for row in range(4) for epoch in range(4)]
    said = [(one.labels["audio"], int(one.frame_labels["audio"].max())) for one in drawn]
    assert all(label == frames for label, frames in said)
    assert {label for label, _ in said} == {0, 1}
    assert np.mean([label for label, _ in said]) < 1
