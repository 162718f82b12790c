"""Appending to a file so that what was appended is on the disk, whole or not at all."""

import os
from io import FileIO
from pathlib import Path


class StoreWriteError(Exception):
    """The store cannot be written, e.g. because the disk is full; the message says why."""


class AppendOnlyFile:
    """A new file, unbuffered: on a full disk nothing may wait in a buffer that cannot be emptied."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path, "xb")
        self.length = 0

    def fileno(self) -> int:
        """The file's descriptor, for locks."""
        return self._file.fileno()

    def append(self, content: bytes) -> None:
        """Write at the end; :class:`StoreWriteError` if the system refuses."""
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise StoreWriteError(error.strerror or str(error)) from error
        self.length += len(content)

    def sync(self) -> None:
        """Wait until the content is on the disk."""
        try:
            os.fdatasync(self._file.fileno())
        except OSError as error:
            raise StoreWriteError(error.strerror or str(error)) from error

    def cut(self, length: int) -> None:
        """Take back what was appended after ``length`` bytes."""
        self._file.truncate(length)
        self._file.seek(length)
        self.length = length

    def close(self) -> None:
        """Close the file, which frees its locks."""
        self._file.close()
