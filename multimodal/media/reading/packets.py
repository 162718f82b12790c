"""The packets of a file, counted and timed without decoding any: when frames are shown, and which are missing."""

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Bool, Float, Int

from multimodal.media.reading.edit_list import Stretches, joined
from multimodal.media.reading.key_packets import Sizes
from multimodal.media.reading.program_stream import Named, count_frames, says_order
from multimodal.media.reading.streams import packets_of
from multimodal.media.reading.time_grid import MAX_GAP_SECONDS

#: Clocks that go back by more than this were set back: two recordings in one file, or a damaged time.
BACK_SECONDS = 1.0
#: A video is regular if so many of its steps are alike; of others nobody knows what a short gap is.
_REGULAR_SHARE = 2 / 3
#: A gap in a video whose rate varies lasts so long at least, and so many times what this share of its steps stays
#: under, and every other step.
_LONG_SECONDS, _MANY_TIMES, _COMMON_SHARE = 0.25, 5.0, 0.95
#: A frame that is missing makes a step twice as long; containers round, and some writers start with a long one.
_GAP_FRAMES = 1.75
#: Containers round times to a millisecond, and so may each end of a step.
_ROUNDING_SECONDS = 2e-3
#: Packets of sound are as long as a clock says if it says so within this (of the logarithm).
_OTHER_CLOCK = 0.2
#: Containers that say no time but that of the n-th frame, whichever comes first from the decoder.
COUNTS_ALONE = ("avi",)
#: A stream without a container, of which FFmpeg makes times up, and wrongly of MPEG-1: frames are counted instead.
UNTIMED = ("mpegvideo", "mpeg1video")


class Packets(NamedTuple):
    """What the packets of the picture and the sound say.

    ``times`` are the seconds at which frames are shown, ascending, None where a packet names no time;
    ``last_seconds`` is how long the last one stays and ``key_frames`` the numbers of those that can be decoded
    alone. ``num_frames`` counts packets of the picture, ``num_damaged`` packets of any stream. ``lost_frames`` are
    missing in ``num_gaps`` places, ``clock_jumps`` counts where a clock is set back or leaps ahead. ``video_end``
    and ``audio_end`` are the seconds at which the last of each ends. FFmpeg names every frame ``late_seconds``
    after its time, and where ``in_coded_order`` the right times, but each to another frame. ``counted`` are ticks,
    in the order of the file, that take the place of what FFmpeg says of the packets of the picture. Where key
    packets do not say the same of the size of pictures, it ``may_change_size``.
    """

    times: Float[np.ndarray, " frames"] | None = None
    last_seconds: float | None = None
    key_frames: tuple[int, ...] = ()
    num_frames: int = 0
    num_damaged: int = 0
    lost_frames: int = 0
    num_gaps: int = 0
    clock_jumps: int = 0
    video_end: float | None = None
    audio_end: float | None = None
    late_seconds: float = 0.0
    in_coded_order: bool = False
    counted: tuple[int, ...] | None = None
    may_change_size: bool = False


class Gaps(NamedTuple):
    """Frames that are missing in the middle of a video, and in how many places."""

    lost_frames: int
    num_gaps: int


class _Tick(NamedTuple):
    shown: int
    duration: int
    is_key: bool
    decoded: int
    is_named: bool = True
    stretch: int = 0


def read_packets(
    container: InputContainer,
    video: VideoStream | None,
    sounds: Collection[AudioStream],
    named: Sequence[Named] = (),
) -> Packets:
    """Go through the file once; one that is cut off, or unreadable from somewhere on, ends there.

    ``named`` is what a program stream itself says of the frames of ``video``.
    """
    streams: list[AudioStream | VideoStream] = [*([] if video is None else [video]), *sounds]
    clocks = {stream.index: _Clock() for stream in streams}
    ticks: list[_Tick] = []
    ends = {stream.index: _SoundEnd() for stream in sounds}
    sizes = Sizes("" if video is None else video.codec_context.name)
    stretches = Stretches()
    num_frames = num_damaged = 0
    try:
        for packet in packets_of(container, *streams) if streams else ():
            if packet.size == 0:  # the mark of the end
                continue
            num_damaged += packet.is_corrupt
            if not packet.is_discard:  # what an edit list leaves out goes back to a key frame
                clocks[packet.stream_index].see(packet)
            if packet.stream is not video:
                ends[packet.stream_index].see(packet)
                continue
            num_frames += 1
            sizes.see(packet)
            stretch = stretches.of(packet)
            if packet.is_discard:
                continue
            is_named = packet.pts is not None
            shown = packet.pts or 0
            decoded = shown if packet.dts is None else packet.dts
            ticks.append(_Tick(shown, packet.duration or 0, packet.is_keyframe, decoded, is_named, stretch))
    except av.FFmpegError:
        num_damaged += 1
    jumps = sum(clock.jumps for clock in clocks.values())
    is_counted = container.format.name in COUNTS_ALONE
    heard = [ends[stream.index].of(stream, is_counted=is_counted) for stream in sounds]
    audio_end = max((end for end in heard if end is not None), default=None)
    read = Packets(num_frames=num_frames, num_damaged=num_damaged, audio_end=audio_end, clock_jumps=jumps)
    read = read._replace(may_change_size=sizes.may_change)
    if not ticks or video is None or not video.time_base:
        return read
    if (container.format.name, video.codec_context.name) == UNTIMED:
        return read
    tick_seconds = float(video.time_base)
    late = _late_ticks(ticks) if is_counted else np.zeros(1)
    if is_counted:  # with B-frames a guess is as good as any
        counted = None if video.codec_context.has_b_frames else _decoded(ticks, late)
    else:
        counted = _counted(ticks, named, video)
    if counted is not None:
        ticks = [tick._replace(shown=shown, is_named=True) for tick, shown in zip(ticks, counted, strict=True)]
    if not all(tick.is_named for tick in ticks):
        return read
    is_coded_order = _is_coded_order(ticks) if counted is None or is_counted else not says_order(video)
    if ticks[-1].stretch and counted is None:
        counted = tuple(joined([tick.shown for tick in ticks], [tick.stretch for tick in ticks]))
        ticks = [tick._replace(shown=shown) for tick, shown in zip(ticks, counted, strict=True)]
    read = read._replace(
        late_seconds=round(float(np.median(late))) * tick_seconds if counted is None else 0.0,
        in_coded_order=is_coded_order and video.codec_context.has_b_frames,
        counted=counted,
    )
    return _with_times(read, sorted(ticks), tick_seconds, is_counted=is_counted)


def _counted(ticks: Sequence[_Tick], named: Sequence[Named], video: VideoStream) -> tuple[int, ...] | None:
    """Ticks of a program stream's frames by counting them; None for other files, or where all is well."""
    if len(named) != len(ticks):
        return None
    counted = count_frames(named, [tick.duration for tick in ticks], kinds_say_order=says_order(video))
    return None if counted is None else tuple(counted.round().astype(int).tolist())


def _late_ticks(ticks: list[_Tick]) -> Int[np.ndarray, " frames"]:
    """How much later than they are due FFmpeg shows the frames of a container that counts frames alone.

    It guesses how many frames a decoder waits for others. Against ticks of the sound in the same file all of that
    is an error, with and without B-frames. Most frames tell: the first always stands at 0, also where all others
    are moved by what an encoder of MP3 or AAC puts before its sound.
    """
    shown, decoded = (sorted(times) for times in zip(*((tick.shown, tick.decoded) for tick in ticks), strict=True))
    return np.subtract(shown, decoded)


def _decoded(ticks: list[_Tick], late: Int[np.ndarray, " frames"]) -> tuple[int, ...] | None:
    """The count itself where not all are equally late: before a frame that is missing FFmpeg guesses wrongly."""
    return None if len(np.unique(late[1:])) <= 1 else tuple(tick.decoded for tick in ticks)


def _is_coded_order(ticks: list[_Tick]) -> bool:
    """Whether the file numbers frames as they are coded, not as they are shown."""
    return all(before.shown < after.shown for before, after in pairwise(ticks))


def _with_times(read: Packets, ticks: list[_Tick], tick_seconds: float, *, is_counted: bool) -> Packets:
    times = np.array([tick.shown for tick in ticks], dtype=np.float64) * tick_seconds - read.late_seconds
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    last_seconds = ticks[-1].duration * tick_seconds or usual
    # AVI begins at 0: where a delay of the sound moves all else, the first frame cannot say so, and stays longer
    gaps = find_gaps(times[1:] if is_counted else times)
    return read._replace(
        times=times,
        last_seconds=last_seconds,
        key_frames=tuple(number for number, tick in enumerate(ticks) if tick.is_key),
        lost_frames=gaps.lost_frames,
        num_gaps=gaps.num_gaps,
        video_end=float(times[-1]) + last_seconds,
    )


def find_gaps(times: Float[np.ndarray, " frames"]) -> Gaps:
    """Steps of a regular video that are longer than a frame, and where its rate varies those many times any other.

    >>> find_gaps(np.array([0.0, 0.04, 0.08, 0.12, 0.24, 0.28, 0.32]))
    Gaps(lost_frames=2, num_gaps=1)
    >>> find_gaps(np.array([0.0, 0.04, 0.14, 0.16, 0.26, 0.28, 0.32]))
    Gaps(lost_frames=0, num_gaps=0)
    >>> find_gaps(np.cumsum([0.03, 0.07] * 10 + [1.05] + [0.03, 0.07] * 10))
    Gaps(lost_frames=20, num_gaps=1)
    """
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    if usual <= 0:
        return Gaps(0, 0)
    if np.mean(np.abs(steps - usual) <= 0.1 * usual + _ROUNDING_SECONDS) < _REGULAR_SHARE:
        return _outstanding_gaps(steps)
    return _gaps_among(steps, steps > _GAP_FRAMES * usual, usual)


def _outstanding_gaps(steps: Float[np.ndarray, " steps"]) -> Gaps:
    """Gaps where the rate varies: steps that nothing in the file comes near.

    A recording of a screen holds still for as long as it likes; such steps are common, or come in all lengths.
    """
    is_long = steps > max(_LONG_SECONDS, _MANY_TIMES * float(np.quantile(steps, _COMMON_SHARE)))
    others = steps[~is_long]
    if not is_long.any() or float(steps[is_long].min()) < _MANY_TIMES * float(others.max()):
        return Gaps(0, 0)
    return _gaps_among(steps, is_long, float(others.mean()))


def _gaps_among(steps: Float[np.ndarray, " steps"], is_long: Bool[np.ndarray, " steps"], usual: float) -> Gaps:
    gaps = steps[is_long & (steps <= MAX_GAP_SECONDS)]
    return Gaps(int(np.maximum(np.round(gaps / usual) - 1, 1).sum()), len(gaps))


class _Clock:
    """Counts where a stream's clock is set back, or leaps so far ahead that what follows is left out."""

    def __init__(self) -> None:
        self.jumps = 0
        self._before: float | None = None

    def see(self, packet: "av.Packet[Any]") -> None:
        if packet.dts is None or not packet.time_base:
            return
        now = float(packet.dts * packet.time_base)
        if self._before is not None and not -BACK_SECONDS <= now - self._before <= MAX_GAP_SECONDS:
            self.jumps += 1
        self._before = now


class _SoundEnd:
    """When a track of sound ends."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = self._duration = 0.0
        self._end = -math.inf
        self._count = self._ticks = 0

    def see(self, packet: "av.Packet[Any]") -> None:
        if packet.pts is None or not packet.time_base:  # of PyAV 19 unset is 0/1, before it None
            return
        self._ticks = packet.duration or 0
        self._last = float(packet.pts * packet.time_base)
        self._duration = float(self._ticks * packet.time_base)
        self._first = self._last if self._first is None else self._first
        self._end, self._count = max(self._end, self._last + self._duration), self._count + 1

    def of(self, stream: AudioStream, *, is_counted: bool) -> float | None:
        """The second; where packets are counted, by how long each lasts, which headers may not know."""
        if self._first is None:
            return None
        length, rate = stream.codec_context.frame_size, stream.codec_context.sample_rate
        lasting = length / rate if length and rate else self._duration
        step = (self._last - self._first) / max(self._count - 1, 1)
        is_a_packet_a_tick = is_counted and self._ticks <= 1
        if is_a_packet_a_tick and lasting and step and is_other_clock(step / lasting):
            return self._first + self._count * lasting
        return self._end


def is_other_clock(pace: float) -> bool:
    """Whether packets are told to be so many times as long as they are that they are not merely rounded."""
    return abs(math.log(pace)) > _OTHER_CLOCK
