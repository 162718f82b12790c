"""Narrow places through the real command line: ``python -m benchmarks.limits [--places files disk]``.

On a tiny generated corpus verbs are given little: 64 open files, files of 20 KB at most (as on a full disk), 3 GB
of memory, a folder of somebody else, a store that may only be read, a HOME that cannot be written, ``LC_ALL=C``,
and all of it in a path of over 200 letters with spaces and both quotes. Each must end well or be refused in one
line, as its row says; a traceback, silence or a wait of ten minutes is a failure. What is tried as another user
needs root and is left out without. Exits with 1 where a row fails.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.kills import cases

#: What becomes of a call: it does its work, is refused in one line, or one of both.
Ends = Literal["well", "refused", "either"]
#: The user and the group that nobody is.
NOBODY = 65534
_SECONDS = 600.0
#: The folder's own name: hard to quote, and long enough for a path of over 200 letters.
_NAME = 'it\'s "one" folder ' + "of a long name " * 12


class Call(NamedTuple):
    """A command line in a narrow place; ``limit`` is set in its process before it begins."""

    place: str
    command: list[str]
    ends: Ends
    limit: Callable[[], None] | None = None
    is_nobody: bool = False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--places", nargs="+", choices=PLACES, default=list(PLACES))
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="limits-") as folder:
        os.chmod(folder, 0o755)  # nobody reads in it, too
        base = Path(folder) / _NAME.strip()
        base.mkdir()
        for call in in_a_long_path(base):
            failed += report(call, base)
        for place in arguments.places:
            for call in PLACES[place](base):
                failed += report(call, base)
    return 1 if failed else 0


def in_a_long_path(base: Path) -> Iterator[Call]:
    """What all others start from, and what can be done with it, in a folder whose path is long and odd."""
    verbs, place = cases(base), "long path, LC_ALL=C, no HOME"
    scanned = ["scan", "fakeavceleb", "--root", f"{base}/corpus", "--out", f"{base}/manifest.parquet"]
    split = ["split", f"{base}/manifest.parquet", "--protocol", "random", "--out", f"{base}/split.parquet"]
    commands = [
        verbs["generate"].command(base / "corpus"),
        scanned,
        split,
        verbs["prepare"].command(base / "store"),
    ]
    commands += [verbs["train"].command(base / "run"), ["thresholds", f"{base}/run"]]
    commands += [verbs["evaluate"].command(base / "run"), ["audit", f"{base}/run", "--replicates", "20"]]
    commands += [verbs["export"].command(base / "exported")]
    yield from (Call(place, command, "well") for command in commands)
    yield Call(place, cases(base)["predict"].command(base / "predictions"), "well")  # of clips that are there now


def with_few_files(base: Path) -> Iterator[Call]:
    """At most 64 open files."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    verbs = cases(base)
    yield Call("64 open files", verbs["predict"].command(base / "few-predict"), "well", limit)
    train = verbs["train"].command(base / "few-train")
    yield Call("64 open files", [*train, "--num-workers", "4"], "refused", limit)
    yield Call("64 open files", [*train, "--num-workers", "0"], "well", limit)


def with_small_files(base: Path) -> Iterator[Call]:
    """No file may be larger than 20 KB, as if the disk were full then; a clip of the corpus is smaller."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    for verb in ("prepare", "pretrain", "train", "ablate", "predict", "export"):
        yield Call("files of 20 KB", cases(base)[verb].command(base / f"small-{verb}"), "refused", limit)
    audit = ["audit", "--manifest", f"{base}/manifest.parquet", "--store", f"{base}/store"]
    yield Call("files of 20 KB", [*audit, "--out", f"{base}/small-audit", "--replicates", "20"], "either", limit)


def with_little_memory(base: Path) -> Iterator[Call]:
    """3 GB of address space."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))

    for verb in ("train", "predict"):
        yield Call("3 GB of memory", cases(base)[verb].command(base / f"little-{verb}"), "either", limit)


def as_nobody(base: Path) -> Iterator[Call]:
    """Another user, in a folder of its own and in that of root, with a store that it may only read."""
    why = _why_not_as_nobody()
    if why is not None:
        print(f"what is tried as another user is left out: {why}", file=sys.stderr)
        return
    own = base / "own"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    verbs = cases(base)
    place = "another user, HOME and store read-only"
    for verb in ("prepare", "train", "predict", "export"):
        yield Call(place, verbs[verb].command(own / verb), "well", is_nobody=True)
    yield Call(place, verbs["evaluate"].command(own / "train"), "well", is_nobody=True)
    place = "another user's folder"
    for verb in ("generate", "pretrain", "train", "ablate", "predict", "export"):
        yield Call(place, verbs[verb].command(base / f"others-{verb}"), "refused", is_nobody=True)
    yield Call(place, verbs["prepare"].command(base / "store"), "refused", is_nobody=True)
    yield Call(place, verbs["evaluate"].command(base / "run"), "refused", is_nobody=True)
    yield Call(place, ["audit", f"{base}/run", "--replicates", "20"], "refused", is_nobody=True)


def _why_not_as_nobody() -> str | None:
    if os.getuid() != 0:
        return "it needs root"
    try:
        subprocess.run([sys.executable, "-c", ""], user=NOBODY, group=NOBODY, extra_groups=[], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"nobody may not run {sys.executable} ({error}); take a Python that all may run"
    return None


PLACES = {"files": with_few_files, "disk": with_small_files, "memory": with_little_memory, "user": as_nobody}


def report(call: Call, base: Path) -> bool:
    """Make a call, print its row, and say whether it failed."""
    wrong = complaint(call, base)
    how = {"well": "ends well", "refused": "one line", "either": "ends well or one line"}[call.ends]
    print(f"{call.place:<40}{call.command[0]:<11}{how if wrong is None else f'FAILED: {wrong}'}", flush=True)
    return wrong is not None


def complaint(call: Call, base: Path) -> str | None:
    """What is wrong with how a call ends; None where it does what its row says."""
    environment = os.environ | {"LC_ALL": "C", "HOME": f"{base}/no home"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "experiments", *call.command],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            preexec_fn=call.limit,  # no thread runs here
            timeout=_SECONDS,
            user=NOBODY if call.is_nobody else None,
            group=NOBODY if call.is_nobody else None,
            extra_groups=[] if call.is_nobody else None,
        )
    except subprocess.TimeoutExpired:
        return f"it was not done after {_SECONDS:.0f} s"
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if "Traceback" in done.stderr:
        return f"a traceback: {done.stderr.strip()[-400:]}"
    if done.returncode == 0:
        return "it ended well" if call.ends == "refused" else None
    if call.ends == "well" or not errors:
        return f"exit code {done.returncode}: {done.stderr.strip()[-400:]}"
    print(f"  {errors[-1][:200]}", file=sys.stderr, flush=True)
    return None


if __name__ == "__main__":
    sys.exit(main())
