"""What a media file says of itself: its streams and, from its packets, when each frame is shown."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float

from multimodal.media.reading.container import audio_stream, open_container, video_stream
from multimodal.media.reading.ending import missing_bytes
from multimodal.media.reading.packets import Packets, read_packets

#: Containers whose header says how long they last; of others FFmpeg guesses from what there is.
_SAY_DURATION = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "flv")
_COUNT_FRAMES = "mov,mp4,m4a,3gp,3g2,mj2"
#: What lacks less than this is no damage: the sound rarely ends with the picture to the frame.
_SHORT_SECONDS = 0.15
_UNEQUAL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class MediaInfo:
    """The streams of a file, without decoding.

    ``frame_times`` are the seconds at which frames are shown, ascending, on the clock that sound and picture
    share; None where a packet names no time. ``last_frame_seconds`` is how long the last one stays. ``width`` and
    ``height`` are in pixels as coded, before the rotation that a phone notes beside it, and ``bits`` are those of
    each colour of a pixel. ``missing_frames``,
    ``missing_seconds`` and ``missing_bytes`` are named by the header but not in the file. ``video_end`` and
    ``audio_end`` are the seconds at which the streams end. Fields of a stream that is not there are None.
    """

    container: str
    duration_seconds: float | None
    video_codec: str | None = None
    width: int | None = None
    height: int | None = None
    bits: int | None = None
    frame_rate: float | None = None
    frame_times: Float[np.ndarray, " frames"] | None = None
    last_frame_seconds: float | None = None
    audio_codec: str | None = None
    audio_rate: int | None = None
    video_end: float | None = None
    audio_end: float | None = None
    missing_frames: int = 0
    missing_seconds: float = 0.0
    missing_bytes: int = 0
    damaged_packets: int = 0

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
        if self.video_end is not None and self.audio_end is not None:
            longer = self.video_end - self.audio_end
            if longer > _UNEQUAL_SECONDS:
                parts.append(f"the sound ends {longer:.2f} seconds before the picture")
            elif -longer > _UNEQUAL_SECONDS:
                parts.append(f"the picture ends {-longer:.2f} seconds before the sound")
        return "; ".join(parts) or None

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
        video = video_stream(container)
        audio = audio_stream(container)
        packets = read_packets(container, video, audio)
        lacking = missing_bytes(path)
        return MediaInfo(
            container=container.format.name,
            duration_seconds=None if container.duration is None else container.duration / av.time_base,
            video_codec=None if video is None else video.codec_context.name,
            width=None if video is None else video.codec_context.width,
            height=None if video is None else video.codec_context.height,
            bits=_bits(video),
            frame_rate=None if video is None or not video.average_rate else float(video.average_rate),
            frame_times=packets.times,
            last_frame_seconds=packets.last_seconds,
            audio_codec=None if audio is None else audio.codec_context.name,
            audio_rate=None if audio is None else audio.codec_context.sample_rate,
            video_end=packets.video_end,
            audio_end=packets.audio_end,
            missing_frames=_missing_frames(container, video, packets) if lacking else 0,
            missing_seconds=_missing_seconds(container, video, packets, is_cut=lacking > 0),
            missing_bytes=lacking,
            damaged_packets=packets.num_damaged,
        )


def _bits(video: VideoStream | None) -> int | None:
    pixel = None if video is None else video.codec_context.format
    return None if pixel is None else max(component.bits for component in pixel.components)


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
    says = (container.duration + (container.start_time or 0)) / av.time_base
    missing = says - max(ends)
    return missing if missing > _SHORT_SECONDS else 0.0
