"""A Ray cluster of two nodes loses one: ``python -m benchmarks.ray_nodes [--losses 3] [--verbs prepare ablate]``.

Needs ``pip install '.[ray]'``. Both nodes are on this machine, one processor each. On a tiny generated corpus each
verb is run by processes of this machine, then on the cluster, then as often as was asked with the second node
killed (its raylet by SIGKILL, as a machine switched off looks to the rest) at a random moment of that time.
Every run must end well, with the bytes of the local one, and show nothing of Ray's own: no traceback, no lines of
``(raylet)`` or ``(pid=)``. Exits with 1 where one of these does not hold.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ray.cluster_utils import Cluster

from benchmarks.kills import Case, cases, make_base

#: What stands in lines that Ray itself writes, and a reader cannot do anything with.
RAYS_OWN = ("Traceback", "(raylet", "(pid=", "WorkerCrashedError", "RayTaskError", "core_worker")
VERBS = {"prepare": "prepare", "ablate": "ablate-two"}


class Row(NamedTuple):
    """How often a verb lost a node, and what was wrong then."""

    verb: str
    losses: int
    failures: int
    different: int
    lines_of_ray: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--losses", type=int, default=3, help="of a node, of each verb")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbs", nargs="+", choices=list(VERBS), default=list(VERBS))
    arguments = parser.parse_args()
    rng, rows = random.Random(arguments.seed), []
    print("verb      nodes lost  failures  different files  lines of Ray's own", flush=True)
    with tempfile.TemporaryDirectory(prefix="ray-nodes-") as folder:
        make_base(Path(folder), needs_run=False)
        for verb in arguments.verbs:
            rows.append(try_verb(verb, cases(Path(folder))[VERBS[verb]], Path(folder), arguments.losses, rng))
            print("{:<10}{:10d}{:10d}{:17d}{:20d}".format(*rows[-1]), flush=True)
    return 1 if any(sum(row[2:]) for row in rows) else 0


def try_verb(verb: str, case: Case, base: Path, losses: int, rng: random.Random) -> Row:
    """Run a verb here, on the cluster, and on the cluster with a node lost."""
    local = base / f"{verb}-local"
    subprocess.run(_line(case.command(local)), check=True, capture_output=True)
    expected = case.found(local)
    assert expected, f"{verb} wrote nothing that could be compared"
    row, began = Row(verb, 0, 0, 0, 0), time.monotonic()
    row = _plus(row, _on_cluster(verb, case, base, expected, None))
    seconds = time.monotonic() - began
    while row.losses < losses:
        began = time.monotonic()
        tried = _on_cluster(verb, case, base, expected, rng.uniform(0.1, 0.9) * seconds)
        if not tried.losses:  # it ended before: the machine has become quicker since the first run
            seconds = time.monotonic() - began
        row = _plus(row, tried)
    return row


def _on_cluster(verb: str, case: Case, base: Path, expected: dict[str, str], lost_after: float | None) -> Row:
    """One run on a cluster of its own; ``lost_after`` seconds its second node goes, unless the run has ended."""
    out, said = base / f"{verb}-ray", base / "said"
    shutil.rmtree(out, ignore_errors=True)
    with _two_nodes() as (cluster, second), open(said, "wb") as file:
        process = subprocess.Popen(
            _line([*case.command(out), "--engine", "ray"]),
            stdout=file,
            stderr=file,
            env=os.environ | {"RAY_ADDRESS": cluster.address},
        )
        lost = False
        try:
            process.wait(lost_after)
        except subprocess.TimeoutExpired:
            cluster.remove_node(second, allow_graceful=False)
            lost = True
        code = process.wait()
    text = said.read_text(errors="replace")
    found = case.found(out) if code == 0 else {}
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    own = [line for line in text.splitlines() if any(part in line for part in RAYS_OWN)]
    when = f"node lost after {lost_after:.1f} s" if lost else "both nodes"
    print(f"  {verb}, {when}: exit {code}, different {different[:3]}, {own[:3]}", file=sys.stderr, flush=True)
    if code:
        print(text[-1500:], file=sys.stderr, flush=True)
    return Row(verb, int(lost), int(code != 0), len(different), len(own))


@contextmanager
def _two_nodes() -> Iterator[tuple[Any, Any]]:
    """A cluster of two nodes on this machine, and the second of them."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        yield cluster, second
    finally:
        cluster.shutdown()


def _plus(one: Row, other: Row) -> Row:
    return Row(one.verb, *(a + b for a, b in zip(one[1:], other[1:], strict=True)))  # type: ignore[arg-type]


def _line(command: list[str]) -> list[str]:
    return [sys.executable, "-m", "experiments", *command]


if __name__ == "__main__":
    sys.exit(main())
