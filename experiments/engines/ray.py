"""The nodes of a Ray cluster; every one must see the files of the run under the same paths.

The cluster is that of ``RAY_ADDRESS`` (host:port), or the one that this machine belongs to.
"""

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# Ray writes the last lines of a lost node's log to whoever is connected; its tasks are done again, so that nobody
# has to act on them. Read when Ray is imported.
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
import ray

_CONNECT_SECONDS = 5.0
#: Ray itself tries for minutes where something else than a cluster listens.
_ANSWER_SECONDS = 60.0
_ATTEMPTS_AFTER_A_NODE_DIED = 3


def require() -> None:
    """Raise ``ValueError`` where no cluster can be reached, tried by a process that can be left if it hangs."""
    _check_reachable(_address())
    probe = get_context("spawn").Process(target=_try_to_connect)
    probe.start()
    probe.join(_ANSWER_SECONDS)
    if probe.exitcode is None:
        probe.kill()
        raise ValueError(
            f"no Ray cluster answers at {_address()} in {_ANSWER_SECONDS:.0f} s. Start one, or take --engine local"
        )
    if probe.exitcode:
        _connect()  # for its error
        ray.shutdown()


def run_all(
    function: Callable[[Any], Any], items: Sequence[Any], *, workers: int
) -> Iterator[tuple[int, Any | Exception]]:
    """Call ``function`` with every item, in at most ``workers`` tasks of one core at a time.

    Yields:
        Place of an item and its result, or the error that it raised, as they come.

    Raises:
        ValueError: no cluster can be reached.
    """
    _connect()
    try:
        task = ray.remote(num_cpus=1, max_retries=_ATTEMPTS_AFTER_A_NODE_DIED)(_call)
        waiting = list(enumerate(items))[::-1]
        running: dict[Any, int] = {}
        while waiting or running:
            while waiting and len(running) < workers:
                place, item = waiting.pop()
                running[task.remote(function, item)] = place
            (done, *_), _ = ray.wait(list(running))
            yield running.pop(done), _result_of(done)
    finally:
        ray.shutdown()


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)


def _result_of(done: Any) -> Any | Exception:
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        return error.cause if isinstance(error.cause, Exception) else error
    except ray.exceptions.RayError as error:
        return error


def _address() -> str:
    return os.environ.get("RAY_ADDRESS", "auto")


def _try_to_connect() -> None:
    try:
        _connect()
    except ValueError:
        sys.exit(1)


def _connect() -> None:
    address = _address()
    _check_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"no Ray cluster ({reason}). Start one with ray start --head, or take --engine local"
        ) from error


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes, at the address of a cluster that died on this machine too."""
    if address == "auto" and (last := Path(tempfile.gettempdir()) / "ray" / "ray_current_cluster").is_file():
        address = last.read_text(encoding="utf-8").strip()
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        with closing(socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS)):
            pass
    except OSError as error:
        raise ValueError(f"no Ray cluster at {address} ({error}). Start one, or take --engine local") from error
