"""Kill and resume through the real command line: ``python -m benchmarks.kills [--kills 10] [--verbs train]``.

On a tiny generated corpus every verb is run once undisturbed. Then it is killed at random moments of that time
by SIGKILL, SIGTERM and SIGINT in turn, and the same command goes on in the same folder, to be killed again; after
some kills it may end. It must end well, with the same bytes (members of the store, weights, scores, verdicts),
without a process left two seconds after a kill, without a temporary file and without a traceback. The process that
was called is killed; of two ranks under torchrun one of them (``train-two``), or torchrun (``train-launcher``).
What ended before its kill came is no kill and is not counted. Exits with 1 where one of these does not hold.
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
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import psutil

from benchmarks.warm_start import WarmProcess, WarmStarts
from multimodal.files import is_leftover, read_json
from multimodal.media.store.shard import REMOVED

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ORPHAN_SECONDS = 2.0
#: A variable of the environment by which the processes of one try are known.
MARK = "KILLS_BENCHMARK"
_CORPUS = [
    *("--groups", "1", "--identities-per-group", "3", "--real-clips", "2", "--clip-seconds", "0.5"),
    *("--frame-size", "96", "--rtvc-clips", "1"),
]
_FIT = [
    *("--fit.steps", "4", "--fit.validate-every", "1", "--num-frames", "4", "--batch-size", "4"),
    *("--windows-per-clip", "1"),
]


class Case(NamedTuple):
    """A verb: its command that writes to a folder, what must be the same, and what is there before it starts.

    Of several ``ranks`` under torchrun the second is killed, and torchrun ends the others; or, where ``launcher``
    says so, torchrun itself. With ``starts`` a command is not a new interpreter but a fork of one.
    """

    command: Callable[[Path], list[str]]
    found: Callable[[Path], dict[str, str]]
    before: str | None = None
    ranks: int = 1
    launcher: bool = False
    starts: WarmStarts | None = None


class Row(NamedTuple):
    """What became of the kills of one verb."""

    verb: str
    kills: int
    failures: int
    lost: int
    orphans: int
    leftovers: int
    tracebacks: int

    def plus(self, other: "Row") -> "Row":
        """Both together."""
        return Row(self.verb, *(one + two for one, two in zip(self[1:], other[1:], strict=True)))  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--in-a-row", type=int, default=3, help="kills in one folder before the command may end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warm", action="store_true", help="import once and fork for every start: kills hit work")
    parser.add_argument("--verbs", nargs="+", choices=VERBS, default=list(VERBS))
    parser.add_argument("--folder", type=Path, help="make corpus, store and run there, and find them next time")
    arguments = parser.parse_args()
    draw = Draw(random.Random(arguments.seed), arguments.in_a_row)
    rows, starts = [], WarmStarts() if arguments.warm else None
    print("verb          kills  failures  lost  orphans  left-over files  tracebacks", flush=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        base = arguments.folder or Path(folder)
        if not (base / "run" / "thresholds.json").is_file():
            judging = {"evaluate", "predict", "export"} & set(arguments.verbs)
            make_base(base, needs_run=bool(arguments.folder or judging))
        for verb in arguments.verbs:
            case = cases(base)[verb]
            case = case._replace(starts=starts if case.ranks == 1 else None)
            rows.append(try_verb(verb, case, base, arguments.kills, draw))
            print("{:<14}{:5d}{:10d}{:6d}{:9d}{:17d}{:12d}".format(*rows[-1]), flush=True)
    if starts is not None:
        starts.close()
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
    study = ["--end-to-end", "--only", "concat", "--replicates", "20"]

    def ablate(workers: int) -> Case:
        more = [*study, "--seeds", str(workers), "--workers", str(workers)]  # a run for each to be killed in
        more += ["--num-workers", "0"] if workers > 1 else []  # readers of a run are killed with one worker
        return Case(
            lambda out: ["ablate", "fusion", "small", *_data(base), *_FIT, *more, "--out", str(out)],
            lambda out: _files(out, ["runs/*/best.safetensors", "runs/*/study_scores.parquet"]),
        )

    def train(ranks: int, *, launcher: bool = False) -> Case:
        return Case(
            lambda out: _train(base, out),
            lambda out: _files(out, ["best.safetensors", "history.json", "scores.parquet"]),
            ranks=ranks,
            launcher=launcher,
        )

    return {
        "generate": Case(
            lambda out: ["generate", "fakeavceleb", "--out", str(out), *_CORPUS], lambda out: _files(out, ["**/*"])
        ),
        "prepare": Case(lambda out: _prepare(base, out), _members),
        "pretrain": Case(
            lambda out: ["pretrain", "audio", "small", *_data(base), *_FIT, "--out", str(out)],
            lambda out: _files(out, ["best.safetensors", "history.json", "encoder/*"]),
        ),
        "train": train(1),
        "train-two": train(2),
        "train-launcher": train(2, launcher=True),
        "ablate": ablate(1),
        "ablate-two": ablate(2),
        "evaluate": Case(
            lambda out: ["evaluate", str(out), "--replicates", "50"],
            lambda out: _files(out, ["metrics.json", "scores.parquet"]),
            before="run",
        ),
        "export": Case(
            lambda out: ["export", f"{base}/run", "--out", str(out)], lambda out: _files(out, ["**/*"])
        ),
        "predict": Case(
            lambda out: ["predict", *clips, "--run", f"{base}/run", "--out", str(out)],
            lambda out: _files(out, ["verdicts.json"]),
        ),
    }


VERBS = (
    *("generate", "prepare", "pretrain", "train", "train-two", "train-launcher"),
    *("ablate", "ablate-two", "evaluate", "predict", "export"),
)


class Draw(NamedTuple):
    """When to kill, and how often in one folder."""

    rng: random.Random
    in_a_row: int


def try_verb(verb: str, case: Case, base: Path, kills: int, draw: Draw) -> Row:
    """Run a verb undisturbed, then kill it again and again, in new folders, and let it go on and end."""
    began = time.monotonic()
    whole = _new_folder(base, f"{verb}-whole", case)
    done = _run(case, whole)
    if done.code:
        raise SystemExit(f"{verb} ends with {done.code} undisturbed: {done.said.strip()[-500:]}")
    seconds, expected = time.monotonic() - began, case.found(whole)
    assert expected, f"{verb} wrote nothing that could be compared"
    row = Row(verb, 0, 0, 0, 0, 0, 0)
    while row.kills < kills:
        out = _new_folder(base, f"{verb}-killed", case)
        ended = None
        for _ in range(min(draw.in_a_row, kills - row.kills)):
            kill = Kill(SIGNALS[row.kills % len(SIGNALS)], draw.rng.uniform(0, seconds))
            began, ended = time.monotonic(), start_and_kill(case, out, kill)
            if not ended.by_kill:
                seconds = min(seconds, time.monotonic() - began)  # less was left, or the machine has more time
                break
            # torchrun tells of a rank that died by a traceback of its own
            tracebacks = (case.ranks == 1) * ended.said.count("Traceback")
            row = row.plus(Row(verb, 1, 0, 0, ended.orphans, 0, tracebacks))
            print(f"  {verb} {kill.text}: {ended.orphans} orphans, {tracebacks} tracebacks", file=sys.stderr)
            if tracebacks:
                print(ended.said[-1500:], file=sys.stderr)
        if ended is None or ended.by_kill:
            ended = _run(case, out)
        row = row.plus(_judge(verb, case, out, expected, ended))
        shutil.rmtree(out)
    shutil.rmtree(whole)
    return row


def _judge(verb: str, case: Case, out: Path, expected: dict[str, str], ended: "Ended") -> Row:
    """What is wrong with what a command left that was killed before and came to its end now."""
    found = {} if ended.code else case.found(out)
    wrong = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    left = [path.name for path in out.rglob(".*") if is_leftover(path)]
    tracebacks = (case.ranks == 1) * ended.said.count("Traceback")
    row = Row(verb, 0, int(ended.code != 0), len(wrong), 0, len(left), tracebacks)
    print(f"  {verb} ends: {row[2:]} {wrong[:5]} {left[:5]}", file=sys.stderr, flush=True)
    if ended.code or tracebacks:
        print(ended.said[-1500:], file=sys.stderr, flush=True)
    return row


def _new_folder(base: Path, name: str, case: Case) -> Path:
    out = base / name
    shutil.rmtree(out, ignore_errors=True)  # of a call with --folder that was stopped
    if case.before is not None:
        shutil.copytree(base / case.before, out)
    return out


def _line(command: Iterable[str], ranks: int = 1) -> list[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)] if ranks > 1 else []
    return [sys.executable, *launcher, "-m", "experiments", *command]


def _start(case: Case, out: Path, said: Path, mark: str = "") -> "subprocess.Popen[bytes] | WarmProcess":
    if case.starts is not None:
        return case.starts.start(case.command(out), said, {MARK: mark})
    with open(said, "wb") as file:
        line, environment = _line(case.command(out), case.ranks), os.environ | {MARK: mark}
        return subprocess.Popen(
            line, stdout=subprocess.DEVNULL, stderr=file, env=environment, start_new_session=True
        )


def _run(case: Case, out: Path) -> "Ended":
    """Run a command to its end."""
    said = out.parent / "said"
    code = _start(case, out, said).wait()
    return Ended(0, said.read_text(errors="replace"), code, by_kill=False)


class Kill(NamedTuple):
    """A signal, and when it comes."""

    signal: signal.Signals
    seconds: float

    @property
    def text(self) -> str:
        """For whoever watches."""
        return f"{self.signal.name} after {self.seconds:.1f} s"


class Ended(NamedTuple):
    """How a command ended: how many processes outlived it, what it had said, and its exit code."""

    orphans: int
    said: str
    code: int
    by_kill: bool


def start_and_kill(case: Case, out: Path, kill: Kill) -> Ended:
    """Start a command and kill it after some seconds, where it did not end before."""
    mark, said = uuid.uuid4().hex, out.parent / "said"
    process, by_kill = _start(case, out, said, mark), False
    try:
        process.wait(kill.seconds)
    except subprocess.TimeoutExpired:
        by_kill = True
        _victim(process, case).send_signal(kill.signal)
        process.wait()
    time.sleep(ORPHAN_SECONDS)
    orphans = _left_of(process.pid, mark)
    for one in orphans:
        print(f"  orphan, its parent is {one.ppid()}: {' '.join(one.cmdline())[:200]}", file=sys.stderr)
        one.kill()
    return Ended(len(orphans), said.read_text(errors="replace"), process.returncode, by_kill)


def _victim(
    process: "subprocess.Popen[bytes] | WarmProcess", case: Case
) -> "subprocess.Popen[bytes] | WarmProcess | psutil.Process":
    """The second rank, where it has started and is meant; else the process that was called."""
    if case.ranks > 1 and not case.launcher:
        for child in psutil.Process(process.pid).children():
            if child.environ().get("RANK") == "1":
                return child
    return process


def _left_of(session: int, mark: str) -> list[psutil.Process]:
    """Living processes of a session, and those with a mark in their environment: torchrun's ranks leave it."""
    return [
        one
        for one in psutil.process_iter(["environ", "status"])
        if one.info["status"] != psutil.STATUS_ZOMBIE
        and (_session_of(one.pid) == session or (one.info["environ"] or {}).get(MARK) == mark)
    ]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


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
