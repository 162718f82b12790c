"""The one error that preparation raises for a file, and what is said of those that libraries raise."""

import os
import stat
from pathlib import Path
from typing import Literal

from multimodal.artefacts import one_line

#: Where a file failed: opening it, decoding it, finding something to judge, or a limit of its worker.
Stage = Literal["open", "decode", "detect", "time limit", "memory limit", "crash"]


class MediaError(ValueError):
    """A media file that cannot be prepared: the ``stage`` that failed and a one-line ``reason``."""

    def __init__(self, stage: Stage, reason: str) -> None:
        self.stage: Stage = stage
        self.reason = " ".join(reason.split())
        super().__init__(f"{stage}: {self.reason}")

    def __reduce__(self) -> tuple[type["MediaError"], tuple[str, str]]:
        return type(self), (self.stage, self.reason)


def why_no_file(path: Path) -> str | None:
    """Why what lies at a path cannot be read as a file, in words; None of a file that can be opened."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            return "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except (FileNotFoundError, NotADirectoryError):
        return "a link to nothing" if os.path.islink(path) else "no such file"
    except (OSError, ValueError) as error:
        return why_not_reached(error)
    return None


def why_not_reached(error: OSError | ValueError) -> str:
    """What the system says of a file or folder, in words: of one that may not be read with what to do.

    >>> why_not_reached(OSError(36, "File name too long"))
    'file name too long'
    """
    if isinstance(error, PermissionError):
        return "permission denied. Ask its owner, or give files that you may read"
    if not isinstance(error, OSError):  # a NUL, half a character
        return "no file can have such a name"
    said = error.strerror or one_line(error)
    return f"{said[:1].lower()}{said[1:]}"


#: Libraries whose errors are about the file, by the module of these.
_READERS = {"av": "FFmpeg", "PIL": "Pillow"}


def why_given_up(error: Exception) -> str:
    """Why a file was given up on which a library raised whatever it did, in one line.

    >>> why_given_up(TypeError("no picture"))
    'TypeError: no picture'
    """
    if isinstance(error, PermissionError):  # FFmpeg's is one too
        return why_not_reached(error)
    reader = _READERS.get(type(error).__module__.partition(".")[0])
    if reader is None:
        return f"{type(error).__name__}: {one_line(error)}"
    said = getattr(error, "strerror", None) or one_line(
        error
    )  # PyAV itself adds the name of its class and a number
    return f"{reader} cannot go on with what is in the file ({said}); encode it anew, or leave it out"
