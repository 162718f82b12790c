import os
import signal
import threading

import numpy as np
import pytest

from multimodal.media.apart import ApartPreparer
from multimodal.media.errors import MediaError
from multimodal.media.prepare import prepare_tracks
from multimodal.media.prepared import PrepareOptions

OPTIONS = PrepareOptions(frame_rate=10, crop_size=32)


@pytest.fixture
def clip(media, tmp_path):
    return media.write(tmp_path / "clip.mp4", pictures=media.talking(12))


def test_a_file_is_prepared_as_in_this_process(clip):
    (here,), (there,) = prepare_tracks(clip, OPTIONS), ApartPreparer().tracks(clip, OPTIONS, "video")
    np.testing.assert_array_equal(here.frames, there.frames)
    assert here.absent == there.absent


def test_a_file_that_cannot_be_read_says_the_same_as_here(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(MediaError, match=r"^open: "):
        ApartPreparer().tracks(tmp_path / "text.mp4", OPTIONS, "video")


def test_a_decoder_that_dies_is_one_line_and_the_next_file_is_prepared(clip):
    preparer = ApartPreparer()
    assert preparer.tracks(clip, OPTIONS, "video")[0].num_frames > 0
    (process,) = preparer._pool._processes
    os.kill(process, signal.SIGSTOP)  # so that it is at work when it dies
    killer = threading.Timer(0.2, os.kill, (process, signal.SIGKILL))
    killer.start()
    with pytest.raises(MediaError, match="crash: the decoder died of this file"):
        preparer.tracks(clip, OPTIONS, "video")
    assert preparer.tracks(clip, OPTIONS, "video")[0].num_frames > 0


def test_a_file_over_its_memory_is_given_up(media, tmp_path):
    large = media.write(tmp_path / "large.mp4", pictures=[np.zeros((720, 1280, 3), np.uint8)] * 30)
    with pytest.raises(MediaError, match=r"memory limit|crash|decode"):  # FFmpeg may take it for damage
        ApartPreparer(memory_bytes=20 * 2**20).tracks(large, OPTIONS, "video")


def test_a_file_over_its_time_is_given_up(media, tmp_path):
    long = media.write(tmp_path / "long.mp4", pictures=media.talking(100))
    with pytest.raises(MediaError, match=r"time limit: not done after 0.05 seconds"):
        ApartPreparer(seconds=0.05).tracks(long, OPTIONS, "video")
