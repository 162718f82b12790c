"""Frames through PyAV: reads whatever FFmpeg reads, and each frame carries its own time."""

import heapq
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import UInt8

from multimodal.media.reading.packets import BACK_SECONDS, UNTIMED
from multimodal.media.reading.probe import MediaInfo, believed_aspect, decode_packets, open_container
from multimodal.media.reading.streams import packets_of, video_stream
from multimodal.media.reading.time_grid import Area, Part, Payload, ToSee, on_grid, thinned
from multimodal.media.reading.upright import PLAIN, Picture, Shapes, Showing

#: As many frames in a row as refer to later ones, usually at most.
_MISPLACED_FRAMES = 4

#: No decoder of H.264 or HEVC waits for more (the size of its picture buffer).
_MOST_REORDERED = 16

#: Formats of pixels whose first plane is the brightness alone.
_BRIGHTNESS_FIRST = ("yuv4", "yuvj4", "nv12", "nv21", "gray")

#: Formats of pixels in which each two by two share one colour, 8 bits.
_FOUR_SHARE = ("yuv420p", "yuvj420p")

#: Containers that leave it to the codec how wide a pixel is, which may change; others name it once for all.
_CODEC_NAMES_ASPECT = ("mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "obu", "flv")


def pictures(
    path: Path,
    info: MediaInfo,
    frame_rate: float,
    max_seconds: float | None = None,
    shapes: Shapes | None = None,
) -> Iterator[ToSee]:
    """RGB pictures, upright, with square pixels and in one shape, on a grid of times.

    One frame is in memory at a time, a few of files that are damaged or number frames as they are coded. A packet
    that cannot be decoded is passed over. ``shapes`` notes what changes on the way. Raises ``MediaError`` (stage
    "decode") if none can be decoded.
    """
    frames = _timed_frames(path, info, shapes or Shapes(info))
    if info.in_coded_order:
        frames = in_shown_order(frames)
    elif info.lost_frames or info.damaged_packets:
        frames = in_order(frames)
    last_seconds = info.last_frame_seconds or 1 / (info.frame_rate or frame_rate)
    for point in on_grid(frames, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        shown: _Frame = point.shown
        yield ToSee(point.number, point.since_seconds, shown.upright_rgb, shown.grey, shown.part)


class _Frame:
    """A decoded frame, until somebody looks at it; it may stand at several points of the grid.

    What was looked at is let go: FFmpeg decodes into the memory of frames that nobody holds, and asking the system
    for new memory instead costs a third of decoding.
    """

    def __init__(self, frame: av.VideoFrame, showing: Showing) -> None:
        self._frame: av.VideoFrame | None = frame
        self._showing = showing
        self._picture: Picture | None = None
        self._grey: UInt8[np.ndarray, "rows columns"] | None = None

    def grey(self) -> UInt8[np.ndarray, "rows columns"] | None:
        if self._grey is None and self._frame is not None:
            self._grey = _grey(self._frame)
        return self._grey

    def part(self, area: Area) -> Part | None:
        return None if self._frame is None else _part(self._frame, self._showing, area)

    def upright_rgb(self) -> Picture:
        if self._frame is not None:
            self.grey()  # may be asked for later, and must not depend on whether it is
            self._picture = _upright_rgb(self._frame, self._showing)
            self._frame = None
        assert self._picture is not None
        return self._picture


def in_order(frames: Iterable[tuple[float, Payload]]) -> Iterator[tuple[float, Payload]]:
    """Sort frames by time over a few of them: where one is missing that others need, decoders mistake its place.

    >>> [shown for _, shown in in_order([(0.0, "a"), (0.08, "c"), (0.04, "b"), (0.12, "d")])]
    ['a', 'b', 'c', 'd']
    """
    held: list[tuple[float, int, Payload]] = []
    for number, (time, frame) in enumerate(frames):
        heapq.heappush(held, (time, number, frame))
        if len(held) > _MISPLACED_FRAMES:
            yield held[0][0], heapq.heappop(held)[2]
    while held:
        yield held[0][0], heapq.heappop(held)[2]


def in_shown_order(frames: Iterable[tuple[float, Payload]]) -> Iterator[tuple[float, Payload]]:
    """Sort times alone: the frames come as they are shown, each with a time of those about it.

    >>> [time for time, _ in in_shown_order([(0.0, "a"), (0.08, "b"), (0.04, "c"), (0.12, "d")])]
    [0.0, 0.04, 0.08, 0.12]
    """
    times: list[float] = []
    held: deque[Payload] = deque()
    for time, frame in frames:
        while times and time < times[0] - BACK_SECONDS:  # another recording begins
            yield heapq.heappop(times), held.popleft()
        heapq.heappush(times, time)
        held.append(frame)
        if len(held) > _MOST_REORDERED:
            yield heapq.heappop(times), held.popleft()
    while held:
        yield heapq.heappop(times), held.popleft()


def _grey(frame: av.VideoFrame) -> UInt8[np.ndarray, "rows columns"] | None:
    """Some of the brightness, as it was coded, on its side where the picture is."""
    kind = frame.format
    if not kind.name.startswith(_BRIGHTNESS_FIRST) or kind.components[0].bits != 8:
        return None
    plane = frame.planes[0]
    pixels = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * frame.height]
    rows = pixels.reshape(frame.height, plane.line_size)
    return thinned(rows[:, : frame.width])


def _upright_rgb(frame: av.VideoFrame, showing: Showing) -> Picture:
    width, height = showing.size
    return showing.set_in(_RGB.of(frame, width=width, height=height))


def _part(frame: av.VideoFrame, showing: Showing, area: Area) -> Part | None:
    """An area as it was decoded, half as large as in RGB, and of the very pixels that it has in the whole picture.

    None where FFmpeg would not turn each pixel into RGB by itself: it does where four share one colour, and whole
    fours are cut out.
    """
    size = (frame.width, frame.height)
    is_plain = frame.format.name in _FOUR_SHARE and showing == Showing(PLAIN, size, size)
    if not is_plain or frame.width % 2 or frame.height % 2:
        return None
    left, top = area.left // 2 * 2, area.top // 2 * 2
    fours = Area(left, top, area.right + area.right % 2, area.bottom + area.bottom % 2)
    copy = av.VideoFrame(fours.right - left, fours.bottom - top, frame.format.name)
    copy.colorspace, copy.color_range = frame.colorspace, frame.color_range
    for number, (plane, source) in enumerate(zip(copy.planes, frame.planes, strict=True)):
        x0, y0, x1, y1 = (edge // 2 if number else edge for edge in fours)
        _rows(plane)[: y1 - y0, : x1 - x0] = _rows(source)[y0:y1, x0:x1]
    # not as RGBA, of which FFmpeg leaves out columns at the right
    return Part(fours, copy.width * copy.height * 3 // 2, partial(_RGB.of, copy))


class _ToRgb(threading.local):
    """One converter a thread.

    A frame that converts itself keeps its converter as long as it lives, and that, from PyAV 17 on, a thread a
    core with 8 MB of stack: of 550 frames that are kept, 8 GB of the memory that a process may have.
    """

    def __init__(self) -> None:
        self._converter: Any = VideoReformatter()
        is_new = "threads" in (VideoReformatter.reformat.__doc__ or "")
        self._options = {"threads": 1} if is_new else {}

    def of(self, frame: av.VideoFrame, **size: int | None) -> Picture:
        """The picture of a frame; ``width`` and ``height`` where it is to have another size."""
        picture: Picture = self._converter.reformat(frame, format="rgb24", **size, **self._options).to_ndarray()
        return picture


_RGB = _ToRgb()


def _rows(plane: Any) -> UInt8[np.ndarray, "rows columns"]:
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)


def _timed_frames(path: Path, info: MediaInfo, shapes: Shapes) -> Iterator[tuple[float, _Frame]]:
    for number, (frame, aspect) in enumerate(_frames_with_aspect(path, info)):
        shown = _Frame(frame, shapes.show(frame, aspect))
        if frame.time is not None and (info.container, info.video_codec) != UNTIMED:
            yield frame.time - info.late_seconds, shown
        elif info.frame_times is None:
            yield number / (info.frame_rate or 25.0), shown
        # else the decoder made it up in the place of one that is missing


def _frames_with_aspect(path: Path, info: MediaInfo) -> Iterator[tuple[av.VideoFrame, float]]:
    """All frames, each with how wide its pixels are; broadcasts change that with the programme."""
    before = aspect = info.pixel_aspect
    changed: int | None = None
    with open_container(path) as container:
        stream = video_stream(container)
        assert stream is not None
        is_coded = info.container in _CODEC_NAMES_ASPECT
        for tick, frames in decode_packets(container, stream, info.counted_ticks):
            now = believed_aspect(stream.codec_context.sample_aspect_ratio) if is_coded else aspect
            if now != aspect:
                before, aspect, changed = aspect, now, tick
            for frame in frames:
                # those that were still waiting to be shown come after the decoder knows better
                yield frame, before if _is_older(frame, changed) else aspect


def _is_older(frame: av.VideoFrame, tick: int | None) -> bool:
    """Whether a frame comes before a tick of its stream, by less than a second."""
    if tick is None or frame.pts is None or frame.time_base is None:
        return False
    return 0 < (tick - frame.pts) * frame.time_base < 1


def key_pictures(path: Path, info: MediaInfo, numbers: Iterable[int], shapes: Shapes) -> dict[int, Picture]:
    """Frames by number that can be decoded alone, each sought for itself; those that cannot be found are left out.

    A few milliseconds each, wherever in the file they are. ``shapes`` notes how they are shown.
    """
    found: dict[int, Picture] = {}
    if info.frame_times is None:
        return found
    with open_container(path) as container:
        stream = video_stream(container)
        assert stream is not None
        for number in numbers:
            with suppress(av.FFmpegError, ValueError):  # the latter from PyAV 19, of a decoder that does not open
                frame = _key_frame(container, stream, float(info.frame_times[number]) + info.late_seconds)
                if frame is not None:
                    found[number] = _upright_rgb(frame, shapes.show(frame, info.pixel_aspect))
    return found


def _key_frame(container: InputContainer, stream: VideoStream, time: float) -> av.VideoFrame | None:
    assert stream.time_base is not None
    tick = round(time / stream.time_base)
    container.seek(tick, stream=stream)
    stream.codec_context.flush_buffers()
    for packet in packets_of(container, stream):
        if packet.pts == tick:
            frames = [*packet.decode(), *stream.codec_context.decode(None)]
            return next((frame for frame in frames if frame.pts == tick), None)
        if packet.size == 0 or (packet.dts is not None and packet.dts > tick):
            return None
    return None
