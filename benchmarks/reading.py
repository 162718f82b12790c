"""Does every point of the time grid show the frame of its time: ``python -m benchmarks.reading [--variants 300]``.

Clips whose every frame shows its number and whose sound ticks with it are written in nine containers, with all
that makes times unusual, and read back through the project's own reader. A point is wrong where it shows another
frame than the one of its time, a tick where it stands more than 3 ms beside its frame. Limit: none is wrong, exit
status 1 otherwise. One to three minutes on one core.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.numbered_clips import KINDS, Truth, Variant, draw_variant, number_in, write_variant
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.media.reading.with_decord import DecordRefusedError

SAMPLE_RATE = 16_000
#: Frames start a thousandth of a second early to be sure, and containers round times to one.
_EARLIEST, _LATEST = 0.2e-3, 1.8e-3
_TICK_TOLERANCE = 3e-3


class Read(NamedTuple):
    """What reading a clip gave: points and ticks compared and wrong, why decord did not read, and damage told."""

    points: int
    wrong_points: int
    ticks: int
    wrong_ticks: int
    reader: str
    damage: str | None


class Point(NamedTuple):
    """One point of the time grid: its number, the number that its picture shows, and the second of its frame."""

    number: int
    shown: int
    since_seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="seed of the first variant")
    arguments = parser.parse_args()
    totals: dict[str, Counter[str]] = {suffix: Counter() for suffix in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.first, arguments.first + arguments.variants):
            variant = draw_variant(seed)
            read = read_variant(variant, Path(folder, f"{seed}.{variant.suffix}"))
            if read.wrong_points or read.wrong_ticks:
                print(f"{variant}: {read}", flush=True)
            total = totals[variant.suffix]
            total.update(clips=1, points=read.points, ticks=read.ticks, decord=read.reader == "decord")
            total.update(wrong_points=read.wrong_points, wrong_ticks=read.wrong_ticks)
    print("| container | clips | read by decord | points | wrong | ticks | wrong |\n|---|---|---|---|---|---|---|")
    for suffix, total in [*totals.items(), ("all", sum(totals.values(), Counter()))]:
        numbers = [total[key] for key in ("clips", "decord", "points", "wrong_points", "ticks", "wrong_ticks")]
        print(f"| {suffix} | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    return int(any(total["wrong_points"] or total["wrong_ticks"] for total in totals.values()))


def read_variant(variant: Variant, path: Path) -> Read:
    """Write a variant, read it back, compare."""
    truth = write_variant(variant, path)
    info = probe(path)
    pictures = VideoPictures(path, info, variant.grid_rate, None)
    try:
        points = _look(pictures)
    except DecordRefusedError as error:
        pictures.give_up_decord(str(error))
        points = _look(pictures)
    sound = read_sound(
        path,
        SAMPLE_RATE,
        start_seconds=points[0].since_seconds,
        max_seconds=len(points) / variant.grid_rate,
    )
    path.unlink()
    wrong = _wrong_points(points, truth, variant)
    start = _first_time(truth, variant)
    end = start + len(points) / variant.grid_rate
    ticks = [tick - start for tick in truth.ticks if start < tick < end]
    return Read(
        points=max(len(points), _expected_count(truth, variant)),
        wrong_points=wrong,
        ticks=len(ticks),
        wrong_ticks=sum(not _is_heard(sound.samples, tick) for tick in ticks),
        reader=pictures.reader,
        damage=info.damage,
    )


def _look(pictures: VideoPictures) -> list[Point]:
    return [Point(point.number, number_in(point.shown), point.since_seconds) for point in pictures]


def _first_time(truth: Truth, variant: Variant) -> float:
    """When the first frame is shown; an edit list leaves out what comes before second 0."""
    times = sorted(truth.times.values())
    return next(time for time in times if time > -1e-6) if "edited" in variant.odd else times[0]


def _expected_count(truth: Truth, variant: Variant) -> int:
    """Points of the grid until the last frame starts that can be decoded."""
    last = max(time for number, time in truth.times.items() if number not in truth.spoilt)
    return int((last - _first_time(truth, variant)) * variant.grid_rate + 1e-6) + 1


def _wrong_points(points: list[Point], truth: Truth, variant: Variant) -> int:
    """Points that show another frame than that of their time, go back in time, or are not there."""
    numbers = np.array(sorted(truth.times))
    times = np.array([truth.times[number] for number in numbers])
    start = _first_time(truth, variant)
    wrong = max(0, _expected_count(truth, variant) - len(points))
    before = points[0]
    for point in points:
        seconds = start + point.number / variant.grid_rate
        early, late = (
            int(numbers[np.searchsorted(times, seconds + more, "right") - 1]) for more in (_EARLIEST, _LATEST)
        )
        is_right = point.shown in (early, late) or early in truth.spoilt or late in truth.spoilt
        wrong += not is_right or point.since_seconds < before.since_seconds
        before = point
    return wrong


def _is_heard(samples: np.ndarray, tick: float) -> bool:
    """Whether the loudest within 80 ms stands where the tick does; its middle is a millisecond after its start."""
    first = max(0, round((tick - 0.08) * SAMPLE_RATE))
    near = np.abs(samples[first : round((tick + 0.08) * SAMPLE_RATE)].astype(np.int32))
    if not len(near) or near.max() < 5_000:
        return False
    return abs((first + int(near.argmax())) / SAMPLE_RATE - tick - 1e-3) <= _TICK_TOLERANCE


if __name__ == "__main__":
    sys.exit(main())
