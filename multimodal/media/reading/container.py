"""Opening a file with FFmpeg and decoding one stream of it, past packets that are damaged."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from multimodal.media.errors import MediaError

#: What FFmpeg says where memory is short: no room for data, no room for the stack of a thread.
_OUT_OF_MEMORY = (errno.ENOMEM, errno.EAGAIN)


def open_container(path: Path) -> InputContainer:
    """Open with FFmpeg; ``MediaError`` at stage "open" says why it cannot be."""
    if path.is_dir():
        raise MediaError("open", "a folder; give the files in it")
    if not path.is_file():
        raise MediaError("open", "no such file")
    if path.stat().st_size == 0:
        raise MediaError("open", "the file is empty")
    try:
        # An absolute path is never taken for an address, and a playlist in disguise may not open one.
        return av.open(str(path.absolute()), metadata_errors="ignore", options={"protocol_whitelist": "file"})
    except (av.FFmpegError, ValueError, OSError) as error:
        _raise_if_out_of_memory(error)
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError("open", f"no media file that FFmpeg can open ({reason})") from error


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first moving picture that can be decoded; the cover of a song is none."""
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def audio_stream(container: InputContainer) -> AudioStream | None:
    """The first sound that can be decoded."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def decode(container: InputContainer, stream: VideoStream | AudioStream) -> Iterator[Any]:
    """All frames of a stream; what is damaged is passed over, and a file cut off ends there.

    Raises ``MediaError`` (stage "decode") with the last problem if there is no frame at all.
    """
    stream.codec_context.thread_count = 1  # the workers are what runs in parallel
    count = 0
    problem = f"the {stream.type} stream is empty"
    packets = container.demux(stream)
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
        count += len(frames)
        yield from frames
    if count == 0:
        raise MediaError("decode", problem)


def _raise_if_out_of_memory(error: Exception) -> None:
    if getattr(error, "errno", None) in _OUT_OF_MEMORY:
        raise MemoryError from error
