"""Frames through PyAV: reads whatever FFmpeg reads, and each frame carries its own time."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from multimodal.media.reading.probe import MediaInfo, decode, open_container, video_stream
from multimodal.media.reading.time_grid import ToSee, on_grid

Picture = UInt8[np.ndarray, "height width 3"]


def pictures(path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None = None) -> Iterator[ToSee]:
    """RGB pictures, upright, on a grid of times; one frame is in memory at a time.

    A packet that cannot be decoded is passed over. Raises ``MediaError`` (stage "decode") if none can.
    """
    frames = _timed_frames(path, info)
    last_seconds = info.last_frame_seconds or 1 / (info.frame_rate or frame_rate)
    for point in on_grid(frames, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        yield ToSee(point.number, point.since_seconds, partial(point.shown.upright_rgb, info))


class _Frame:
    """A decoded frame, until somebody looks at it; it may stand at several points of the grid.

    What was looked at is let go: FFmpeg decodes into the memory of frames that nobody holds, and asking the system
    for new memory instead costs a third of decoding.
    """

    def __init__(self, frame: av.VideoFrame) -> None:
        self._frame: av.VideoFrame | None = frame
        self._picture: Picture | None = None

    def upright_rgb(self, info: MediaInfo) -> Picture:
        if self._frame is not None:
            # A damaged stream may change its size half-way; boxes need one size.
            width, height = info.width or None, info.height or None
            picture = self._frame.to_ndarray(format="rgb24", width=width, height=height)
            self._picture = np.ascontiguousarray(np.rot90(picture, self._frame.rotation // 90 % 4))
            self._frame = None
        assert self._picture is not None
        return self._picture


def _timed_frames(path: Path, info: MediaInfo) -> Iterator[tuple[float, _Frame]]:
    with open_container(path) as container:
        stream = video_stream(container)
        assert stream is not None
        for number, frame in enumerate(decode(container, stream)):
            time = frame.time if frame.time is not None else number / (info.frame_rate or 25.0)
            yield time, _Frame(frame)
