"""Which frame is on the screen at each point of a regular grid of times."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8

#: Containers such as Matroska round times to a millisecond; a frame that starts so little late has started.
TOLERANCE_SECONDS = 1e-3

#: A frame further than this after the one before is taken for a damaged time, and what follows is left out.
MAX_GAP_SECONDS = 30.0

Payload = TypeVar("Payload")


class OnGrid(NamedTuple):
    """One point of the grid: its number, what is shown then, and since which second of the file."""

    number: int
    shown: Any
    since_seconds: float


class Area(NamedTuple):
    """Whole pixels of a picture, from the first column and row to those after the last."""

    left: int
    top: int
    right: int
    bottom: int

    def holds(self, other: "Area") -> bool:
        """Whether another area lies in this one."""
        begins = self.left <= other.left and self.top <= other.top
        return begins and other.right <= self.right and other.bottom <= self.bottom


class Part(NamedTuple):
    """An area of a picture, kept as small as it can be; ``make`` gives its RGB pixels."""

    area: Area
    num_bytes: int
    make: Callable[[], UInt8[np.ndarray, "h w 3"]]

    def pixels(self, area: Area) -> UInt8[np.ndarray, "h w 3"]:
        """The pixels of an area that lies in this one."""
        left, top = self.area.left, self.area.top
        return self.make()[area.top - top : area.bottom - top, area.left - left : area.right - left]


class ToSee:
    """A point of the grid whose picture is made when it is first asked for: a few points later at most, or never.

    Turning a decoded frame into RGB takes 40 % of reading a video, and most points are not looked at.
    """

    def __init__(
        self,
        number: int,
        since_seconds: float,
        make: Callable[[], UInt8[np.ndarray, "h w 3"]],
        grey: Callable[[], UInt8[np.ndarray, "h w"] | None] = lambda: None,
        part: Callable[[Area], Part | None] = lambda area: None,
    ) -> None:
        self.number, self.since_seconds, self._make = number, since_seconds, make
        #: Gives a few of its pixels' brightness without making the picture; None where only the picture tells.
        self.grey = grey
        #: Copies what an area was decoded to, without making the picture; None where only the picture tells.
        self.part = part

    @cached_property
    def shown(self) -> UInt8[np.ndarray, "h w 3"]:
        """The RGB picture, upright."""
        return self._make()


#: A point of the grid with its picture, made or to be made.
PicturePoint = OnGrid | ToSee


def part_of(point: PicturePoint, area: Area) -> Part:
    """A copy of an area of a point's picture."""
    part = point.part(area) if isinstance(point, ToSee) else None
    if part is not None:
        return part
    pixels = point.shown[area.top : area.bottom, area.left : area.right].copy()
    return Part(area, pixels.nbytes, lambda: pixels)


#: Rows and columns of a picture that tell roughly what it shows.
_FEW = 144


def thinned(picture: UInt8[np.ndarray, "h w *colours"]) -> UInt8[np.ndarray, "rows columns *colours"]:
    """About 144 rows and columns of a picture, at regular distances.

    >>> thinned(np.zeros((1080, 1920, 3), np.uint8)).shape
    (155, 148, 3)
    """
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[:: max(1, height // _FEW), :: max(1, width // _FEW)])


def on_grid(
    frames: Iterable[tuple[float, Payload]],
    frame_rate: float,
    *,
    last_seconds: float = 0.0,
    max_seconds: float | None = None,
) -> Iterator[OnGrid]:
    """Choose by time: point k shows the frame displayed at ``t0 + k / frame_rate``, t0 the first frame's time.

    Args:
        frames: (time in seconds, payload) in order of time. A frame whose time does not come after that of the
            one before, or comes more than half a minute after it, is left out.
        frame_rate: points of the grid a second.
        last_seconds: how long the last frame stays.
        max_seconds: the grid ends there at the latest.

    >>> [k.shown for k in on_grid([(0.0, "a"), (0.1, "b"), (0.3, "c")], frame_rate=10, last_seconds=0.1)]
    ['a', 'b', 'b', 'c']
    """
    limit = math.inf if max_seconds is None else max(1, round(max_seconds * frame_rate))
    index, start = 0, 0.0
    before: tuple[float, Payload] | None = None
    for frame in frames:
        if before is None:
            before, start = frame, frame[0]
            continue
        if not 0 < frame[0] - before[0] <= MAX_GAP_SECONDS:
            continue
        while start + index / frame_rate + TOLERANCE_SECONDS < frame[0]:
            yield OnGrid(index, before[1], before[0])
            index += 1
            if index == limit:
                return
        before = frame
    if before is None:
        return
    end = before[0] + min(last_seconds, MAX_GAP_SECONDS) - TOLERANCE_SECONDS
    while index < limit and (index == 0 or start + index / frame_rate < end):
        yield OnGrid(index, before[1], before[0])
        index += 1
