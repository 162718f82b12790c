"""Frames through PyAV: reads whatever FFmpeg reads, and each frame carries its own time."""

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from multimodal.media.reading.container import decode, open_container, video_stream
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import ToSee, on_grid

Picture = UInt8[np.ndarray, "height width 3"]


def pictures(path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None = None) -> Iterator[ToSee]:
    """RGB pictures, upright, on a grid of times; one frame is in memory at a time.

    A packet that cannot be decoded is passed over. Raises ``MediaError`` (stage "decode") if none can.
    """
    frames = _timed_frames(path, info)
    last_seconds = info.last_frame_seconds or 1 / (info.frame_rate or frame_rate)
    upright_rgb = lru_cache(maxsize=1)(partial(_upright_rgb, info=info))  # a frame may stand at several points
    for point in on_grid(frames, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        yield ToSee(point.number, point.since_seconds, partial(upright_rgb, point.shown))


def _timed_frames(path: Path, info: MediaInfo) -> Iterator[tuple[float, av.VideoFrame]]:
    with open_container(path) as container:
        stream = video_stream(container)
        assert stream is not None
        for number, frame in enumerate(decode(container, stream)):
            yield frame.time if frame.time is not None else number / (info.frame_rate or 25.0), frame


def _upright_rgb(frame: av.VideoFrame, info: MediaInfo) -> Picture:
    # A damaged stream may change its size half-way; boxes need one size.
    picture = frame.to_ndarray(format="rgb24", width=info.width or None, height=info.height or None)
    return np.ascontiguousarray(np.rot90(picture, frame.rotation // 90 % 4))
