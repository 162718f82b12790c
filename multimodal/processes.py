"""Processes that end with the one that started them, however that dies: no pool leaves anybody behind."""

import fcntl
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing import active_children, current_process, get_context, parent_process
from multiprocessing.context import ForkServerContext
from multiprocessing.util import Finalize, get_temp_dir
from types import TracebackType
from typing import Any

from encoders.temporary import temporary_folder

WORKER_DIED = "a worker died, perhaps for want of memory; try again with fewer --workers"

#: Exit code of a worker that ran the script which started it, and found itself starting workers.
UNGUARDED = 97
UNGUARDED_ADVICE = (
    "workers import the script that starts them, and this one starts some while it is imported: put what it does "
    'under: if __name__ == "__main__":'
)


def end_if_unguarded() -> None:
    """End this process where it is a worker that is still importing the script of its parent.

    Python's own answer is a traceback of twenty lines in every worker.
    """
    if getattr(current_process(), "_inheriting", False):  # as multiprocessing itself asks
        os._exit(UNGUARDED)


def die_with_parent() -> None:
    """Let the kernel end this process when the one that started it ends, however that ends (Linux).

    The parent that the kernel knows is the fork server, which may outlive it. But of the pipe that multiprocessing
    calls the parent's sentinel only the process that started us holds the other end. When that closes, SIGIO ends
    us, also while a library computes and no thread of Python's could.
    """
    parent = parent_process()
    if sys.platform != "linux" or parent is None:
        return  # elsewhere it ends after its job, when the pipe to the parent is found broken
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if not parent.is_alive():  # since before we listened
        os._exit(1)


def die_with_launcher() -> None:
    """Let the kernel end this process when the one ends that started it without a pipe between (Linux).

    Such are ``torchrun``, and whatever starts a fork server.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


#: ``PR_SET_PDEATHSIG`` of ``linux/prctl.h``.
_SET_PARENT_DEATH_SIGNAL = 1


def say_nothing_of_a_parent_that_is_gone() -> None:
    """Show no traceback where a process finds a semaphore, a pipe or a socket of its parent gone: it ends, too.

    Multiprocessing shows one where a process begins, or hands over a batch, while its parent is stopped.
    """
    shows = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        is_nameless = isinstance(error, FileNotFoundError) and error.filename is None
        if not is_nameless and not isinstance(error, EOFError | ConnectionError):
            shows(kind, error, trace)

    sys.excepthook = show


def give_memory_back() -> None:
    """Return to the system what was freed, which the C library keeps for a process that works on (Linux)."""
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
        if trim is not None:
            trim(0)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold SIGINT back while the block runs; a process that is started in it is never interrupted.

    Ctrl-C reaches every process of a terminal, also one that is still importing and would show a traceback. Its
    parent ends it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(number: int = 0) -> None:
    """Leave Ctrl-C to the parent, which ends its workers; a worker of a pool or a loader calls this first.

    Args:
        number: of the worker, as a loader tells it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    say_nothing_of_a_parent_that_is_gone()
    keep_pages_shared()


def keep_pages_shared() -> None:
    """Leave what was there at the fork alone: a collection marks each object, and copies its page to do so.

    A worker that prepares media holds 80 MB less.
    """
    gc.freeze()


#: Names of sockets hold 107 bytes (unix(7)); of those under the folder for temporary files so many are ours.
_SOCKET_BYTES, _OWN_BYTES = 107, 60
#: Multiprocessing removes its folder at -100, and complains if it is gone.
_AFTER_ITS_OWN = -200
_KEPT: list[ExitStack] = []


def short_folder() -> str | None:
    """Where sockets can lie if the folder for temporary files has too long a name for them; else None."""
    is_long = len(os.fsencode(tempfile.gettempdir())) > _SOCKET_BYTES - _OWN_BYTES
    return "/tmp" if is_long and sys.platform == "linux" else None


@cache
def make_room_for_sockets() -> None:
    """Let multiprocessing, which meets its workers at sockets, make its folder in one of ours, of a short name.

    It makes one for a process and its children when it is first asked, wherever temporary files go, and leaves it
    there where it is killed; ours are removed by the next process that makes one.
    """
    folders = ExitStack()
    folder = folders.enter_context(temporary_folder("multimodal-", short_folder()))
    usual, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        get_temp_dir()
    finally:
        tempfile.tempdir = usual
    Finalize(None, folders.close, exitpriority=_AFTER_ITS_OWN)
    _KEPT.append(folders)  # a forked child forgets the line above, and would remove what nobody holds


def fork_server_context(preload: Iterable[str]) -> ForkServerContext:
    """Starts processes from one that has imported ``preload``, if it has not begun yet, and ends with this one."""
    make_room_for_sockets()
    context = get_context("forkserver")
    context.set_forkserver_preload(["multimodal.fork_server", *preload])
    return context


@contextmanager
def worker_pool(
    workers: int,
    *,
    start_method: str,
    prepare: Callable[[], None] | None = None,
    preload: Iterable[str] = (),
) -> Iterator[ProcessPoolExecutor]:
    """Processes that are killed at once when the block ends by an error, or their parent dies.

    An interrupt must not wait for what they are doing, and a second call must not find them at work.

    Args:
        workers: how many.
        start_method: of multiprocessing.
        prepare: is called first in each.
        preload: modules that a fork server imports, if it has not begun yet; workers then begin at once, and find
            out soon where nobody waits for them any more.

    Raises:
        ValueError: a worker died, which it does at once where the script has no guard.
    """
    end_if_unguarded()
    before = set(active_children())
    context = fork_server_context(preload) if start_method == "forkserver" else get_context(start_method)
    with _Pool(workers, context, initializer=_start_in_pool, initargs=(prepare,)) as pool:
        try:
            yield pool
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(active_children()) - before:
                process.kill()
            if isinstance(error, BrokenProcessPool) and start_method != "fork":
                raise ValueError(f"{WORKER_DIED}. If none could start: {UNGUARDED_ADVICE}") from error
            raise


class _Pool(ProcessPoolExecutor):
    """Starts its processes so that Ctrl-C does not reach them."""

    def submit(self, *args: Any, **kwargs: Any) -> "Future[Any]":
        with interrupts_wait():
            return super().submit(*args, **kwargs)


def _start_in_pool(prepare: Callable[[], None] | None) -> None:
    start_worker()
    if prepare is not None:
        prepare()
