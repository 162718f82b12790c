"""Frames through decord, for files that it and FFmpeg's own packet times agree upon."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from torch.utils.dlpack import from_dlpack

from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import ToSee, on_grid

try:
    import decord
except ImportError:  # no wheel for this platform
    decord = None


#: decord goes on decoding while we are busy, so that in the end all frames of a clip may be in memory at once:
#: ten minutes at 1920x1080 took 10 GB. Clips whose frames are more than this are PyAV's, at the same speed.
_AHEAD_BYTES = 100e6


class DecordRefusedError(Exception):
    """Why decord cannot be trusted with a file; PyAV reads it then."""


def pictures(path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None = None) -> Iterator[ToSee]:
    """RGB pictures, upright, on a grid of times; frames that nobody looks at are decoded but not converted.

    decord numbers frames and gives their times from its own zero, so it is used only where it counts as many
    frames as there are packets, at the same times. It is read in order and never sought, since seeking in
    files with open groups of pictures shows wrong frames. Raises :class:`DecordRefusedError`, at a look too.
    """
    if decord is None:
        raise DecordRefusedError("decord is not installed")
    if info.frame_times is None or info.damaged_packets:
        raise DecordRefusedError("packets are damaged or name no time")
    if (info.bits or 8) > 8:
        raise DecordRefusedError(f"{info.bits} bits a colour: decord rounds them otherwise than PyAV")
    if len(info.frame_times) * 3 * (info.width or 0) * (info.height or 0) > _AHEAD_BYTES:
        raise DecordRefusedError("long: decord may hold all frames in memory")
    frames = _Frames(path, info.frame_times)
    numbered = zip(info.frame_times.tolist(), range(len(info.frame_times)), strict=True)
    last_seconds = info.last_frame_seconds or 0.0
    for point in on_grid(numbered, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        yield ToSee(point.number, point.since_seconds, partial(frames.read, point.shown))


class _Frames:
    """The frames of a file by number, in ascending order."""

    def __init__(self, path: Path, times: Float[np.ndarray, " frames"]) -> None:
        decord.logging.set_level(decord.logging.QUIET)
        with _refusal():
            self._reader = decord.VideoReader(str(path.absolute()), ctx=decord.cpu(0), num_threads=1)
            own_times = np.atleast_2d(self._reader.get_frame_timestamp(range(len(self._reader))))[:, 0]
        if len(own_times) != len(times):
            raise DecordRefusedError(f"decord counts {len(own_times)} frames of {len(times)}")
        if np.abs(own_times - (times - times[0])).max() > 2e-3:
            raise DecordRefusedError("decord gives frames other times")
        self._position = -1
        self._picture: UInt8[np.ndarray, "height width 3"] | None = None

    def read(self, number: int) -> UInt8[np.ndarray, "height width 3"]:
        """Decode up to a frame; the one that was read last may be asked for again."""
        assert number >= self._position, "frames are read in order"
        with _refusal():
            if number > self._position + 1:
                self._reader.skip_frames(number - self._position - 1)
            if number > self._position:
                # shared, not copied: that would cost half as much again as decoding
                self._picture, self._position = from_dlpack(self._reader.next().to_dlpack()).numpy(), number
        assert self._picture is not None
        return self._picture


@contextmanager
def _refusal() -> Iterator[None]:
    try:
        yield
    except (decord.DECORDError, RuntimeError, StopIteration, IndexError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DecordRefusedError(f"decord failed: {lines[-1][:200]}") from error
