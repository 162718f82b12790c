"""Folders for a while, that are gone in the end, however the process that made them ended."""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

#: The lock by which a folder is known that goes when its process does.
TEMPORARY = ".temporary"

#: The locks that this process holds.
HELD_LOCKS: set[IO[Any]] = set()


def _forget_locks() -> None:
    """A forked child has the locks too, and would keep them when its parent is killed: it closes them."""
    for file in HELD_LOCKS:
        file.close()
    HELD_LOCKS.clear()


os.register_at_fork(after_in_child=_forget_locks)


@contextmanager
def temporary_folder(prefix: str, above: str | Path | None = None) -> Iterator[Path]:
    """A new folder for this user alone, which is removed at the end; a file in it is its lock.

    Those of the same prefix whose process was killed are removed first. A lock in each, that dies with its
    process, tells them from others: a folder without it, or of somebody else, is left alone.

    Args:
        prefix: of its name.
        above: folder to make it in (default: where the system keeps temporary files).
    """
    for left in Path(above or tempfile.gettempdir()).glob(f"{glob.escape(prefix)}*/{TEMPORARY}"):
        _remove_abandoned(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=above))
    file = (folder / f"{TEMPORARY}.new").open("xb")
    try:
        with suppress(OSError):  # a file system without locks: nobody can take it either
            fcntl.flock(file, fcntl.LOCK_EX)
        HELD_LOCKS.add(file)
        os.replace(file.name, folder / TEMPORARY)  # locked before anybody can see it
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        HELD_LOCKS.discard(file)
        file.close()


def _remove_abandoned(lock: Path) -> None:
    folder = lock.parent
    with suppress(OSError):  # held, gone by now, a link, or on a file system without locks: then nobody knows
        is_own = folder.lstat().st_uid == lock.lstat().st_uid == os.geteuid()
        if not is_own or folder.is_symlink():
            return
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
