"""How a page plays a media file: from where it lies, or from within the page, which is for judged files alone."""

import base64
import errno
import mimetypes
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote

from multimodal.artefacts import one_line

if TYPE_CHECKING:
    from multimodal.report.verdict import FileVerdict, Player

PlayerName = Literal["beside", "embed", "none"]
#: So many bytes of a file, and of all files together, are put into a page; in memory they take several times that.
MOST_OF_A_FILE, MOST_OF_A_PAGE = 64 * 2**20, 128 * 2**20


class Stamp(NamedTuple):
    """By what it is told whether a file is still the one that was judged."""

    device: int
    inode: int
    size: int
    changed_ns: int


class _NotEmbeddedError(Exception):
    """A file that is not put into a page; says why."""


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of what lies there, not of what a link leads to; None of what nobody can look at."""
    try:
        return _stamp(os.lstat(path))
    except (OSError, ValueError):
        return None


class Players:
    """Gives the players of one page, whose files may have been made, or be changed, by strangers.

    Args:
        page: folder of the page.
        how: beside, embed or none.
        most_of_a_file: larger files are not put into the page, but referenced.
        most_in_all: beyond so many bytes no more files are put into the page.
    """

    def __init__(
        self,
        page: Path,
        how: PlayerName,
        *,
        most_of_a_file: int = MOST_OF_A_FILE,
        most_in_all: int = MOST_OF_A_PAGE,
    ) -> None:
        self._page, self._how = page, how
        self._most, self._left = most_of_a_file, most_in_all

    def of(self, path: Path, verdict: "FileVerdict", stamp: Stamp | None) -> "Player | None":
        """The player of a file, which never raises: the verdict on it stands without one.

        Embedded is what was judged, and the bytes of a file itself, unchanged since ``stamp`` was taken before it
        was judged; any other is referenced, and ``note`` says why. A folder of frames plays nowhere.
        """
        from multimodal.report.verdict import Player  # and torch, which the command line does without

        try:
            if self._how == "none" or not os.path.isfile(path):
                return None
            named, kind = _kind_of(path)
            if self._how == "beside":
                return Player(self._beside(path), kind)
            try:
                if verdict.main.evidence is None:
                    raise _NotEmbeddedError("it was not judged, so it is not embedded")
                data = base64.b64encode(self._bytes(path, stamp)).decode()
                return Player(f"data:{named};base64,{data}", kind)
            except Exception as error:
                why = str(error) if isinstance(error, _NotEmbeddedError) else f"not embedded ({one_line(error)})"
                return Player(self._beside(path), kind, f"{why}; it is referenced where it lies")
        except Exception:  # a name or a folder that the system cannot tell anything of
            return None

    def _beside(self, path: Path) -> str:
        return quote(os.fsencode(os.path.relpath(path.absolute(), self._page.absolute())))

    def _bytes(self, path: Path, stamp: Stamp | None) -> bytes:
        """The content of a judged file; its size is known before memory is taken."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise _NotEmbeddedError("a link is not embedded") from None
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or _stamp(found) != stamp:
                raise _NotEmbeddedError("it changed since it was judged, so it is not embedded")
            if found.st_size > min(self._most, self._left):
                what = "" if found.st_size > self._most else " beside the others of this page"
                raise _NotEmbeddedError(f"too large to embed{what} ({found.st_size / 2**20:,.0f} MB)")
            content = file.read(found.st_size)
        self._left -= len(content)
        return content


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _kind_of(path: Path) -> tuple[str, Literal["video", "audio", "image"]]:
    """The kind of media by a file's name, and what shows it."""
    named = mimetypes.guess_type(path.name)[0] or "video/mp4"
    family = named.partition("/")[0]
    if family == "audio":
        return named, "audio"
    return named, "image" if family == "image" else "video"
