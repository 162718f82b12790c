"""Does a long ``prepare`` keep its memory? ``python -m benchmarks.prepare_memory [--clips 5000]``.

Thousands of tiny clips go through the real command line, and twice a second every process of it is asked how much
memory is resident. No process may have more than 1.1 times what it had by the first 500 clips, whatever is still
to come. Exits with 1 otherwise.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from multimodal.corpora.manifest import Clip, collect
from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import write_clip
from multimodal.synthetic.plan import plan_clips

#: Clips after which a process has what it needs, and how much more it may take then.
SETTLED, LIMIT = 500, 1.10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), arguments.clips)
        return report(Path(folder), arguments.clips, arguments.workers)


def plant(root: Path, count: int) -> None:
    """Three tiny clips under ``count`` names, and their manifest."""
    options = SyntheticOptions(clip_seconds=0.4, frame_size=96, groups=1, identities_per_group=2)
    whole = []
    for clip in plan_clips(options)[:3]:
        write_clip(root, clip, options)
        whole.append(root / clip.path)
    (root / "corpus").mkdir()
    names = [f"{number:05d}.mp4" for number in range(count)]
    for number, name in enumerate(names):
        os.link(whole[number % len(whole)], root / "corpus" / name)
    clips = [Clip(name, "video", 0, 0, "real", size_bytes=1) for name in names]
    collect(clips, corpus="tiny", root=root / "corpus").write(root / "manifest.parquet")


def report(root: Path, count: int, workers: int) -> int:
    """Prepare all, and print what each process had by the first clips and at most later."""
    command = ["prepare", str(root / "manifest.parquet"), "--store", str(root / "store"), "--crop-size", "32"]
    line = [sys.executable, "-m", "experiments", *command, "--workers", str(workers)]
    early: dict[str, int] = {}
    late: dict[str, int] = {}
    start = time.monotonic()
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        told = finished = 0
        while process.poll() is None:
            finished = max(finished, _num_finished(root / "store"))  # journals go when all is done
            kept = early if finished <= SETTLED else late
            for name, memory in _memory(process.pid):
                kept[name] = max(kept.get(name, 0), memory)
            if finished // SETTLED > told:
                told = finished // SETTLED
                print(f"{finished} clips, {_in_words(kept)}", file=sys.stderr, flush=True)
            time.sleep(0.5)
        said = process.communicate()[1]
    seconds = time.monotonic() - start
    print(f"{count} clips, {seconds:.0f} s, exit code {process.returncode} {said.strip()[-300:]}")
    grown = {name: late[name] / early[name] for name in late.keys() & early.keys()}
    for name in sorted(grown):
        told = f"{early[name] / 2**20:.0f} MB by {SETTLED} clips, {late[name] / 2**20:.0f} MB after"
        print(f"{name:<24} {told}: {grown[name]:.3f}")
    print(f"{len(late.keys() - early.keys())} processes began later")
    return 1 if process.returncode or not grown or max(grown.values()) > LIMIT else 0


def _in_words(kept: dict[str, int]) -> str:
    return ", ".join(f"{name} {memory / 2**20:.0f} MB" for name, memory in sorted(kept.items()))


def _num_finished(store: Path) -> int:
    """Clips that the journals note; they go into the table when all is done."""
    count = 0
    for path in store.glob("journals/*.jsonl"):
        with suppress(FileNotFoundError):
            count += path.read_bytes().count(b"\n")
    return count


def _memory(first: int) -> Iterator[tuple[str, int]]:
    """Resident bytes of a process and of all below it, by name and number."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(first)
        for one in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                yield f"{'main' if one.pid == first else 'process'} {one.pid}", one.memory_info().rss


if __name__ == "__main__":
    sys.exit(main())
