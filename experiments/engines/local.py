"""Processes of this machine."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import torch

from multimodal.processes import WORKER_DIED, worker_pool


def require() -> None:
    """Nothing: a machine is always there."""


def run_all(
    function: Callable[[Any], Any], items: Sequence[Any], *, workers: int
) -> Iterator[tuple[int, Any | Exception]]:
    """Call ``function`` with every item, in ``workers`` processes of one thread each.

    Yields:
        Place of an item and its result, or the error that it raised, as they come.
    """
    if workers == 1:
        for place, item in enumerate(items):
            yield place, _result_of(function, item)
        return
    with worker_pool(workers, start_method="forkserver", prepare=_take_one_thread, preload=(__name__,)) as pool:
        places = {pool.submit(function, item): place for place, item in enumerate(items)}
        for future in as_completed(places):
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                error = ValueError(WORKER_DIED)
            yield places[future], error if isinstance(error, Exception) else future.result()


def _result_of(function: Callable[[Any], Any], item: Any) -> Any | Exception:
    try:
        return function(item)
    except Exception as error:  # the others go on
        return error


def _take_one_thread() -> None:
    torch.set_num_threads(1)
