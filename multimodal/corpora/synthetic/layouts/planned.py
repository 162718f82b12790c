"""What a layout plans: files, each with a path and with what its content is made of.

Paths are relative to the root, with forward slashes. A plan is plain data, so that it can be sent to a worker
and so that the same options always give the same plan.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from multimodal.synthetic.forge import SwapMethod

FRAME_RATE, SAMPLE_RATE, CRF = 25, 44_100, 23


class Take(NamedTuple):
    """One recording of a person: always the same pose, light, words and length."""

    person: str
    number: int = 0


class Sound(NamedTuple):
    """What is heard: a recording as it was, or as ``system`` forged it.

    Without ``voice`` the system only vocodes the recording (copy synthesis); with it, the person's cloned voice
    speaks the recording's syllables.
    """

    take: Take
    system: str | None = None
    voice: str | None = None


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """A talking head, ``.mp4``: H.264, and AAC where there is ``sound``.

    ``face`` is the person whose face was swapped in, ``lips`` the sound that the mouth was redrawn to. With
    ``period`` (start and end in seconds) picture and sound are as recorded outside of it.
    """

    path: str
    take: Take
    sound: Sound | None = None
    face: str | None = None
    swap: SwapMethod = "faceswap"
    lips: Sound | None = None
    period: tuple[float, float] | None = None
    frame_rate: int = FRAME_RATE
    sample_rate: int = SAMPLE_RATE
    crf: int = CRF

    @property
    def is_picture_forged(self) -> bool:
        """Whether anything is laid over what was filmed."""
        return self.face is not None or self.lips is not None


@dataclass(frozen=True, kw_only=True)
class MaskFile:
    """A silent video, white where the forged video differs from what was filmed."""

    path: str
    of: VideoFile


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """A portrait, ``.jpg`` or ``.png``, of ``scale`` times the frame size and of a Pillow ``mode``."""

    path: str
    take: Take
    face: str | None = None
    scale: float = 1.0
    mode: str = "RGB"


@dataclass(frozen=True, kw_only=True)
class AudioFile:
    """Speech, ``.wav``, ``.flac``, ``.m4a`` or ``.mp3``; ``seconds`` None: as long as the recording."""

    path: str
    sound: Sound
    sample_rate: int = 16_000
    channels: int = 1
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class CopyFile:
    """The same bytes as another file of the plan."""

    path: str
    of: str


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """Text as planned, UTF-8."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LateTextFile:
    """Text that describes the written files: ``write(root)`` is asked when all of them are there."""

    path: str
    write: Callable[[Path], str]


MediaFile = VideoFile | MaskFile | ImageFile | AudioFile
File = MediaFile | CopyFile | TextFile | LateTextFile


@dataclass(frozen=True, kw_only=True)
class Tree:
    """All files of a generated corpus.

    ``roots`` are the folders that a reader may take for the corpus root; each gets the mark of a generated
    corpus. "" is the folder that was asked for.
    """

    files: list[File]
    roots: tuple[str, ...] = ("",)
