"""The pictures of a video on a time grid."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from multimodal.media.reading import frame_folder, with_decord, with_pyav
from multimodal.media.reading.probe import MediaInfo, require_size
from multimodal.media.reading.time_grid import PicturePoint
from multimodal.media.reading.upright import Shapes


class VideoPictures:
    """Iterates over RGB pictures on a time grid, as often as asked; the pictures are the same each time.

    decord reads where it can be trusted, else PyAV, and ``reader_note`` says why. The two give identical pixels
    for files that both can read. Where decord fails in the middle of a file, or shows another picture than PyAV,
    looking at a picture, or asking for one more at the end, raises
    :class:`~multimodal.media.reading.with_decord.DecordRefusedError`; then call :meth:`give_up_decord`.

    Raises ``MediaError`` (stage "decode") for pictures too small, too large or too long to be read.
    """

    def __init__(self, path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None) -> None:
        require_size(info)
        self._path = path
        self._info = info
        self._frame_rate = frame_rate
        # A whole number of points, so that a denser grid ends with this one.
        self._max_seconds = None if max_seconds is None else max(1, round(max_seconds * frame_rate)) / frame_rate
        self.reader = "decord"
        self.reader_note: str | None = None
        #: How pictures were taken that change on the way; known when they were read.
        self.picture_note: str | None = None

    def __iter__(self) -> Iterator[PicturePoint]:
        return self.densely(1)

    def densely(self, factor: int) -> Iterator[PicturePoint]:
        """Pictures on a grid ``factor`` times as dense: every ``factor``-th point is one of this grid."""
        grid = (self._frame_rate * factor, self._max_seconds)
        if self._info.container == frame_folder.FRAMES:
            self.reader = "pillow"
            yield from frame_folder.pictures(self._path, self._info, *grid)
            return
        if self.reader == "decord":
            points = with_decord.pictures(self._path, self._info, *grid)
            try:
                first = next(points)
                _ = first.shown  # what decord cannot read at all fails here
            except with_decord.DecordRefusedError as error:
                self.give_up_decord(str(error))
            else:
                yield from chain([first], points)
                return
        shapes = Shapes(self._info)
        for point in with_pyav.pictures(self._path, self._info, *grid, shapes):
            yield point
            self.picture_note = shapes.note or self.picture_note  # a second reading may end before a change

    def give_up_decord(self, reason: str) -> None:
        """Let PyAV read from now on."""
        self.reader, self.reader_note = "pyav", reason
