"""How well cuts are found: ``python -m benchmarks.prepare_cuts FOLDER``, a folder of real videos of one shot each.

* planted: pieces of the videos, each of half a second to three, one behind the other, encoded anew with H.264; no
  two neighbours are of one video (at least 95 % found within one frame);
* false: each video played to and fro up to a minute, as it is, twice as fast (every other frame), with flashes,
  with a camera that shakes, with all three, and with every third frame held for three (at most one false cut in
  five minutes).
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from multimodal.media.cuts import in_shots
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.time_grid import OnGrid
from multimodal.synthetic.clip import write_video

FRAME_RATE, WIDTH, HEIGHT = 25, 512, 384
PLANTED_CUTS = 120
SECONDS_A_VIDEO = 60
SHAKE_SHARE, FLASH_EVERY_SECONDS = 0.03, 2.0

Pictures = list[np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    videos = [read(path) for path in sorted(parser.parse_args().folder.glob("*.mp4"))]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        planted, pictures = plant(videos, rng)
        write_video(path, iter(pictures), frame_rate=FRAME_RATE, crf=23)
        found = cuts_of(point.shown for point in VideoPictures(path, probe(path), FRAME_RATE, None))
        hits = sum(min(abs(cut - other) for other in found or [-9]) <= 1 for cut in planted)
        exact = len(set(planted) & set(found))
        told = f"{hits} found within a frame, {exact} at it, {len(found) - hits} more"
        print(f"planted {len(planted)}: {told}", flush=True)
        for name, speed, flashes, shake, times in CONDITIONS:
            false = [
                len(cuts_of(disturbed(to_and_fro(video[::speed], times), rng, flashes=flashes, shake=shake)))
                for video in videos
            ]
            minutes = len(videos) * SECONDS_A_VIDEO / 60
            print(f"{name:<26}{sum(false)} false cuts in {minutes:.1f} minutes: {false}", flush=True)


#: What they are called, every how many-th frame is taken, whether there are flashes and a camera that shakes, and
#: how many times each picture is shown.
CONDITIONS = (
    ("as they are", 1, False, False, 1),
    ("twice as fast", 2, False, False, 1),
    ("flashes", 1, True, False, 1),
    ("camera shake", 1, False, True, 1),
    ("fast, flashes and shake", 2, True, True, 1),
    ("8 pictures a second", 3, False, False, 3),
    ("8 a second, twice as fast", 6, False, False, 3),
)


def read(path: Path) -> Pictures:
    """All pictures, made one size without heed of their shape."""
    return [
        np.asarray(Image.fromarray(point.shown).resize((WIDTH, HEIGHT)))
        for point in VideoPictures(path, probe(path), FRAME_RATE, None)
    ]


def plant(videos: list[Pictures], rng: np.random.Generator) -> tuple[list[int], Pictures]:
    """Where cuts are, and the pictures."""
    pictures: Pictures = []
    cuts, last = [], -1
    while len(cuts) <= PLANTED_CUTS:
        number = rng.choice([number for number in range(len(videos)) if number != last])
        length = int(rng.integers(FRAME_RATE // 2, 3 * FRAME_RATE))
        first = rng.integers(0, len(videos[number]) - length)
        cuts.append(len(pictures))
        pictures += videos[number][first : first + length]
        last = number
    return cuts[1:], pictures


def to_and_fro(pictures: Pictures, times: int) -> Iterator[np.ndarray]:
    """A minute of a video, each picture so many times."""
    held = (picture for picture in cycle([*pictures, *pictures[-2:0:-1]]) for _ in range(times))
    return islice(held, SECONDS_A_VIDEO * FRAME_RATE)


def disturbed(
    pictures: Iterable[np.ndarray], rng: np.random.Generator, *, flashes: bool, shake: bool
) -> Iterator[np.ndarray]:
    """Flashes of one to four pictures, brighter at one side; jolts of up to 3 % of the picture a frame."""
    slope = np.linspace(200, 40, WIDTH)[None, :, None]
    left = 0
    for picture in pictures:
        if flashes and left <= 0 and rng.random() < 1 / (FLASH_EVERY_SECONDS * FRAME_RATE):
            left = int(rng.integers(1, 5))
        if left > 0:
            picture, left = np.clip(0.6 * picture + slope, 0, 255).astype(np.uint8), left - 1
        if shake:
            jolt = np.round(rng.uniform(-SHAKE_SHARE, SHAKE_SHARE, 2) * (HEIGHT, WIDTH)).astype(int)
            picture = np.roll(picture, jolt, axis=(0, 1))
        yield picture


def cuts_of(pictures: Iterable[np.ndarray]) -> list[int]:
    """Where shots begin, the first left out."""
    points = (OnGrid(number, picture, number / FRAME_RATE) for number, picture in enumerate(pictures))
    return [at.point.number + 1 for at in in_shots(points, FRAME_RATE) if at.is_last][:-1]


if __name__ == "__main__":
    main()
