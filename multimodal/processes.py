"""Processes that end with the one that started them, however that dies: no pool leaves anybody behind."""

import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process


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


def start_worker(number: int = 0) -> None:
    """To be called first in a worker of a pool or of a loader: Ctrl-C is its parent's business, which ends it.

    Args:
        number: of the worker, as a loader tells it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()


@contextmanager
def worker_pool(
    workers: int, *, start_method: str, prepare: Callable[[], None] | None = None
) -> Iterator[ProcessPoolExecutor]:
    """Processes that are killed at once when the block ends by an error, or their parent dies.

    An interrupt must not wait for what they are doing, and a second call must not find them at work.

    Args:
        workers: how many.
        start_method: of multiprocessing.
        prepare: is called first in each.
    """
    before = set(active_children())
    context, arguments = get_context(start_method), (prepare,)
    with ProcessPoolExecutor(workers, context, initializer=_start_in_pool, initargs=arguments) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(active_children()) - before:
                process.kill()
            raise


def _start_in_pool(prepare: Callable[[], None] | None) -> None:
    start_worker()
    if prepare is not None:
        prepare()
