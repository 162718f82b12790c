"""How long a scan takes and how much memory: ``python -m benchmarks.scan``.

Defended beside a bare walk of the same tree, which takes each file's size and does nothing else: a scan takes at
most 4 times as long and at most 1 GB of memory, for 140,000 images and for a tree of a million (empty) files, and
its time grows no faster than the number of files. Seconds are those of the processor, so that other work on the
machine does not count; every measurement has a process of its own. ``--files N`` makes the large tree smaller.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MOST_TIMES_THE_WALK = 4.0
MOST_BYTES = 10**9
MOST_GROWTH = 1.3
NUM_FACES = 140_000


def faces(count: int) -> Iterator[str]:
    """Paths as in 140k Real and Fake Faces."""
    for number in range(count):
        part = ("train", "train", "train", "valid", "test")[number // 2 % 5]
        name = f"{number:05d}" if number % 2 else f"{number:010X}"
        yield f"real_vs_fake/real-vs-fake/{part}/{('fake', 'real')[number % 2]}/{name}.jpg"


def utterances(count: int) -> Iterator[str]:
    """Paths as in VoxCeleb2: 20 utterances of each of 10 videos of each person."""
    for number in range(count):
        person, video, utterance = number // 200, number // 20 % 10, number % 20
        yield f"dev/mp4/id{person:05d}/{video:011d}/{utterance:05d}.mp4"


def plant(root: Path, paths: Iterator[str], content: bytes) -> None:
    """Write small files."""
    made = set()
    for path in paths:
        folder = os.path.dirname(path)
        if folder not in made:
            (root / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        with open(root / path, "wb") as file:
            file.write(content)


def bare_walk(root: str) -> int:
    """Bytes of all files below a folder, with nothing but what the walk needs."""
    total, folders = 0, [root]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    total += entry.stat().st_size
    return total


def full_scan(corpus: str, root: str) -> int:
    """Number of clips; the manifest is written too, as the verb does."""
    from multimodal.corpora import ScanReport, scan

    manifest = scan(corpus, root, report=ScanReport())
    manifest.write(Path(root).parent / f"{corpus}.parquet")
    return len(manifest.clips)


def measure_here(corpus: str, root: str) -> dict[str, float]:
    """Processor seconds and peak memory of this process; ``corpus`` may be ``walk``."""
    import multimodal.corpora

    assert multimodal.corpora.CORPORA
    start, clock = time.process_time(), time.perf_counter()
    result = bare_walk(root) if corpus == "walk" else full_scan(corpus, root)
    return {
        "result": result,
        "seconds": time.process_time() - start,
        "clock": time.perf_counter() - clock,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measure(corpus: str, root: Path) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--measure", corpus, str(root)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(corpus: str, root: Path, count: int) -> tuple[float, bool]:
    """Measure walk and scan in turns, twice, and take the better; give seconds a file and whether limits hold."""
    rounds = [(measure("walk", root), measure(corpus, root)) for _ in range(2)]
    walk = min(one["seconds"] for one, _ in rounds)
    scan = min((one for _, one in rounds), key=lambda one: one["seconds"])
    assert scan["result"] == count, f"{scan['result']} of {count} files were read"
    holds = scan["seconds"] <= MOST_TIMES_THE_WALK * walk and scan["bytes"] <= MOST_BYTES
    print(
        f"{corpus:<22}{count:>10,}{walk:>9.2f}{scan['seconds']:>9.2f}{scan['clock']:>9.2f}"
        f"{scan['seconds'] / walk:>8.2f}{scan['bytes'] / 1e6:>9.0f}  {'' if holds else 'over the limit'}",
        flush=True,
    )
    return scan["seconds"] / count, holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs=2, metavar=("CORPUS", "ROOT"), help=argparse.SUPPRESS)
    parser.add_argument("--files", type=int, default=1_000_000, help="files in the large tree")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure_here(*arguments.measure)))
        return 0
    print(f"{'corpus':<22}{'files':>10}{'walk s':>9}{'scan s':>9}{'clock s':>9}{'times':>8}{'MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        small = arguments.files // 4
        trees = (
            ("faces140k", faces, NUM_FACES, b"x" * 1_000),
            ("voxceleb2", utterances, small, b""),
            ("voxceleb2", utterances, arguments.files, b""),
        )
        seconds, all_hold = [], True
        for number, (corpus, paths, count, content) in enumerate(trees):
            root = Path(folder, str(number), "root")
            plant(root, paths(count), content)
            each, holds = compare(corpus, root, count)
            seconds.append(each)
            all_hold &= holds
    growth = seconds[2] / seconds[1]
    print(f"seconds a file of {arguments.files:,} beside {small:,}: {growth:.2f} times (at most {MOST_GROWTH})")
    return 0 if all_hold and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
