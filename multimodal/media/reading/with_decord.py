"""Frames through decord, for files that it and FFmpeg agree upon: containers, counts, times and pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from torch.utils.dlpack import from_dlpack

from multimodal.media.reading import with_pyav
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import ToSee, on_grid
from multimodal.media.reading.upright import Picture, Shapes

try:
    import decord
except ImportError:  # no wheel for this platform
    decord = None


#: Where decord's frames are those of their numbers, and how such files begin, at which byte: its own FFmpeg, ten
#: years older, takes no list of what it may open. In transport and program streams it starts late and repeats, in
#: ASF (WMV) it leaps to the next but one key frame where frames are skipped.
_CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    "matroska,webm": (0, (b"\x1a\x45\xdf\xa3",)),
    "avi": (0, (b"RIFF",)),
    "flv": (0, (b"FLV\x01",)),
}

#: decord goes on decoding while we are busy, so that in the end all frames of a clip may be in memory at once:
#: ten minutes at 1920x1080 took 10 GB. Clips whose frames are more than this are PyAV's, at the same speed.
_AHEAD_BYTES = 100e6


class DecordRefusedError(Exception):
    """Why decord cannot be trusted with a file; PyAV reads it then."""


def pictures(path: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None = None) -> Iterator[ToSee]:
    """RGB pictures, upright, on a grid of times; frames that nobody looks at are decoded but not converted.

    decord numbers frames and gives their times from its own zero, so it is used only where it counts as many
    frames as there are packets, at the same times, none is missing, and its first, a middle and its last key
    frame are PyAV's to the pixel. It is read in order and never sought, since seeking in files with open groups
    of pictures shows wrong frames. Raises :class:`DecordRefusedError`, at a look and after the last picture too.
    """
    _require_trusted(path, info)
    assert info.frame_times is not None
    frames = _Frames(path, info.frame_times, _expected(path, info, max_seconds))
    numbered = zip(info.frame_times.tolist(), range(len(info.frame_times)), strict=True)
    last_seconds = info.last_frame_seconds or 0.0
    for point in on_grid(numbered, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        yield ToSee(point.number, point.since_seconds, partial(frames.read, point.shown))
    frames.compare_rest()


def _require_trusted(path: Path, info: MediaInfo) -> None:
    if decord is None:
        raise DecordRefusedError("decord is not installed")
    if info.container not in _CONTAINERS:
        raise DecordRefusedError(f"{info.container}: decord counts frames otherwise than they are shown")
    place, marks = _CONTAINERS[info.container]
    with open(path, "rb") as file:
        if not file.read(place + 4)[place:].startswith(marks):
            raise DecordRefusedError("the file does not begin as its kind does")
    if info.frame_times is None or info.damaged_packets:
        raise DecordRefusedError("packets are damaged or name no time")
    if info.lost_frames or info.clock_jumps:
        raise DecordRefusedError("frames are missing, or the clock jumps")
    if info.in_coded_order:
        raise DecordRefusedError("the file does not say in which order frames are shown")
    if info.may_change_size:
        raise DecordRefusedError("the picture may change its size")
    if info.pixel_aspect != 1:
        raise DecordRefusedError("the pixels are not square")
    if (info.bits or 8) > 8:
        raise DecordRefusedError(f"{info.bits} bits a colour: decord rounds them otherwise than PyAV")
    if len(info.frame_times) * 3 * (info.width or 0) * (info.height or 0) > _AHEAD_BYTES:
        raise DecordRefusedError("long: decord may hold all frames in memory")


def _expected(path: Path, info: MediaInfo, max_seconds: float | None) -> dict[int, Picture]:
    """What PyAV shows at the first, a middle and the last key frame of the part that is read."""
    assert info.frame_times is not None
    seconds = info.frame_times - info.frame_times[0]
    keys = [key for key in info.key_frames if max_seconds is None or seconds[key] < max_seconds]
    if not keys:
        raise DecordRefusedError("there is no key frame to compare")
    numbers = sorted({keys[0], keys[len(keys) // 2], keys[-1]})
    shapes = Shapes(info)
    pictures = with_pyav.key_pictures(path, info, numbers, shapes)
    if len(pictures) < len(numbers):
        raise DecordRefusedError("a key frame cannot be found again")
    if shapes.is_mirrored:  # which black pictures would not tell
        raise DecordRefusedError("the picture is mirrored, which decord passes over")
    if shapes.num_sizes > 1:
        raise DecordRefusedError("the picture changes its size")
    return pictures


class _Frames:
    """The frames of a file by number, in ascending order; those that are expected are compared on the way."""

    def __init__(self, path: Path, times: Float[np.ndarray, " frames"], expected: dict[int, Picture]) -> None:
        self._expected = expected  # by ascending number
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
        for expected in [expected for expected in self._expected if expected <= number]:
            self._compare(expected)
        return self._go_to(number)

    def compare_rest(self) -> None:
        """Compare what was not come by."""
        for expected in list(self._expected):
            self._compare(expected)

    def _compare(self, number: int) -> None:
        if not np.array_equal(self._go_to(number), self._expected.pop(number)):
            raise DecordRefusedError(f"decord's frame {number} is not PyAV's")

    def _go_to(self, number: int) -> UInt8[np.ndarray, "height width 3"]:
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
