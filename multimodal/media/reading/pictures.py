"""The pictures of a video on a time grid, read once if they fit in memory and again if they do not."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from multimodal.media.reading import frame_folder, with_decord, with_pyav
from multimodal.media.reading.probe import MediaInfo, require_size
from multimodal.media.reading.time_grid import OnGrid, PicturePoint

#: Pictures are kept for the second reading up to this size; a longer clip is decoded twice instead.
_KEEP_BYTES = 200 * 2**20


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
        self._kept: list[OnGrid] = []
        self._is_complete = False
        self.reader = "decord"
        self.reader_note: str | None = None

    def __iter__(self) -> Iterator[PicturePoint]:
        return iter(self._kept) if self._is_complete else self.densely(1)

    def densely(self, factor: int) -> Iterator[PicturePoint]:
        """Pictures on a grid ``factor`` times as dense: every ``factor``-th point is one of this grid."""
        self._kept, self._is_complete = [], False
        keep_bytes, last = _KEEP_BYTES if self._may_fit() else -1, None
        for point in self._read(factor):
            if keep_bytes >= 0 and point.number % factor == 0:
                if point.shown is not last:
                    last, keep_bytes = point.shown, keep_bytes - point.shown.nbytes
                self._kept.append(OnGrid(point.number // factor, point.shown, point.since_seconds))
                if keep_bytes < 0:
                    self._kept = []
            yield point
        self._is_complete = keep_bytes >= 0

    def _may_fit(self) -> bool:
        """Whether all pictures may be kept, as far as the packets tell: of a film none is kept in vain."""
        width, height = self._info.display_size or (0, 0)
        times = self._info.frame_times
        if times is None:
            return True
        seconds = float(times[-1] - times[0])
        seconds = seconds if self._max_seconds is None else min(seconds, self._max_seconds)
        return min(len(times), seconds * self._frame_rate) * width * height * 3 <= 1.1 * _KEEP_BYTES

    def give_up_decord(self, reason: str) -> None:
        """Let PyAV read from now on."""
        self.reader, self.reader_note = "pyav", reason

    def _read(self, factor: int) -> Iterator[PicturePoint]:
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
        yield from with_pyav.pictures(self._path, self._info, *grid)
