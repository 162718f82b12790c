"""What a media file says of itself: its streams and, from its packets, when each frame is shown."""

import errno
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float

from multimodal.containers import CONTAINERS
from multimodal.media.errors import MediaError, why_no_file
from multimodal.media.reading.missing_bytes import missing_bytes
from multimodal.media.reading.packets import Packets, read_packets
from multimodal.media.reading.program_stream import PROGRAM_STREAM, Named, read_named
from multimodal.media.reading.sample_tables import untold_samples
from multimodal.media.reading.streams import audio_tracks, packets_of, passed_over, video_tracks

# Opening a file with FFmpeg and decoding one stream of it, past packets that are damaged.


#: Pictures of more are refused before memory is taken: twice 8K television, or a panorama of 16,384 x 4,096.
MOST_PIXELS = 2**26
#: No face can be seen in less, and decoders read past the rows of pictures a few pixels wide.
_LEAST_SIDE = 16
_MOST_SECONDS = 24 * 3600.0
#: Streams in one file; a multiplex of ten channels with four languages each has fewer.
_MOST_STREAMS = 64

#: What FFmpeg says where memory is short: no room for data, no room for the stack of a thread.
_OUT_OF_MEMORY = (errno.ENOMEM, errno.EAGAIN)

#: A title in Latin-1 must not keep a file shut. PyAV 19 takes care of that itself and knows the argument no more.
_TITLES: Any = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "ignore"}


def open_container(path: Path, **more: str) -> InputContainer:
    """Open one of the containers that are read with FFmpeg; ``MediaError`` at stage "open" says why it cannot be.

    ``more`` are options of FFmpeg.
    """
    if os.path.isdir(path):
        raise MediaError("open", "a folder; give the files in it")
    if (why := why_no_file(path)) is not None:
        raise MediaError("open", why)
    if path.stat().st_size == 0:
        raise MediaError("open", "the file is empty")
    if count := untold_samples(path):
        raise MediaError("open", f"its header names {count:,} samples in a few bytes; no film has so many")
    try:
        # An absolute path is never taken for an address. The list is asked once the kind of file is known and
        # before its header is read, which for a playlist means opening what it names.
        options = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS), **more}
        container = av.open(str(path.absolute()), options=options, **_TITLES)
    except (av.FFmpegError, ValueError, OSError) as error:
        _raise_if_out_of_memory(error)
        raise MediaError("open", f"no media file that FFmpeg can open ({_why_not_opened(error)})") from error
    if len(container.streams) > _MOST_STREAMS:
        count = len(container.streams)
        container.close()
        raise MediaError("open", f"the file has {count} streams, at most {_MOST_STREAMS} are read")
    return container


def _why_not_opened(error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EINVAL:  # what it says of a demuxer that is not on the list, too
        return "no container of sound or picture; playlists, scripts and images in its place are not opened"
    return getattr(error, "strerror", None) or str(error)


def decode(
    container: InputContainer, stream: VideoStream | AudioStream, ticks: Sequence[int] | None = None
) -> Iterator[Any]:
    """All frames of a stream; what is damaged is passed over, and a file cut off ends there.

    ``ticks`` are what its packets are to say of when they are shown, in the order of the file, without those that
    an edit list leaves out.

    Raises ``MediaError`` (stage "decode") with the last problem if there is no frame at all.
    """
    return chain.from_iterable(frames for _, frames in decode_packets(container, stream, ticks))


def decode_packets(
    container: InputContainer, stream: VideoStream | AudioStream, ticks: Sequence[int] | None = None
) -> Iterator[tuple[int | None, list[Any]]]:
    """As :func:`decode`: the tick of each packet, in the order of the file, and the frames that came with it."""
    stream.codec_context.thread_count = 1  # the workers are what runs in parallel
    if isinstance(stream, VideoStream):  # the header may name a smaller size than the pictures have
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    count, problem = 0, ""
    packets = packets_of(container, stream)
    if ticks is not None:
        packets = _retimed(packets, ticks)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            _raise_if_out_of_memory(error)
            problem = error.strerror or str(error)
            break
        if packet is None:
            break
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            _raise_if_out_of_memory(error)
            problem = f"the {stream.type} stream cannot be decoded ({error.strerror})"
            continue
        except ValueError as error:  # PyAV 19: no decoder, or one that could not be opened a packet ago
            problem = problem or f"the {stream.type} stream cannot be decoded ({error})"
            break
        count += len(frames)
        yield packet.pts, frames
    if count == 0:
        raise MediaError("decode", problem or f"the {stream.type} stream is empty")


def _retimed(packets: Iterator[Any], ticks: Sequence[int]) -> Iterator[Any]:
    """Packets of one stream with other times; the mark of the end as it is."""
    left = iter(ticks)
    for packet in packets:
        if packet.size and not packet.is_discard and (tick := next(left, None)) is not None:
            packet.pts, packet.dts = tick, None
        yield packet


def _raise_if_out_of_memory(error: Exception) -> None:
    if getattr(error, "errno", None) in _OUT_OF_MEMORY:
        raise MemoryError from error


#: Containers whose header says how long they last; of others FFmpeg guesses from what there is.
_SAY_DURATION = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "flv")
_COUNT_FRAMES = "mov,mp4,m4a,3gp,3g2,mj2"
#: What lacks less than this is no damage: the sound rarely ends with the picture to the frame.
_SHORT_SECONDS = 0.15
UNEQUAL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class MediaInfo:
    """The streams of a file, without decoding.

    ``frame_times`` are the seconds at which frames are shown, ascending, on the clock that sound and picture
    share; None where a packet names no time. ``last_frame_seconds`` is how long the last one stays. ``width`` and
    ``height`` are in pixels as coded, before the rotation that a phone notes beside it, and ``bits`` are those of
    each colour of a pixel. ``pixel_aspect`` is how wide a pixel is for its height, ``key_frames`` are the
    numbers, in order of time, of frames that can be decoded alone. ``missing_frames``, ``missing_seconds`` and
    ``missing_bytes`` are named by the header but not in the file; ``lost_frames`` are not there in the middle of
    a regular video, and ``clock_jumps`` is how often a clock is set back or leaps ahead. ``video_end`` and
    ``audio_end`` are the seconds at which the streams end, the longest track of sound counting. ``note`` says how
    a file was taken that does not say it itself, and which picture was of several. A decoded frame carries its
    time plus ``late_seconds``, and where ``in_coded_order`` that of another frame, though the frames come as they
    are shown. Pictures ``may_change_size`` where key packets do not all say the same of it. ``counted_ticks`` are
    to be given to the packets of the picture, where these say little, before decoding. Fields of a stream that is
    not there are None.
    """

    container: str
    duration_seconds: float | None
    video_codec: str | None = None
    width: int | None = None
    height: int | None = None
    bits: int | None = None
    pixel_aspect: float = 1.0
    frame_rate: float | None = None
    frame_times: Float[np.ndarray, " frames"] | None = None
    key_frames: tuple[int, ...] = ()
    last_frame_seconds: float | None = None
    audio_codec: str | None = None
    audio_rate: int | None = None
    video_end: float | None = None
    audio_end: float | None = None
    missing_frames: int = 0
    missing_seconds: float = 0.0
    missing_bytes: int = 0
    damaged_packets: int = 0
    lost_frames: int = 0
    num_gaps: int = 0
    clock_jumps: int = 0
    late_seconds: float = 0.0
    in_coded_order: bool = False
    counted_ticks: tuple[int, ...] | None = None
    may_change_size: bool = False
    note: str | None = None

    @property
    def damage(self) -> str | None:
        """What is wrong with the file, in words; None if nothing is."""
        parts = []
        if self.missing_frames:
            parts.append(f"cut off: {self.missing_frames} frames that the header names are missing")
        elif self.missing_seconds:
            parts.append(f"cut off: {self.missing_seconds:.2f} seconds that the header names are missing")
        elif self.missing_bytes:
            parts.append(f"cut off: {self.missing_bytes} bytes that the header names are missing")
        if self.damaged_packets:
            parts.append(f"{self.damaged_packets} damaged packet{'s' * (self.damaged_packets > 1)}")
        if self.lost_frames:
            places = f"{self.num_gaps} place{'s' * (self.num_gaps > 1)}"
            parts.append(f"{self.lost_frames} frame{'s' * (self.lost_frames > 1)} missing in {places}")
        if self.clock_jumps:
            parts.append(
                f"the clock jumps {self.clock_jumps} time{'s' * (self.clock_jumps > 1)}; "
                "what does not follow on is left out"
            )
        if self.video_end is not None and self.audio_end is not None:
            longer = self.video_end - self.audio_end
            if longer > UNEQUAL_SECONDS:
                parts.append(f"the sound ends {longer:.2f} seconds before the picture")
            elif -longer > UNEQUAL_SECONDS:
                parts.append(f"the picture ends {-longer:.2f} seconds before the sound")
        return "; ".join(parts) or None

    @property
    def display_size(self) -> tuple[int, int] | None:
        """Width and height in square pixels, before the rotation; enlarged from the coded ones, never reduced."""
        if not self.width or not self.height:
            return None
        return square_size(self.width, self.height, self.pixel_aspect)

    @property
    def has_video(self) -> bool:
        """Whether there is a moving picture."""
        return self.video_codec is not None

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound stream that can be decoded."""
        return self.audio_codec is not None


def probe(path: str | Path) -> MediaInfo:
    """Read the header and the packets of a file, without decoding any.

    Raises ``MediaError`` (stage "open") if FFmpeg cannot open it.
    """
    path = Path(path)
    with open_container(path) as container:
        moving = video_tracks(container)
        video = moving[0].stream if moving else None
        sounds = [track.stream for track in audio_tracks(container)]
        audio = sounds[0] if sounds else None
        packets = read_packets(container, video, sounds, _named(path, container, video))
        lacking = missing_bytes(path)
        return MediaInfo(
            container=container.format.name,
            duration_seconds=None if container.duration is None else container.duration / av.time_base,
            video_codec=None if video is None else video.codec_context.name,
            width=None if video is None else video.codec_context.width,
            height=None if video is None else video.codec_context.height,
            bits=_bits(video),
            pixel_aspect=believed_aspect(None if video is None else video.sample_aspect_ratio),
            frame_rate=None if video is None or not video.average_rate else float(video.average_rate),
            frame_times=packets.times,
            key_frames=packets.key_frames,
            last_frame_seconds=packets.last_seconds,
            audio_codec=None if audio is None else audio.codec_context.name,
            audio_rate=None if audio is None else audio.codec_context.sample_rate,
            video_end=packets.video_end,
            audio_end=packets.audio_end,
            missing_frames=_missing_frames(container, video, packets) if lacking else 0,
            missing_seconds=_missing_seconds(container, video, packets, is_cut=lacking > 0),
            missing_bytes=lacking,
            damaged_packets=packets.num_damaged,
            # the delays of a GIF are its author's, not losses
            lost_frames=0 if container.format.name == "gif" else packets.lost_frames,
            num_gaps=packets.num_gaps,
            clock_jumps=packets.clock_jumps,
            late_seconds=packets.late_seconds,
            in_coded_order=packets.in_coded_order,
            counted_ticks=packets.counted,
            note=passed_over("picture", moving),
            may_change_size=packets.may_change_size,
        )


def _named(path: Path, container: InputContainer, video: VideoStream | None) -> list[Named]:
    """What a program stream itself says of the frames of its picture."""
    if container.format.name != PROGRAM_STREAM or video is None:
        return []
    with open_container(path, fflags="nofillin") as again:
        stream = again.streams[video.index]
        return read_named(again, stream) if isinstance(stream, VideoStream) else []


def require_size(info: MediaInfo) -> None:
    """``MediaError`` (stage "decode") for pictures that are too small, or take too much memory or time."""
    width, height = info.display_size or (_LEAST_SIDE, _LEAST_SIDE)
    if min(width, height, info.width or width, info.height or height) < _LEAST_SIDE:
        raise MediaError("decode", f"the picture is {info.width}x{info.height}, at least {_LEAST_SIDE} are read")
    if width * height > MOST_PIXELS:
        raise MediaError("decode", f"the picture is {width}x{height}, more than {MOST_PIXELS:,} pixels")
    times = info.frame_times
    if times is not None and times[-1] - times[0] > _MOST_SECONDS:
        hours = (times[-1] - times[0]) / 3600
        raise MediaError("decode", f"the picture claims {hours:,.0f} hours, at most 24 are read")


def _bits(video: VideoStream | None) -> int | None:
    pixel = None if video is None else video.codec_context.format
    return None if pixel is None else max(component.bits for component in pixel.components)


#: Scaling to even sides gives pixels a little off the square, which nobody sees and every player ignores; what is
#: far off is a mistake in the header.
_SQUARE_ENOUGH = 0.01
_MOST_OBLONG = 5.0


def believed_aspect(named: Fraction | float | None) -> float:
    """How wide a pixel is for its height, by what a header says; 1.0 where that says nothing or is a mistake."""
    aspect = float(named or 1.0)
    if abs(math.log(aspect)) <= _SQUARE_ENOUGH or not 1 / _MOST_OBLONG <= aspect <= _MOST_OBLONG:
        return 1.0
    return aspect


def square_size(width: int, height: int, pixel_aspect: float) -> tuple[int, int]:
    """Width and height in square pixels, enlarged and never reduced."""
    if pixel_aspect >= 1:
        return round(width * pixel_aspect), height
    return width, round(height / pixel_aspect)


def _missing_frames(container: InputContainer, video: VideoStream | None, packets: Packets) -> int:
    """Frames in the table of contents that are not in a file cut off.

    In a whole file the two may differ without harm, since an edit list leaves frames out.
    """
    if video is None or container.format.name != _COUNT_FRAMES:
        return 0
    return max(0, video.frames - packets.num_frames)


def _missing_seconds(
    container: InputContainer, video: VideoStream | None, packets: Packets, *, is_cut: bool
) -> float:
    """How much earlier the last packet ends than the header says."""
    ends = [end for end in (packets.video_end, packets.audio_end) if end is not None]
    if container.format.name not in _SAY_DURATION or container.duration is None or not ends:
        return 0.0
    if video is not None and video.frames and not is_cut:  # frames are counted; only an edit list is shorter
        return 0.0
    # Matroska and FLV count from second 0, wherever the streams begin
    start = (container.start_time or 0) if container.format.name == _COUNT_FRAMES else 0
    says = (container.duration + start) / av.time_base
    missing = says - max(ends)
    return missing if missing > _SHORT_SECONDS else 0.0
