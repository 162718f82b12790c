"""Writes media files whose bytes depend on their content alone: H.264 + AAC, WAV, FLAC, JPEG, PNG."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image
from scipy.io import wavfile

from multimodal.files import atomic_path

_AUDIO_BIT_RATE = 128_000
# x264 else picks an algorithm by processor, and its AVX-512 ones give other bytes from run to run.
_SAME_BYTES_ON_EVERY_CPU = {"x264-params": "cpu-independent=1"}


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    frame_rate: int,
    crf: int,
    sound: np.ndarray | None = None,
    sample_rate: int = 44_100,
) -> None:
    """Write an MP4 with H.264 video and, where there is sound, AAC stereo of two equal channels.

    Shape: frames (height, width, 3) uint8 RGB with even sides; sound (samples,) float mono in [-1, 1].
    ``crf`` is x264's constant rate factor: higher is coarser. Encoding runs in one thread, for equal bytes.
    """
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", options={"fflags": "+bitexact"}) as container,
    ):
        container.flags |= av.container.Flags.bitexact.value
        picture = None
        voice = _add_sound(container, sample_rate) if sound is not None else None
        written = 0
        for index, frame in enumerate(frames):
            picture = picture or _add_picture(container, frame.shape, frame_rate, crf)
            image = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            image.pts = index
            container.mux(picture.encode(image))
            if voice is not None and sound is not None:
                until = round((index + 1) * sample_rate / frame_rate)
                _encode_sound(container, voice, sound[written:until], written)
                written = until
        if picture is None:
            raise ValueError(f"no frame to write to {path}; give at least one")
        container.mux(picture.encode(None))
        if voice is not None and sound is not None:
            _encode_sound(container, voice, sound[written:], written)
            container.mux(voice.encode(None))


def write_audio(path: str | Path, sound: np.ndarray, *, sample_rate: int) -> None:
    """Write mono 16-bit sound as ``.wav`` or ``.flac``. Shape: sound (samples,) float in [-1, 1]."""
    samples = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
    with atomic_path(path) as temporary:
        if temporary.suffix == ".wav":
            wavfile.write(temporary, sample_rate, samples)
        elif temporary.suffix == ".flac":
            _write_flac(temporary, samples, sample_rate)
        else:
            raise ValueError(f"cannot write sound as {temporary.suffix!r}; choose .wav or .flac")


def write_image(path: str | Path, frame: np.ndarray, *, jpeg_quality: int = 92) -> None:
    """Write a picture as ``.jpg`` or ``.png``. Shape: frame (height, width, 3) uint8 RGB."""
    with atomic_path(path) as temporary:
        Image.fromarray(frame).save(temporary, quality=jpeg_quality)


def _add_picture(
    container: av.container.OutputContainer, shape: tuple[int, ...], frame_rate: int, crf: int
) -> av.VideoStream:
    options = {"crf": str(crf), "preset": "veryfast", **_SAME_BYTES_ON_EVERY_CPU}
    stream = container.add_stream("libx264", rate=frame_rate, options=options)
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, frame_rate)
    stream.codec_context.thread_count = 1
    return stream


def _add_sound(container: av.container.OutputContainer, sample_rate: int) -> av.AudioStream:
    stream = container.add_stream("aac", rate=sample_rate, layout="stereo", options={"aac_coder": "fast"})
    stream.bit_rate = _AUDIO_BIT_RATE
    return stream


def _encode_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, samples: np.ndarray, start: int
) -> None:
    if not len(samples):
        return
    both = np.repeat(np.clip(samples, -1, 1).astype(np.float32)[None, :], 2, axis=0)
    frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
    frame.sample_rate = stream.sample_rate
    frame.time_base = Fraction(1, stream.sample_rate)
    frame.pts = start
    container.mux(stream.encode(frame))


def _write_flac(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=sample_rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = sample_rate
        frame.time_base = Fraction(1, sample_rate)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
