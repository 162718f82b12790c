import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multimodal.data.cutting import WindowShape
from multimodal.data.order import SampleKey
from multimodal.data.silence_trim import Span, heard_span, widened
from multimodal.data.windows import EvaluationWindows, TrainingWindows

SHAPE = WindowShape(num_frames=4, frame_size=8, frame_rate=10.0, sample_rate=16_000)


@pytest.fixture(scope="module")
def sounds(write_sounds, tmp_path_factory):
    """A second of sound between silent ends, one of the same without, and a sound shorter than a frame."""
    ends = {"ends.wav": (0.65, 1.0, 0.35), "none.wav": (0.0, 1.0, 0.0), "click.wav": (0.31, 0.02, 0.67)}
    return write_sounds(tmp_path_factory.mktemp("sounds"), "tones", ends)


def of(manifest, name):
    return manifest.clips[manifest.clips["path"] == name].reset_index(drop=True)


def test_windows_leave_silent_ends_out(sounds):
    manifest, store = sounds
    windows = EvaluationWindows(store, of(manifest, "ends.wav"), SHAPE, windows_per_clip=20)
    assert [start for _, start in windows.starts] == [6, 10, 13]
    waveform = windows[0].tensors.inputs["audio"]
    assert not waveform[: round(0.05 * 16_000)].any()  # the rest of a frame that is half silent
    assert waveform[round(0.05 * 16_000) :].all()


def test_kept_silence_is_in_the_windows(sounds):
    manifest, store = sounds
    kept = EvaluationWindows(store, of(manifest, "ends.wav"), replace(SHAPE, silent_ends="keep"))
    assert kept.starts[0] == (0, 0)
    assert not kept[0].tensors.inputs["audio"].any()


def test_a_training_window_of_a_trimmed_clip_is_never_silent(sounds):
    manifest, store = sounds
    windows = TrainingWindows(store, of(manifest, "ends.wav"), SHAPE, seed=0)
    for epoch in range(30):
        sound = windows[SampleKey(0, epoch, 0)].tensors
        assert sound.inputs["audio"][800 : sound.lengths["audio"]].ne(0).float().mean() > 0.7


def test_a_random_trim_puts_silence_back_in_training_by_chance(sounds):
    manifest, store = sounds
    shape = replace(SHAPE, silent_ends="random")
    windows = TrainingWindows(store, of(manifest, "ends.wav"), shape, seed=0)
    silent = [not windows[SampleKey(0, epoch, 0)].tensors.inputs["audio"][:800].any() for epoch in range(60)]
    assert 0.02 < np.mean(silent) < 0.7
    assert EvaluationWindows(store, of(manifest, "ends.wav"), shape).starts[0] == (0, 0)


def test_a_clip_of_almost_nothing_but_silence_keeps_one_frame_and_shows_it_again(sounds):
    manifest, store = sounds
    (sample,) = [
        EvaluationWindows(store, of(manifest, "click.wav"), SHAPE)[0],
    ]
    assert sample.tensors.lengths["audio"] == 1600
    assert torch.count_nonzero(sample.tensors.inputs["audio"]) == 4 * 320  # shown again to the window's end


@given(
    num_frames=st.integers(1, 200),
    start=st.floats(0, 10),
    end=st.floats(0, 10),
    rate=st.sampled_from([10.0, 25.0, 30000 / 1001]),
)
def test_a_span_is_never_empty_and_inside_the_clip(num_frames, start, end, rate):
    span = heard_span(num_frames, start, end, rate)
    assert 0 <= span.first < span.end <= num_frames


def test_a_clip_without_sound_is_whole():
    assert heard_span(7, math.nan, math.nan, 25.0) == Span(0, 7)


@given(seed=st.integers(0, 1000))
def test_a_widened_span_holds_what_is_heard(seed):
    first, end = widened(Span(4, 9), 12, np.random.default_rng(seed))
    assert 0 <= first <= 4
    assert 9 <= end <= 12
