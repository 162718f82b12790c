"""Calling a function with strangers' files, in processes that may crash, hang or eat memory: the run goes on.

Decoders are written in C and read whatever the internet holds. So a file is only opened in a process that can be
spared, under limits that the kernel enforces, wherever in a library the process hangs. One that dies is replaced.
"""

import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from multimodal.media.errors import MediaError, Stage, why_given_up
from multimodal.processes import (
    UNGUARDED,
    UNGUARDED_ADVICE,
    die_with_parent,
    end_if_unguarded,
    fork_server_context,
    give_memory_back,
    interrupts_wait,
    keep_pages_shared,
)

Job = TypeVar("Job")
Result = TypeVar("Result")

#: A worker may also be killed from outside, so a job on which it died is tried this often before it is blamed.
_ATTEMPTS = 2
#: What torch and oneDNN say where memory is short, in a plain RuntimeError.
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "could not create a primitive", "bad_alloc")


class Limits(NamedTuple):
    """What one job may take: seconds, and bytes on top of what the idle worker has (Linux; None for any).

    A job that gives pieces, or calls :func:`comes_on`, may take so many seconds from one to the next, and
    ``whole_seconds`` in all (None for any).
    """

    seconds: float
    memory_bytes: int | None = None
    whole_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Job, Result]):
    """What became of a job, and how many seconds its last attempt took: done if ``failure`` is None.

    Of a job whose function gives an iterator there is an outcome for each piece, and one more at the end, with
    ``is_last`` and no result.
    """

    job: Job
    result: Result | None = None
    failure: MediaError | None = None
    seconds: float = 0.0
    is_last: bool = True


class _Answer(NamedTuple):
    """What a worker sends: at first that it is ready, then one answer a job; ``error`` is one of the whole run."""

    result: Any = None
    failure: MediaError | None = None
    error: Exception | None = None
    is_last: bool = True


@dataclass
class _Task(Generic[Job]):
    job: Job
    attempts: int = 0
    has_begun: bool = False  #: a piece of what it gives is out, so it cannot be done again


@dataclass
class _Worker(Generic[Job]):
    process: BaseProcess
    connection: Connection
    is_ready: bool = False
    task: _Task[Job] | None = None
    since: float = 0.0

    def give(self, task: _Task[Job]) -> None:
        self.task, self.since = task, time.monotonic()
        task.attempts += 1
        with suppress(BrokenPipeError, ConnectionResetError):  # it died meanwhile; the next receive finds out
            self.connection.send(task.job)

    def receive(self) -> _Answer | None:
        """Its next answer; None if it died."""
        try:
            answer: _Answer = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        self.is_ready = True
        return answer

    def end(self) -> None:
        """Let it leave what it entered; at once if it is at work or still loading."""
        if self.task is not None or not self.is_ready:
            self.process.kill()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(None)
        self.process.join()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


class IsolatedWorkers(Generic[Job, Result]):
    """Processes that each do one job at a time; used in ``with``, which lets them end.

    They start with the first jobs and come from a fork server that has the libraries loaded, so that replacing one
    takes little time. They die with the process that started them, however that dies.

    Args:
        enter: called once in each worker, where it may load what jobs need; gives the function that does a job,
            or that gives pieces of its result as they are made.
        workers: how many there are at most.
        limits: of one job. Loading is not limited.
        preload: modules that the fork server imports, once for all workers, which share their memory.
        blame: stage of a failure that names none, which is any error of a library that reads files.
        errors_of_run: errors for which no job is to blame; they end the run.
    """

    def __init__(
        self,
        enter: Callable[[], AbstractContextManager[Callable[[Job], Result | Iterator[Result]]]],
        *,
        workers: int,
        limits: Limits,
        preload: Iterable[str],
        blame: Stage = "decode",
        errors_of_run: tuple[type[Exception], ...] = (),
    ) -> None:
        end_if_unguarded()
        if workers < 1:
            raise ValueError(f"workers must be 1 or more; got {workers}")
        self._context = fork_server_context(preload)
        self._arguments = (enter, limits, blame, errors_of_run)
        self._limits = limits
        self._count = workers
        self._workers: list[_Worker[Job]] = []

    def __enter__(self) -> "IsolatedWorkers[Job, Result]":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error:
            for worker in self._workers:
                worker.kill()
            self._workers = []
        self.end()

    def end(self) -> None:
        """Let the workers end, and give their memory back; the next jobs start new ones."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome[Job, Result]]:
        """Do all jobs and yield what became of each, in the order in which they are done.

        Pieces of a job come as they are made; a worker that is ahead waits until they are taken.

        When the iterator is closed early, workers are killed.

        Raises:
            Exception: one of ``errors_of_run``, or what ``enter`` raised.
            ValueError: a worker died before it was ready, so no job is to blame.
        """
        waiting = deque(_Task(job) for job in jobs)
        try:
            self._hand_out(waiting)
            while waiting or any(worker.task for worker in self._workers):
                ready = wait([worker.connection for worker in self._workers])
                for worker in [worker for worker in self._workers if worker.connection in ready]:
                    outcome = self._take(worker, waiting)
                    self._hand_out(waiting)
                    if outcome is not None:
                        yield outcome
        except BaseException:
            for worker in self._workers:
                worker.kill()
            self._workers = []
            raise

    def _hand_out(self, waiting: deque[_Task[Job]]) -> None:
        """Give every worker that has nothing to do a task, and start as many more as there is work for."""
        for worker in self._workers:
            if waiting and worker.is_ready and worker.task is None:
                worker.give(waiting.popleft())
        starting = sum(not worker.is_ready for worker in self._workers)
        for _ in range(min(self._count - len(self._workers), len(waiting) - starting)):
            self._start()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)
        with interrupts_wait():
            process.start()
        theirs.close()  # so that the pipe ends when the worker does
        self._workers.append(_Worker(process, ours))

    def _take(self, worker: _Worker[Job], waiting: deque[_Task[Job]]) -> Outcome[Job, Result] | None:
        """What a worker that answered, or died, has to say of its task; None if nothing yet."""
        answer = worker.receive()
        seconds = time.monotonic() - worker.since
        if answer is not None and not answer.is_last:
            assert worker.task is not None
            worker.task.has_begun = True
            return Outcome(job=worker.task.job, result=answer.result, seconds=seconds, is_last=False)
        task, worker.task = worker.task, None
        if answer is None:
            self._workers.remove(worker)
            cause = self._cause_of_death(worker, 1 if task is None else task.attempts)
            can_be_tried = task is not None and task.attempts < _ATTEMPTS and not task.has_begun
            if task is not None and cause.stage == "crash" and can_be_tried:
                waiting.appendleft(task)
                return None
            answer = _Answer(failure=cause)
        if answer.error is not None:
            raise answer.error
        if task is None:  # it got ready, or was killed while it had nothing to do
            return None
        return Outcome(job=task.job, result=answer.result, failure=answer.failure, seconds=seconds)

    def _cause_of_death(self, worker: _Worker[Job], attempts: int) -> MediaError:
        worker.process.join()
        code = worker.process.exitcode or 0
        if code == UNGUARDED:
            raise RuntimeError(UNGUARDED_ADVICE)
        if not worker.is_ready:
            raise ValueError(
                f"a worker could not start (exit code {code}), perhaps for want of memory; "
                "try again with fewer workers, and see what it printed above"
            )
        if code == -signal.SIGALRM:
            seconds, whole = self._limits.seconds, self._limits.whole_seconds
            if whole is not None and time.monotonic() - worker.since >= whole:
                return MediaError("time limit", f"not done after {whole:g} seconds in all")
            return MediaError("time limit", f"not done after {seconds:g} seconds")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return MediaError("crash", f"the worker died ({how}) {attempts} time{'s' * (attempts > 1)}")


# What runs in the worker.


class _Clock:
    """Ends this process when a job takes too long, from one piece to the next or in all."""

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.seconds
        self._until = float("inf") if limits.whole_seconds is None else time.monotonic() + limits.whole_seconds

    def wind(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, min(self._seconds, max(self._until - time.monotonic(), 0.001)))


_clock_of_job: list[_Clock] = []


def comes_on() -> None:
    """Say that a long job comes on: its time begins anew. Outside of a worker this does nothing."""
    for clock in _clock_of_job:
        clock.wind()


def _serve(
    connection: Connection,
    enter: Callable[[], AbstractContextManager[Callable[[Any], Any]]],
    limits: Limits,
    blame: Stage,
    errors_of_run: tuple[type[Exception], ...],
) -> None:
    """Do the jobs that come through ``connection``, one answer each, until None or its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends us
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # no handler of Python's, which a library that hangs never calls
    die_with_parent()
    keep_pages_shared()
    # A pipe that breaks means that the parent is gone; what is finished is safe.
    with suppress(BrokenPipeError, ConnectionResetError), ExitStack() as stack:
        try:
            work = stack.enter_context(enter())
        except Exception as error:
            connection.send(_Answer(error=error))
            return
        if limits.memory_bytes is not None:
            _limit_memory(limits.memory_bytes)  # what is loaded by now does not count as the file's
        connection.send(_Answer())
        while (job := _next_job(connection)) is not None:
            _clock_of_job[:] = [_Clock(limits)]
            answers = _attempt(work, job, blame, errors_of_run)
            comes_on()
            for answer in answers:
                signal.setitimer(signal.ITIMER_REAL, 0)  # whoever takes the answer may take any time
                connection.send_bytes(answer)
                comes_on()
            signal.setitimer(signal.ITIMER_REAL, 0)
            give_memory_back()


def _next_job(connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        return None


def _attempt(
    work: Callable[[Any], Any], job: Any, blame: Stage, errors_of_run: tuple[type[Exception], ...]
) -> Iterator[memoryview]:
    """The pickled answers to a job; pickled here, since a large result may be too much for the memory left."""
    try:
        result = work(job)
        if isinstance(result, Iterator):
            for piece in result:
                yield ForkingPickler.dumps(_Answer(result=piece, is_last=False))
            result = None
        yield ForkingPickler.dumps(_Answer(result=result))
    except errors_of_run as error:
        yield ForkingPickler.dumps(_Answer(error=error))
    except MediaError as error:
        yield ForkingPickler.dumps(_Answer(failure=error))
    except Exception as error:  # of any library that reads files; the run goes on
        yield ForkingPickler.dumps(_Answer(failure=_failure_of(error, blame)))


def _failure_of(error: Exception, blame: Stage) -> MediaError:
    is_runtime = isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
    # BlockingIOError: FFmpeg had no room for the stack of a thread.
    if is_runtime or isinstance(error, MemoryError | BlockingIOError):
        return MediaError("memory limit", "more memory than one clip may take")
    return MediaError(blame, why_given_up(error))


def _limit_memory(memory_bytes: int) -> None:
    """Let this process take so many bytes more than it has now (Linux)."""
    if sys.platform != "linux":
        return  # elsewhere what a process has taken so far cannot be told in a common way
    status = Path("/proc/self/status").read_text()
    data_kib = int(status.partition("VmData:")[2].split()[0])
    limit = data_kib * 1024 + memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
