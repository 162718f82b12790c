"""How long the statistics of a million clips take: ``python -m benchmarks.statistics``.

Defended: the verb's work, that is reading the manifest, counting, advising and writing text and page, within 3
seconds. The floor beside it, measured in turns, is what nobody can do without: reading the file's columns that are
counted and grouping them. Seconds are of the clock, the better of three turns. ``--rows N`` makes it smaller.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from multimodal.audit.advice import advise, statistics_text
from multimodal.audit.statistics import compute_statistics
from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.report.pages import statistics_page

MOST_SECONDS = 3.0
METHODS = ("real", "wav2lip", "fsgan", "faceswap", "rtvc")
SPLITS = ("train", "val", "test")
COUNTED = ["corpus", "official_split", "media", "method", "identity", "any_fake", "video_fake", "audio_fake"]


def clips(count: int) -> Iterator[Clip]:
    """Clips of two thousand people, five methods and three splits."""
    for number in range(count):
        method, split = METHODS[number % 5], SPLITS[number % 7 % 3]
        video, audio = int(method not in ("real", "rtvc")), int(method == "rtvc")
        person, path = f"made:id{number % 2_000:05d}", f"{method}/{number:07d}.mp4"
        yield Clip(path, "video", video, audio, method, 1, identity=person, official_split=split)


def floor(path: Path) -> int:
    """Clips by corpus, split, method and label, with pandas alone."""
    table = pd.read_parquet(path, columns=COUNTED)
    return int(table.groupby(["corpus", "official_split", "method", "any_fake"]).size().sum())


def statistics(path: Path) -> int:
    """What the verb does."""
    parts = compute_statistics(Manifest.read(path))
    advice = advise(parts)
    assert statistics_text(parts, advice)
    assert statistics_page(parts, advice)
    return sum(part.clips for part in parts if part.split == "all")


def measure(work: Callable[[Path], int], path: Path, rows: int) -> float:
    """Seconds of one turn, which must count every clip."""
    start = time.perf_counter()
    counted = work(path)
    seconds = time.perf_counter() - start
    assert counted == rows, f"{counted} of {rows} clips were counted"
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="clips in the manifest")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifest.parquet")
        collect(clips(rows), corpus="made", root=folder).write(path)
        turns = [(measure(floor, path, rows), measure(statistics, path, rows)) for _ in range(3)]
    least, seconds = (min(column) for column in zip(*turns, strict=True))
    print(f"{'clips':>10}{'floor s':>9}{'statistics s':>14}{'times':>8}{'allowed s':>11}")
    print(f"{rows:>10,}{least:>9.2f}{seconds:>14.2f}{seconds / least:>8.1f}{MOST_SECONDS:>11.1f}")
    return 0 if seconds <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
