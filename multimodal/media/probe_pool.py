"""Probing many files in processes that may crash or hang: the file to blame is found, and the run goes on."""

import signal
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

from multimodal.media.errors import MediaError
from multimodal.media.probe_file import FileFacts, probe_file

if TYPE_CHECKING:  # so that a worker starts without the readers of corpora
    from multimodal.corpora.manifest import Media


class ProbeJob(NamedTuple):
    """One file to open."""

    clip_id: str
    path: str
    media: "Media"


class Probed(NamedTuple):
    """What became of a file: its facts, or the stage that failed and a reason in one line."""

    clip_id: str
    facts: FileFacts | None
    stage: str | None = None
    reason: str | None = None


def probe_files(jobs: Sequence[ProbeJob], *, workers: int, seconds_per_file: float) -> Iterator[Probed]:
    """Probe files in ``workers`` processes, in the order in which they are done.

    A process that is over its time is ended by the kernel, wherever it hangs. When a process dies, the files that
    were being opened are each tried again in a process of their own, and the one that kills that too is a failure
    (stage ``"crash"`` or ``"time limit"``).
    """
    waiting = deque(jobs)
    while waiting:
        suspects = yield from _run(waiting, workers, seconds_per_file)
        for job in suspects:
            yield _probe_alone(job, seconds_per_file)


def _run(
    waiting: deque[ProbeJob], workers: int, seconds_per_file: float
) -> Generator[Probed, None, list[ProbeJob]]:
    """Work off ``waiting``; when a process dies, stop and return the files that may be to blame."""
    running: dict[Future[Probed], ProbeJob] = {}
    with _pool(min(workers, len(waiting))) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < 2 * workers:
                    running[pool.submit(_probe, waiting[0], seconds_per_file)] = waiting[0]
                    waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()
                    del running[future]
                    yield outcome
        except BrokenProcessPool:
            return list(running.values())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return []


def _probe_alone(job: ProbeJob, seconds_per_file: float) -> Probed:
    with _pool(1) as pool:
        pool.submit(_nothing).result()  # the process is there, and the clock may start
        start = time.monotonic()
        try:
            return pool.submit(_probe, job, seconds_per_file).result()
        except BrokenProcessPool:
            if time.monotonic() - start >= seconds_per_file:
                return Probed(job.clip_id, None, "time limit", f"not done after {seconds_per_file:g} seconds")
            return Probed(job.clip_id, None, "crash", "the process that opened it died, twice")


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare_process)


def _prepare_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends us
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _nothing() -> None:
    """Returns once the process is up."""


def _probe(job: ProbeJob, seconds: float) -> Probed:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return Probed(job.clip_id, probe_file(job.path, job.media))
    except MediaError as error:
        return Probed(job.clip_id, None, error.stage, error.reason)
    except MemoryError:
        return Probed(job.clip_id, None, "memory limit", "more memory than there is")
    except Exception as error:  # of any library that reads files; the run goes on
        return Probed(job.clip_id, None, "open", " ".join(f"{type(error).__name__}: {error}".split())[:300])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
