"""Workers that may die: each clip is given to a process, and a process that dies is replaced."""

import signal
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.shard import StoreWriteError
from multimodal.media.worker import Done, Job, Limits, Ready, StoreFull, serve

#: A worker may also be killed from outside, so a clip on which it died is tried this often before it is blamed.
_ATTEMPTS = 2


class Died(NamedTuple):
    """The worker died on a clip, or was ended by its time limit, so nobody noted the failure yet."""

    clip_id: str
    stage: str
    reason: str


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: Job | None = None
    is_ready: bool = False


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int,
    store_folder: Path,
    options: PrepareOptions,
    limits: Limits,
    device: str = "cpu",
) -> Generator[Done | Died, None, None]:
    """Prepare clips in ``workers`` processes, which write them; yield what became of each as it is known.

    Processes come from a fork server that has the libraries loaded, so that replacing one takes little time. When
    the iterator is closed early, workers are killed and what they have finished stays.

    Raises:
        StoreWriteError: a worker could not write to the store.
        RuntimeError: a worker died before it was ready, so no clip is to blame.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["multimodal.media.worker"])
    waiting, tried = deque(jobs), dict.fromkeys((job.clip_id for job in jobs), 0)
    active: list[_Worker] = []

    def start() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, store_folder, options, limits, device), daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends when the worker does
        active.append(_Worker(process, ours))

    try:
        for _ in range(min(workers, len(jobs))):
            start()
        while active:
            ready = wait([worker.connection for worker in active])
            for worker in [worker for worker in active if worker.connection in ready]:
                answer = _receive(worker)
                if isinstance(answer, StoreFull):
                    raise StoreWriteError(answer.reason)
                if isinstance(answer, Done):
                    yield answer
                if answer is not None:
                    _give_next(worker, waiting, tried)
                    if worker.job is None:
                        active.remove(worker)
                        worker.process.join()
                    continue
                active.remove(worker)
                died = _cause_of_death(worker, limits)
                if tried[died.clip_id] < _ATTEMPTS and died.stage == "crash":
                    assert worker.job is not None
                    waiting.appendleft(worker.job)
                else:
                    yield died
                if waiting:
                    start()
    finally:
        for worker in active:
            worker.process.kill()
            worker.process.join()


def _receive(worker: _Worker) -> Ready | Done | StoreFull | None:
    """The worker's next answer; None if it died."""
    try:
        answer: Ready | Done | StoreFull = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        return None
    worker.is_ready = True
    return answer


def _give_next(worker: _Worker, waiting: deque[Job], tried: dict[str, int]) -> None:
    worker.job = waiting.popleft() if waiting else None
    if worker.job is not None:
        tried[worker.job.clip_id] += 1
    with suppress(BrokenPipeError, ConnectionResetError):  # it died meanwhile; the next receive finds out
        worker.connection.send(worker.job)


def _cause_of_death(worker: _Worker, limits: Limits) -> Died:
    worker.process.join()
    code = worker.process.exitcode or 0
    if not worker.is_ready or worker.job is None:
        raise RuntimeError(f"a worker could not start (exit code {code}); see what it printed above")
    if code == -signal.SIGALRM:
        return Died(worker.job.clip_id, "time limit", f"not done after {limits.seconds:g} seconds")
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return Died(worker.job.clip_id, "crash", f"the worker died ({how}) {_ATTEMPTS} times")
