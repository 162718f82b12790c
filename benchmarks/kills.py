"""Kill and resume through the real command line: ``python -m benchmarks.kills [--kills 10] [--verbs train]``.

On a tiny generated corpus every verb is run once undisturbed. Then it is killed at random moments of that time by
SIGKILL, SIGTERM and SIGINT in turn, and the same command is called again. It must end well, with the same bytes
(members of the store, weights, scores, verdicts), without a process left two seconds after the kill, and without a
temporary file. Exits with 1 where one of these does not hold.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from multimodal.files import is_leftover, read_json
from multimodal.media.store.shard import REMOVED

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ORPHAN_SECONDS = 2.0
_CORPUS = [
    *("--groups", "2", "--identities-per-group", "2", "--real-clips", "2", "--clip-seconds", "0.8"),
    *("--frame-size", "128", "--rtvc-clips", "1"),
]
_FIT = ["--fit.steps", "4", "--fit.validate-every", "1"]


class Case(NamedTuple):
    """A verb: its command that writes to a folder, what must be the same, and what is there before it starts."""

    command: Callable[[Path], list[str]]
    found: Callable[[Path], dict[str, str]]
    before: str | None = None


class Row(NamedTuple):
    """What became of the kills of one verb."""

    verb: str
    tries: int
    failures: int
    lost: int
    orphans: int
    leftovers: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbs", nargs="+", choices=VERBS, default=list(VERBS))
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    rows = []
    print("verb        tries  failures  lost  orphans  left-over files", flush=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        base = Path(folder)
        make_base(base, needs_run=bool({"evaluate", "predict"} & set(arguments.verbs)))
        for verb in arguments.verbs:
            rows.append(try_verb(verb, cases(base)[verb], base, arguments.kills, rng))
            print("{:<12}{:5d}{:10d}{:6d}{:9d}{:17d}".format(*rows[-1]), flush=True)
    return 1 if any(sum(row[2:]) for row in rows) else 0


def make_base(base: Path, *, needs_run: bool) -> None:
    """What the verbs start from: corpus, manifest, split, store, and a trained run where one is judged."""
    for command in (
        ["generate", "fakeavceleb", "--out", f"{base}/corpus", *_CORPUS],
        ["scan", "fakeavceleb", "--root", f"{base}/corpus", "--out", f"{base}/manifest.parquet"],
        ["split", f"{base}/manifest.parquet", "--protocol", "random", "--out", f"{base}/split.parquet"],
        _prepare(base, base / "store"),
        *([_train(base, base / "run"), ["thresholds", f"{base}/run"]] if needs_run else []),
    ):
        done = subprocess.run(_line(command), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"cannot begin: {' '.join(command)}: {done.stderr.strip()[-500:]}")


def _prepare(base: Path, out: Path) -> list[str]:
    crops = ["--frame-rate", "10", "--crop-size", "32"]
    return ["prepare", f"{base}/manifest.parquet", "--store", str(out), *crops]


def _data(base: Path) -> list[str]:
    names = {"manifest": "manifest.parquet", "split": "split.parquet", "store": "store"}
    return [part for name, file in names.items() for part in (f"--{name}", f"{base}/{file}")]


def _train(base: Path, out: Path) -> list[str]:
    return ["train", "small", *_data(base), *_FIT, "--out", str(out)]


def cases(base: Path) -> dict[str, Case]:
    """Every verb with its command."""
    clips = [str(path) for path in sorted(base.glob("corpus/*/**/*.mp4"))[:4]]
    study = ["--end-to-end", "--only", "concat", "--seeds", "1", "--workers", "2", "--replicates", "20"]
    return {
        "generate": Case(
            lambda out: ["generate", "fakeavceleb", "--out", str(out), *_CORPUS], lambda out: _files(out, ["**/*"])
        ),
        "prepare": Case(lambda out: _prepare(base, out), _members),
        "pretrain": Case(
            lambda out: ["pretrain", "audio", "small", *_data(base), *_FIT, "--out", str(out)],
            lambda out: _files(out, ["best.safetensors", "history.json", "encoder/*"]),
        ),
        "train": Case(
            lambda out: _train(base, out),
            lambda out: _files(out, ["best.safetensors", "history.json", "scores.parquet"]),
        ),
        "ablate": Case(
            lambda out: ["ablate", "fusion", "small", *_data(base), *_FIT, *study, "--out", str(out)],
            lambda out: _files(out, ["runs/*/best.safetensors", "runs/*/study_scores.parquet"]),
        ),
        "evaluate": Case(
            lambda out: ["evaluate", str(out), "--replicates", "50"],
            lambda out: _files(out, ["metrics.json", "scores.parquet"]),
            before="run",
        ),
        "predict": Case(
            lambda out: ["predict", *clips, "--run", f"{base}/run", "--out", str(out)],
            lambda out: _files(out, ["verdicts.json"]),
        ),
    }


VERBS = ("generate", "prepare", "pretrain", "train", "ablate", "evaluate", "predict")


def try_verb(verb: str, case: Case, base: Path, kills: int, rng: random.Random) -> Row:
    """Run a verb undisturbed, then kill it again and again, each time in a new folder, and let it go on."""
    began = time.monotonic()
    whole = _new_folder(base, f"{verb}-whole", case)
    done = subprocess.run(_line(case.command(whole)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{verb} ends with {done.returncode} undisturbed: {done.stderr.strip()[-500:]}")
    seconds, expected = time.monotonic() - began, case.found(whole)
    assert expected, f"{verb} wrote nothing that could be compared"
    failures = lost = orphans = leftovers = 0
    for number in range(kills):
        out = _new_folder(base, f"{verb}-{number}", case)
        name = SIGNALS[number % len(SIGNALS)].name
        orphans += _start_and_kill(_line(case.command(out)), SIGNALS[number % 3], rng.uniform(0, seconds))
        again = subprocess.run(_line(case.command(out)), capture_output=True, text=True, check=False)
        if again.returncode:
            failures += 1
            print(f"  {verb} after {name}: {again.stderr.strip()[-300:]}", file=sys.stderr)
            continue
        found = case.found(out)
        lost += sum(found.get(key) != value for key, value in expected.items()) + len(
            found.keys() - expected.keys()
        )
        left = [path for path in out.rglob(".*") if is_leftover(path)]
        leftovers += len(left)
        for path in left:
            print(f"  {verb} after {name} left {path.relative_to(out)}", file=sys.stderr)
        shutil.rmtree(out)
    return Row(verb, kills, failures, lost, orphans, leftovers)


def _new_folder(base: Path, name: str, case: Case) -> Path:
    out = base / name
    if case.before is not None:
        shutil.copytree(base / case.before, out)
    return out


def _line(command: Iterable[str]) -> list[str]:
    return [sys.executable, "-m", "experiments", *command]


def _start_and_kill(line: list[str], number: signal.Signals, seconds: float) -> int:
    """Start a command in a session of its own, kill its first process after some seconds; how many outlive it."""
    with subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(seconds)
        process.send_signal(number)
        process.wait()
    time.sleep(ORPHAN_SECONDS)
    orphans = [one for one in _session_of(process.pid) if one != process.pid]
    for one in orphans:
        print(f"  orphan: {_words_of(one)[:200]}", file=sys.stderr)
        os.kill(one, signal.SIGKILL)
    return len(orphans)


def _session_of(leader: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(session) == leader and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def _words_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def _files(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """A hash of each file by its name; tables by their values."""
    found = {}
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        if path.is_file() and not path.name.startswith("."):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content = pd.read_parquet(path).to_csv(index=False).encode()
            elif path.suffix == ".json":
                content = str(read_json(path)).replace(str(folder), "").encode()
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def _members(store: Path) -> dict[str, str]:
    """A hash of every member that a reader of the tar files meets, and of the table of failures."""
    found = _files(store, ["failures.parquet", "header.json"])
    for path in sorted(store.glob("shards/*.tar")):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name == REMOVED:
                    continue
                file = archive.extractfile(member)
                assert file is not None
                name = member.name if member.name not in found else f"{member.name} twice"
                found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


if __name__ == "__main__":
    sys.exit(main())
