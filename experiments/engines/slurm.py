"""A Slurm job array, through submitit; every node must see the files of the run under the same paths.

``SUBMITIT_CLUSTER=local`` runs the same jobs as processes of this machine, to try it. Options of ``sbatch`` come
from its environment variables (``SBATCH_PARTITION``, ``SBATCH_TIMELIMIT``, ``SBATCH_GPUS`` and so on).
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import submitit

_POLL_SECONDS = 1.0


def require() -> None:
    """Raise ``ValueError`` where this machine cannot submit to Slurm."""
    if _cluster() == "slurm" and shutil.which("sbatch") is None:
        raise ValueError("no sbatch on this machine; submit from a login node, or take --engine local")


def run_all(
    function: Callable[[Any], Any], items: Sequence[Any], *, workers: int
) -> Iterator[tuple[int, Any | Exception]]:
    """Call ``function`` with every item, in a job array with at most ``workers`` jobs at a time.

    Yields:
        Place of an item and its result, or the error that it raised, as they come.
    """
    if not items:
        return
    executor = submitit.AutoExecutor(folder=Path("slurm-logs") / "%j", cluster=_cluster())
    if _cluster() == "slurm":
        executor.update_parameters(slurm_array_parallelism=workers)
    with executor.batch():
        jobs = {place: executor.submit(function, item) for place, item in enumerate(items)}
    while jobs:
        for place, job in list(jobs.items()):
            if job.done():
                yield place, job.exception() or job.result()
                del jobs[place]
        time.sleep(_POLL_SECONDS if jobs else 0)


def _cluster() -> str:
    return os.environ.get("SUBMITIT_CLUSTER", "slurm")
