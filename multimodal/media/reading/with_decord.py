"""Frames through decord, for files that it and FFmpeg's own packet times agree upon."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch.utils.dlpack import from_dlpack

from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import OnGrid, on_grid

try:
    import decord
except ImportError:  # no wheel for this platform
    decord = None


class DecordRefusedError(Exception):
    """Why decord cannot be trusted with a file; PyAV reads it then."""


def pictures(path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None = None) -> Iterator[OnGrid]:
    """RGB pictures, upright, on a grid of times; frames between are decoded but not converted.

    decord numbers frames and gives their times from its own zero, so it is used only where it counts as many
    frames as there are packets, at the same times. It is read in order and never sought, since seeking in
    files with open groups of pictures shows wrong frames. Raises :class:`DecordRefusedError`.
    """
    if decord is None:
        raise DecordRefusedError("decord is not installed")
    if info.frame_times is None or info.damaged_packets:
        raise DecordRefusedError("packets are damaged or name no time")
    try:
        yield from _read(path, info, frame_rate, max_seconds)
    except (decord.DECORDError, RuntimeError, StopIteration, IndexError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DecordRefusedError(f"decord failed: {lines[-1][:200]}") from error


def _read(path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None) -> Iterator[OnGrid]:
    decord.logging.set_level(decord.logging.QUIET)
    times = info.frame_times
    assert times is not None
    reader = decord.VideoReader(str(path.absolute()), ctx=decord.cpu(0), num_threads=1)
    if len(reader) != len(times):
        raise DecordRefusedError(f"decord counts {len(reader)} frames of {len(times)}")
    own_times = np.atleast_2d(reader.get_frame_timestamp(range(len(reader))))[:, 0]
    if np.abs(own_times - (times - times[0])).max() > 2e-3:
        raise DecordRefusedError("decord gives frames other times")
    numbered = zip(times.tolist(), range(len(times)), strict=True)
    last_seconds = info.last_frame_seconds or 0.0
    position, picture = -1, None  # shared, not copied: that would cost half as much again as decoding
    for point in on_grid(numbered, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        if point.shown > position + 1:
            reader.skip_frames(point.shown - position - 1)
        if point.shown > position:
            picture, position = from_dlpack(reader.next().to_dlpack()).numpy(), point.shown
        yield point._replace(shown=picture)
