"""Parts of pictures, kept while a video is read, so that what is cut out of them needs no second decoding."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import UInt8

from multimodal.media.errors import MediaError
from multimodal.media.reading.time_grid import Area, Part, PicturePoint, part_of

Pixels = UInt8[np.ndarray, "height width 3"]
#: Areas that are wanted of the picture of a point, by its number.
Wanted = Callable[[int], list[Area]]

#: Parts are kept up to this size; of a video with more none is, and it is decoded twice instead.
KEEP_BYTES = 200 * 2**20


class KeptParts:
    """Parts of the pictures of one video, by the numbers of their points; at most so many bytes, else none."""

    def __init__(self, most_bytes: int | None = None) -> None:
        self._parts: dict[int, list[Part]] = {}
        self._room = KEEP_BYTES if most_bytes is None else most_bytes

    def keep(self, number: int, point: PicturePoint, areas: Iterable[Area]) -> None:
        """Copy the areas of a picture that no part of it holds yet."""
        if self._room < 0:
            return
        for area in areas:
            if self.find(number, area) is None:
                part = part_of(point, area)
                self._parts.setdefault(number, []).append(part)
                self._room -= part.num_bytes
        if self._room < 0:
            self._parts = {}

    def find(self, number: int, area: Area) -> Part | None:
        """The part of a point's picture that holds an area, if one was kept."""
        return next((part for part in self._parts.get(number, ()) if part.area.holds(area)), None)


class PictureParts:
    """Areas of the pictures of a video: of those that were kept, and decoded again up to the last that was not.

    Args:
        pictures: of the time grid; may be iterated more than once.
        kept: of the same pictures.
    """

    def __init__(self, pictures: Iterable[PicturePoint], kept: KeptParts) -> None:
        self._pictures, self._kept = pictures, kept

    def of(self, numbers: range, wanted: Wanted) -> Iterator[tuple[int, list[Pixels]]]:
        """The pixels of each area of each point, in order of time.

        Raises ``MediaError`` (stage "decode") where the file ends before the points do.
        """
        kept: list[tuple[int, list[tuple[Part, Area]]]] = []
        for number in reversed(numbers):
            held = self._held(number, wanted(number))
            if held is None:
                break
            kept.append((number, held))
        if len(kept) < len(numbers):
            yield from self._decoded(range(numbers.start, numbers.stop - len(kept)), wanted)
        for number, held in reversed(kept):
            yield number, [part.pixels(area) for part, area in held]

    def _held(self, number: int, areas: Iterable[Area]) -> list[tuple[Part, Area]] | None:
        """The part that holds each area of a point; None where one was not kept."""
        found = [(self._kept.find(number, area), area) for area in areas]
        held = [(part, area) for part, area in found if part is not None]
        return held if len(held) == len(found) else None

    def _decoded(self, numbers: range, wanted: Wanted) -> Iterator[tuple[int, list[Pixels]]]:
        for point in self._pictures:
            if point.number in numbers:
                yield point.number, [part_of(point, area).pixels(area) for area in wanted(point.number)]
            if point.number >= numbers.stop - 1:
                return
        raise MediaError("decode", "the video gave fewer frames when it was read again")
