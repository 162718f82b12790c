"""Sound through a codec of platforms and messengers and back, in memory, by FFmpeg (PyAV)."""

import io
from typing import NamedTuple

import av
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Sound = Float[Tensor, " samples"]


class LossyCodec(NamedTuple):
    """How FFmpeg calls a codec.

    ``sample_rate`` is the one it works at, None for that of the sound; ``priming`` are samples that the decoder
    gives before the sound.
    """

    container: str
    encoder: str
    sample_rate: int | None = None
    priming: int = 0


LOSSY_CODECS = {
    "aac": LossyCodec("adts", "aac", priming=1024),
    "mp3": LossyCodec("mp3", "libmp3lame"),
    "opus": LossyCodec("ogg", "libopus", sample_rate=48_000),
}


def lossy_codec(sound: Sound, name: str, *, bit_rate: int, sample_rate: int) -> Sound:
    """Encode and decode; the result is as long and not delayed.

    Args:
        sound: ``(samples,)`` in [-1, 1].
        name: aac, mp3 or opus.
        bit_rate: bits a second; the encoder takes the nearest that it knows.
        sample_rate: of the sound, in hertz.
    """
    codec = LOSSY_CODECS[name]
    decoded = _decoded(_encoded(sound, codec, bit_rate, sample_rate), sample_rate)[codec.priming :][: len(sound)]
    return torch.nn.functional.pad(torch.from_numpy(decoded), (0, len(sound) - len(decoded))).clamp(-1, 1)


def _encoded(sound: Sound, codec: LossyCodec, bit_rate: int, sample_rate: int) -> io.BytesIO:
    file = io.BytesIO()
    frame = av.AudioFrame.from_ndarray(sound.numpy()[None], format="fltp", layout="mono")
    frame.sample_rate = sample_rate
    with av.open(file, "w", format=codec.container) as container:
        stream = container.add_stream(codec.encoder, rate=codec.sample_rate or sample_rate, layout="mono")
        stream.bit_rate = bit_rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def _decoded(file: io.BytesIO, sample_rate: int) -> Float[np.ndarray, " samples"]:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=sample_rate)
    with av.open(file) as container:
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray()[0] for part in parts])
