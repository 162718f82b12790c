"""Journals: lines that a writer adds to the store, each one after what it speaks of is safe on the disk.

A writer holds a lock on its journal as long as it lives, and the system frees it however the writer dies. So a
journal that can be locked is complete or abandoned, and whoever finds it may move its lines into the tables.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from multimodal.media.storing.append import AppendOnlyFile, StoreWriteError
from multimodal.media.storing.format import JOURNALS, LOCK


@contextmanager
def store_lock(folder: Path) -> Iterator[None]:
    """Only one process at a time opens journals or moves them into the tables."""
    with open(folder / LOCK, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Journal:
    """An open journal of one writer."""

    def __init__(self, folder: Path, name: str) -> None:
        with store_lock(folder):  # else a merge could take the new, still unlocked file for an abandoned one
            self._file = AppendOnlyFile(folder / JOURNALS / f"{name}.jsonl")
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def add(self, line: dict[str, Any]) -> None:
        """Append one line and wait until it is on the disk; on ``StoreWriteError`` nothing of it is left."""
        length = self._file.length
        try:
            self._file.append(json.dumps(line).encode() + b"\n")
            self._file.sync()
        except StoreWriteError:
            self._file.cut(length)
            raise

    def close(self) -> None:
        """Give up the lock; the journal may be merged from now on."""
        self._file.close()


def read_lines(file: TextIO) -> list[dict[str, Any]]:
    """All whole lines; a last line cut off by the writer's death is left out."""
    lines = []
    for line in file:
        if not line.endswith("\n"):
            break
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines


@contextmanager
def free_journals(folder: Path) -> Iterator[list[tuple[Path, list[dict[str, Any]]]]]:
    """The lines of every journal whose writer is gone, locked until the block ends. Hold the store lock."""
    held, found = [], []
    try:
        for path in sorted((folder / JOURNALS).glob("*.jsonl")):
            file = open(path, encoding="utf-8")  # noqa: SIM115
            held.append(file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            found.append((path, read_lines(file)))
        yield found
    finally:
        for file in held:
            file.close()


def all_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of all journals, those of living writers too."""
    lines = []
    for path in sorted((folder / JOURNALS).glob("*.jsonl")):
        with suppress(FileNotFoundError), open(path, encoding="utf-8") as file:  # merged in this moment
            lines += read_lines(file)
    return lines
