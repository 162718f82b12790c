"""A file of somebody else, also for root: Linux lets a process put down the right to read what it may not."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_VERSION = 0x20080522  # of the three sets of 64 rights: effective, permitted, inheritable
_READS_ALL = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@contextmanager
def unreadable(*paths: Path) -> Iterator[None]:
    """While the block runs nobody may read these files or look into these folders, and this thread is nobody."""
    if os.geteuid() == 0 and sys.platform != "linux":
        pytest.skip("root reads everything here")
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0)
    before = _rights() if sys.platform == "linux" else None
    try:
        if before is not None:
            _set_rights([before[0] & ~_READS_ALL, *before[1:]])
        yield
    finally:
        if before is not None:
            _set_rights(before)
        for path, mode in modes.items():
            path.chmod(mode & 0o777)


def _rights() -> list[int]:
    data = (ctypes.c_uint32 * 6)()
    _call("capget", data)
    return [*data]


def _set_rights(rights: list[int]) -> None:
    _call("capset", (ctypes.c_uint32 * 6)(*rights))


def _call(name: str, data: ctypes.Array) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)((ctypes.c_uint32 * 2)(_VERSION, 0), data):
        raise OSError(ctypes.get_errno(), name)
