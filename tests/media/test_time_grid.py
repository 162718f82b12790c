from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.media.reading.time_grid import on_grid


def shown(times: list[float], frame_rate: float, **limits: float) -> list[int]:
    points = list(on_grid([(time, number) for number, time in enumerate(times)], frame_rate, **limits))
    assert [point.number for point in points] == list(range(len(points)))
    return [point.shown for point in points]


def test_a_slower_video_repeats_frames_and_a_faster_one_leaves_some_out():
    assert shown([0.0, 0.1, 0.2], 20, last_seconds=0.1) == [0, 0, 1, 1, 2, 2]
    assert shown([0.0, 0.05, 0.1, 0.15], 10, last_seconds=0.05) == [0, 2]


def test_the_grid_starts_at_the_first_frame_whatever_its_time():
    assert shown([7.0, 7.5, 8.0], 2, last_seconds=0.5) == [0, 1, 2]


def test_times_that_a_container_rounded_up_to_a_millisecond_still_count():
    thirtieths = [round(number / 30, 3) for number in range(30)]
    assert shown(thirtieths, 30, last_seconds=1 / 30) == list(range(30))


def test_a_single_frame_of_unknown_duration_is_shown_once():
    assert shown([3.0], 25) == [0]


def test_frames_that_go_back_in_time_or_leap_far_ahead_are_left_out():
    assert shown([0.0, 0.1, 0.05, 0.2, 1e6, 0.3], 10, last_seconds=0.1) == [0, 1, 3, 5]


@pytest.mark.parametrize(("seconds", "points"), [(0.2, 2), (0.01, 1), (9.0, 4)])
def test_no_more_than_the_asked_seconds_are_shown(seconds, points):
    assert len(shown([0.0, 0.1, 0.2, 0.3], 10, last_seconds=0.1, max_seconds=seconds)) == points


def test_nothing_is_shown_of_a_video_without_frames():
    assert shown([], 25) == []


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(5, 400), min_size=1, max_size=30),
    start=st.integers(-3000, 3000),
    frame_rate=st.sampled_from([25.0, 24_000 / 1001, 30.0, 7.5]),
)
def test_every_point_shows_the_last_frame_that_has_started(gaps, start, frame_rate):
    times = [Fraction(start + passed, 1000) for passed in accumulate(gaps, initial=0)]
    for number, frame in enumerate(shown([float(time) for time in times], frame_rate, last_seconds=0.1)):
        point = float(times[0]) + number / frame_rate
        assert float(times[frame]) <= point + 1e-3
        assert frame + 1 == len(times) or float(times[frame + 1]) > point
