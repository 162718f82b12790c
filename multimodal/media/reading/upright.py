"""How a decoded frame is shown: turned or mirrored as the file says, and all of a file in one shape."""

from typing import Any, NamedTuple

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from jaxtyping import UInt8

from multimodal.media.reading.probe import MediaInfo, square_size

Picture = UInt8[np.ndarray, "height width 3"]
#: PyAV's stubs name no argument.
_Beside: Any = SideDataContainer

#: Sizes of a few pixels more or less, as those that codecs round to whole blocks, are one shape.
_SAME_SHAPE = 0.01


class Orientation(NamedTuple):
    """What is done with the rows and columns of a frame, in this order, before it is shown."""

    is_transposed: bool = False
    flips_columns: bool = False
    flips_rows: bool = False

    def upright(self, pixels: Picture) -> Picture:
        """A view of the pixels of a frame as they are shown."""
        shown = pixels.swapaxes(0, 1) if self.is_transposed else pixels
        return shown[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]

    def of_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as they are shown."""
        return (height, width) if self.is_transposed else (width, height)

    @property
    def is_mirrored(self) -> bool:
        """Whether left is right, whichever way the picture is turned."""
        return bool(self.is_transposed ^ self.flips_columns ^ self.flips_rows)


#: As most frames are.
PLAIN = Orientation()
_QUARTERS = (PLAIN, Orientation(True, False, True), Orientation(False, True, True), Orientation(True, True, False))


def orientation_of(frame: av.VideoFrame) -> Orientation | None:
    """What the matrix beside a frame says, of a container's header or of H.264 and HEVC themselves; None without.

    It is rounded to whole quarters; PyAV names its angle alone, which does not tell a mirror from a turn.
    """
    try:
        # of the frame's own ``side_data`` each would hold the other, and the memory of frames be given back late
        beside = _Beside(frame).get(Type.DISPLAYMATRIX)
    except ValueError:  # something else beside it that PyAV does not know
        return _QUARTERS[round(frame.rotation / 90) % 4]
    if beside is None:
        return None
    across, down_across, across_down, down = np.frombuffer(bytes(beside), np.int32)[[0, 1, 3, 4]].tolist()
    if abs(across) + abs(down) >= abs(down_across) + abs(across_down):
        return Orientation(False, across < 0, down < 0)
    return Orientation(True, across_down < 0, down_across < 0)


class Showing(NamedTuple):
    """How one frame is shown: scaled to ``size``, made upright, and set into the middle of ``shape`` if smaller.

    ``size`` is width and height before the turn, ``shape`` those of the picture.
    """

    orientation: Orientation
    size: tuple[int, int]
    shape: tuple[int, int]

    def set_in(self, pixels: Picture) -> Picture:
        """The picture that is shown of scaled pixels."""
        shown = self.orientation.upright(pixels)
        width, height = self.shape
        if shown.shape[:2] == (height, width):
            return np.ascontiguousarray(shown)
        picture = np.zeros((height, width, 3), np.uint8)
        top, left = (height - shown.shape[0]) // 2, (width - shown.shape[1]) // 2
        picture[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
        return picture


class Shapes:
    """Shows all frames of a file in the shape of its first, since boxes need one; others stand between bars."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._shape: tuple[int, int] | None = None
        self._before = PLAIN
        self._is_other = False
        self._changes = 0
        self._sizes: set[tuple[int, int]] = set()
        #: Whether a frame was mirrored.
        self.is_mirrored = False

    def show(self, frame: av.VideoFrame, pixel_aspect: float) -> Showing:
        """How a frame is shown; frames come in the order in which they are decoded."""
        orientation = self._orientation(frame)
        coded = (frame.width, frame.height)
        first = self._info.display_size or square_size(*coded, pixel_aspect)
        if self._shape is None:
            self._shape = orientation.of_size(*first)
        own = square_size(*coded, pixel_aspect)
        if _are_alike(orientation.of_size(*own), self._shape):
            is_other, size = False, orientation.of_size(*self._shape)
        else:
            width, height = orientation.of_size(*own)
            scale = min(self._shape[0] / width, self._shape[1] / height)
            size = orientation.of_size(max(1, round(width * scale)), max(1, round(height * scale)))
            is_other = True
        self._changes += is_other is not self._is_other
        self._is_other = is_other
        self._sizes.add(coded)
        self.is_mirrored |= orientation.is_mirrored
        return Showing(orientation, size, self._shape)

    def _orientation(self, frame: av.VideoFrame) -> Orientation:
        """A codec says it with key frames alone, for all that follow them."""
        said = orientation_of(frame)
        if said is not None or frame.key_frame:
            self._before = said or PLAIN
        return self._before

    @property
    def num_sizes(self) -> int:
        """In how many sizes frames were coded."""
        return len(self._sizes)

    @property
    def note(self) -> str | None:
        """What is told of a file whose shape changes; None where it does not."""
        if not self._changes:
            return None
        times = f"{self._changes} time{'s' * (self._changes > 1)}"
        return f"the picture changes its shape {times}: it is shown in the first, between bars"


def _are_alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] * other[1] - one[1] * other[0]) <= _SAME_SHAPE * other[0] * other[1]
