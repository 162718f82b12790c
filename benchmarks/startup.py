"""What the program takes before it answers: ``python -m benchmarks.startup --repeats 5``.

Defended beside a bare ``import torch`` in the same run: ``import encoders``, and the help of verbs that train or
score, take at most 1.3 times its processor seconds; the help of all other verbs, the list of verbs and the answer
to a slip at most half a second. Every start has a process of its own, all rows are started once a round, and the
least of the rounds counts, so that other work on the machine does not. A first round, which compiles byte code, is
not counted. A limit that is missed is exit status 1.
"""

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.__main__ import VERBS

MOST_TIMES_TORCH = 1.3
MOST_SECONDS = 0.5

TORCH = "import torch"
LIBRARIES = {name: ["-c", name] for name in (TORCH, "import encoders", "import fusion")}
#: Verbs that train or score, with the words that their help wants first.
WITH_TORCH = ("quickstart", "pretrain video small", "train small", "ablate fusion small", "evaluate", "predict")
PLAIN = (
    *sorted(set(VERBS) - {verb.split()[0] for verb in WITH_TORCH}),
    *("generate fakeavceleb", "generate avdeepfake1m", "thresholds --transfer x"),
    *("evaluate --scores x", "evaluate --matrix x"),
    *("trial speech", "trial faces", "trial published mrdf5"),
)
ANSWERS = {
    "the list of verbs": ["-m", "experiments"],
    "a misspelt verb": ["-m", "experiments", "trian"],
    "a misspelt corpus": ["-m", "experiments", "scan", "fakeavcelep", "--root", "."],
    "a misspelt protocol": ["-m", "experiments", "split", "manifest.parquet", "--protocol", "randon"],
    "a misspelt option": ["-m", "experiments", "scan", "dfdc", "--root", ".", "--wrokers", "3"],
    **{f"{verb} --help": ["-m", "experiments", *verb.split(), "--help"] for verb in PLAIN},
}
HELPS = {f"{verb} --help": ["-m", "experiments", *verb.split(), "--help"] for verb in WITH_TORCH}


def seconds_of(arguments: Sequence[str]) -> float:
    """Processor seconds, user's and system's, of one start of Python."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        cwd=Path(__file__).parents[1],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rows: dict[str, list[str]], repeats: int) -> dict[str, float]:
    """The least seconds of every row; each round starts all of them once."""
    for arguments in rows.values():
        seconds_of(arguments)
    rounds = [{name: seconds_of(arguments) for name, arguments in rows.items()} for _ in range(repeats)]
    return {name: min(one[name] for one in rounds) for name in rows}


def main() -> int:
    """Measure, print the table, and tell of limits that were missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    least = measure({**LIBRARIES, **ANSWERS, **HELPS}, parser.parse_args().repeats)
    limits = {name: MOST_SECONDS if name in ANSWERS else MOST_TIMES_TORCH * least[TORCH] for name in least}
    print("| start | processor seconds | times import torch | limit in seconds |\n|---|---|---|---|")
    for name, seconds in least.items():
        missed = " (missed)" if seconds > limits[name] else ""
        print(f"| {name} | {seconds:.2f} | {seconds / least[TORCH]:.2f} | {limits[name]:.2f}{missed} |")
    return int(any(seconds > limits[name] for name, seconds in least.items()))


if __name__ == "__main__":
    sys.exit(main())
