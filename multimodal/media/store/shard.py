"""A tar file that is appended to, member by member, and knows where each one stands."""

import os
import tarfile
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from multimodal.files import open_itself, sync

# Appending to a file so that what was appended is on the disk, whole or not at all.


class StoreWriteError(Exception):
    """The store cannot be written, e.g. because the disk is full; the message says why."""


class AppendOnlyFile:
    """A new file, unbuffered: on a full disk nothing may wait in a buffer that cannot be emptied."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path, "xb")
        self.length = 0
        sync(path.parent)  # its name; what is appended is synced later, and would be lost without one

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


#: Name of a member whose bytes belong to no clip.
REMOVED = "__removed__"

_END_OF_ARCHIVE = bytes(2 * tarfile.BLOCKSIZE)


class Member(NamedTuple):
    """Where a member's bytes stand in its shard."""

    offset: int
    length: int


class Shard:
    """A new tar file; headers carry no time and no owner, so that the same clip gives the same bytes."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._file = AppendOnlyFile(path)

    @property
    def length(self) -> int:
        """Bytes so far."""
        return self._file.length

    def add(self, name: str, content: bytes) -> Member:
        """Append a member."""
        header = tarfile.TarInfo(name)
        header.size = len(content)
        member = Member(self.length + tarfile.BLOCKSIZE, len(content))
        padding = bytes(-len(content) % tarfile.BLOCKSIZE)
        self._file.append(header.tobuf(tarfile.USTAR_FORMAT) + content + padding)
        return member

    def sync(self) -> None:
        """Wait until all members are on the disk."""
        self._file.sync()

    def cut(self, length: int) -> None:
        """Take back all that was appended after ``length`` bytes."""
        self._file.cut(length)

    def finish(self) -> None:
        """End the archive and close the file."""
        try:
            self._file.append(_END_OF_ARCHIVE)
        finally:
            self._file.close()


def end_archive(path: Path, length: int, removed: Iterable[tuple[int, int]] = ()) -> None:
    """Cut a shard that its writer left to its first ``length`` bytes and end it as tar files end.

    Args:
        path: of the shard.
        length: up to the end of the last member that is kept.
        removed: first byte and end of runs of members before it that must not be met again. A run becomes one
            member ``__removed__``, which WebDataset passes over, by one block written over its first header: so
            other members stay where the index says, and a kill at any moment does no harm.
    """
    with open_itself(path, "r+b") as file:
        for start, end in removed:
            header = tarfile.TarInfo(REMOVED)
            header.size = end - start - tarfile.BLOCKSIZE
            file.seek(start)
            file.write(header.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(length)
        file.seek(length)
        file.write(_END_OF_ARCHIVE)
        file.flush()
        os.fsync(file.fileno())
