"""Writes sound in the containers that corpora come in; bytes depend on the content alone."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.io import wavfile

from multimodal.files import atomic_path
from multimodal.synthetic.clip import write_audio

#: Suffix → container format, codec, sample format.
_COMPRESSED = {".m4a": ("mp4", "aac", "fltp"), ".mp3": ("mp3", "libmp3lame", "fltp")}
_BIT_RATE = 64_000


def write_sound(path: str | Path, sound: np.ndarray, *, sample_rate: int, channels: int = 1) -> None:
    """Write ``.wav``, ``.flac``, ``.m4a`` (AAC) or ``.mp3``; only ``.wav`` takes two (equal) channels.

    Shape: sound (samples,) float mono in [-1, 1].
    """
    suffix = Path(path).suffix
    if channels != 1 and suffix != ".wav":
        raise ValueError(f"{suffix} is written with one channel here; got {channels}. Choose .wav")
    if suffix in _COMPRESSED:
        _write_compressed(Path(path), sound, sample_rate)
    elif channels == 1:
        write_audio(path, sound, sample_rate=sample_rate)
    else:
        samples = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
        with atomic_path(path) as temporary:
            wavfile.write(temporary, sample_rate, np.repeat(samples[:, None], channels, axis=1))


def _write_compressed(path: Path, sound: np.ndarray, sample_rate: int) -> None:
    container_format, codec, sample_format = _COMPRESSED[path.suffix]
    samples = np.clip(sound, -1, 1).astype(np.float32)[None, :]
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format=container_format, options={"fflags": "+bitexact"}) as container,
    ):
        container.flags |= av.container.Flags.bitexact.value
        stream = container.add_stream(codec, rate=sample_rate, layout="mono")
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = sample_rate, Fraction(1, sample_rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
