"""Program streams name few times, and not all rightly: frames are counted, and what is missing is still seen."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.numbered_clips import Variant, number_in, write_variant
from benchmarks.reading import read_variant
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.program_stream import Named, count_frames

SMALL_FRAMES = {
    "a frame that begins in the last bytes of a pack": Variant(
        seed=23, suffix="mpg", codecs=("mpeg2video", "mp2"), frame_rate=Fraction(24), num_frames=68, key_distance=1
    ),
    "MPEG-1": Variant(
        seed=41, suffix="mpg", codecs=("mpeg1video", "mp2"), frame_rate=Fraction(24), num_frames=99, key_distance=1
    ),
    "H.264 without B-frames": Variant(seed=1, suffix="mpg", codecs=("libx264", "mp2"), num_frames=90),
    "H.264 with B-frames": Variant(seed=2, suffix="mpg", codecs=("libx264", "mp2"), num_frames=90, b_frames=3),
    "MPEG-4 with B-frames": Variant(seed=1, suffix="mpg", codecs=("mpeg4", "mp2"), num_frames=90, b_frames=2),
}


@pytest.mark.parametrize("name", SMALL_FRAMES)
def test_small_frames_of_a_program_stream_are_shown_at_their_times_and_none_is_told_to_be_missing(name, tmp_path):
    for variant in (SMALL_FRAMES[name], replace(SMALL_FRAMES[name], odd=frozenset({"late sound", "offset"}))):
        read = read_variant(variant, tmp_path / "a.mpg")
        assert (read.wrong_points, read.wrong_ticks) == (0, 0)
        assert read.damage is None


def test_a_program_stream_that_begins_in_the_middle_keeps_its_times(tmp_path):
    variant = Variant(seed=3, suffix="mpg", codecs=("mpeg2video", "mp2"), num_frames=90, b_frames=2, noise=15)
    path = tmp_path / "a.mpg"
    write_variant(variant, path)
    packs = path.read_bytes()
    path.write_bytes(packs[len(packs) // 2 // 2048 * 2048 :])
    points = list(VideoPictures(path, probe(path), 25.0, None))
    numbers = [number_in(point.shown) for point in points]
    assert 20 < numbers[0] < 60
    assert numbers == list(range(numbers[0], 90))


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
def test_of_two_program_streams_in_one_file_the_first_is_shown_and_the_jump_is_told(codec, tmp_path):
    path = tmp_path / "a.mpg"
    write_variant(Variant(seed=3, suffix="mpg", codecs=(codec, "mp2"), b_frames=2), path)
    path.write_bytes(path.read_bytes() * 2)
    info = probe(path)
    assert "the clock jumps" in info.damage
    numbers = [number_in(point.shown) for point in VideoPictures(path, info, 25.0, None)]
    assert numbers == list(range(60))


STEP = 3600


def named(kinds: str, *, every: int, late: dict[int, int] | None = None) -> list[Named]:
    """Frames of these kinds in the order of the file, 25 a second, of which every so many-th names its times.

    The times of frame ``number`` are ``late[number]`` frames late.
    """
    references = [number for number, kind in enumerate(kinds) if kind != "B"] + [len(kinds)]
    frames = []
    for number, kind in enumerate(kinds):
        shown = number if kind == "B" else references[references.index(number) + 1]
        more = (late or {}).get(number, 0)
        is_named = number % every == 0
        frames.append(
            Named(
                (shown + more) * STEP if is_named else None,
                (number + more) * STEP if is_named else None,
                kind == "B",
            )
        )
    return frames


KINDS = "IPBBPBBPBBPBB" * 8


def shown(frames: list[Named], durations: list[float] | None = None) -> list[float]:
    counted = count_frames(frames, durations or [STEP] * len(frames), kinds_say_order=True)
    return (counted / STEP).round(2).tolist()


def test_a_time_that_its_neighbours_contradict_is_not_believed():
    right = [frame.shown / STEP for frame in named(KINDS, every=1)]
    assert shown(named(KINDS, every=7)) == right
    assert shown(named(KINDS, every=7, late={14: 1, 42: -2})) == right


def test_frames_that_are_missing_move_all_after_them():
    late = dict.fromkeys(range(50, len(KINDS)), 5)
    right = [frame.shown / STEP for frame in named(KINDS, every=1, late=late)]
    assert shown(named(KINDS, every=2, late=late)) == right


def test_a_header_that_names_another_rate_than_the_times_is_not_believed():
    assert shown(named(KINDS, every=4), [STEP / 2] * len(KINDS)) == [
        frame.shown / STEP for frame in named(KINDS, every=1)
    ]


def test_frames_that_last_longer_by_turns_are_counted_as_they_last():
    kinds, lasting = "IPBB" * 10, [1.25, 0.75] * 20
    frames = [Named(0, 0), *named(kinds, every=100)[1:]]
    times = np.sort(count_frames(frames, [STEP * share for share in lasting], kinds_say_order=True)) / STEP
    order = [0, 2, 3, 1]
    assert np.diff(times)[:3].round(2).tolist() == [lasting[number] for number in order[:3]]


def test_where_nothing_is_named_or_a_decoder_orders_what_is_all_named_nothing_is_counted():
    assert count_frames([Named(None, None)] * 3, [STEP] * 3, kinds_say_order=True) is None
    assert count_frames(named("IPPP", every=1), [STEP] * 4, kinds_say_order=False) is None
