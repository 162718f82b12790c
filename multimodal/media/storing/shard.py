"""A tar file that is appended to, member by member, and knows where each one stands."""

import tarfile
from pathlib import Path
from typing import NamedTuple

from multimodal.media.storing.append import AppendOnlyFile

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


def end_archive(path: Path, length: int) -> None:
    """Cut a shard that its writer left to its first ``length`` bytes and end it as tar files end."""
    with open(path, "r+b") as file:
        file.truncate(length)
        file.seek(length)
        file.write(_END_OF_ARCHIVE)
