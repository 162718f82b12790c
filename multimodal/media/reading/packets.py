"""The packets of a file, counted and timed without decoding any."""

from typing import NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float


class Packets(NamedTuple):
    """What the packets of the picture and the sound say.

    ``times`` are the seconds at which frames are shown, ascending, None where a packet names no time;
    ``last_seconds`` is how long the last one stays. ``num_frames`` counts packets of the picture, ``num_damaged``
    packets of either stream. ``video_end`` and ``audio_end`` are the seconds at which the last of each ends.
    """

    times: Float[np.ndarray, " frames"] | None = None
    last_seconds: float | None = None
    num_frames: int = 0
    num_damaged: int = 0
    video_end: float | None = None
    audio_end: float | None = None


def read_packets(container: InputContainer, video: VideoStream | None, audio: AudioStream | None) -> Packets:
    """Go through the file once; one that is cut off, or unreadable from somewhere on, ends there."""
    streams = [stream for stream in (video, audio) if stream is not None]
    ticks: list[tuple[int | None, int]] = []
    audio_end: float | None = None
    num_frames = num_damaged = 0
    try:
        for packet in container.demux(streams) if streams else ():
            if packet.size == 0:  # the mark of the end
                continue
            num_damaged += packet.is_corrupt
            if packet.stream is audio:
                audio_end = _later(audio_end, packet)
                continue
            num_frames += 1
            if not packet.is_discard:
                ticks.append((packet.pts, packet.duration or 0))
    except av.FFmpegError:
        num_damaged += 1
    counted = Packets(num_frames=num_frames, num_damaged=num_damaged, audio_end=audio_end)
    if not ticks or video is None or video.time_base is None or any(tick is None for tick, _ in ticks):
        return counted
    ticks.sort()
    times = np.array([tick for tick, _ in ticks], dtype=np.float64) * float(video.time_base)
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    last_seconds = float(ticks[-1][1] * video.time_base) or usual
    return counted._replace(times=times, last_seconds=last_seconds, video_end=float(times[-1]) + last_seconds)


def _later(end: float | None, packet: av.Packet) -> float | None:
    if packet.pts is None or packet.time_base is None:
        return end
    here = float((packet.pts + (packet.duration or 0)) * packet.time_base)
    return here if end is None else max(end, here)
