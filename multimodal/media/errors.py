"""The one error that preparation raises for a file, and what is said of those that libraries raise."""

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


def no_file(path: Path) -> str:
    """What lies at a path that is no file."""
    if path.exists():
        return "a folder" if path.is_dir() else "a pipe or a device"
    return "a link to nothing" if path.is_symlink() else "no such file"


#: Libraries whose errors are about the file, by the module of these.
_READERS = {"av": "FFmpeg", "PIL": "Pillow"}


def why_given_up(error: Exception) -> str:
    """Why a file was given up on which a library raised whatever it did, in one line.

    >>> why_given_up(TypeError("no picture"))
    'TypeError: no picture'
    """
    reader = _READERS.get(type(error).__module__.partition(".")[0])
    if reader is None:
        return f"{type(error).__name__}: {one_line(error)}"
    said = getattr(error, "strerror", None) or one_line(
        error
    )  # PyAV itself adds the name of its class and a number
    return f"{reader} cannot go on with what is in the file ({said}); encode it anew, or leave it out"
