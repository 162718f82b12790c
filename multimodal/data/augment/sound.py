"""Changes of sound that say nothing about forgery: what rooms, microphones, lines and platforms do.

A worker draws what happens to a window from (seed, epoch, clip) and does what is the processor's business: the
shift, RawBoost's filters, a telephone's band and codecs. Room, noise and loudness happen to a whole batch on the
device that learns, each window by its own numbers alone.
"""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import av
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchaudio import functional

from multimodal.data.augment.options import SoundAugmentation
from multimodal.data.augment.rawboost import rawboost
from multimodal.data.augment.white_noise import white_noise
from multimodal.data.moving import moved

Sound = Float[Tensor, " samples"]
Sounds = Float[Tensor, "batch samples"]

TELEPHONE_BAND = (300.0, 3400.0)
_TELEPHONE_RATE = 8000
_TELEPHONE_LEVELS = 256


class SoundDraw(NamedTuple):
    """What is left to do to a window on the device, as plain numbers; the defaults change nothing.

    ``room`` is its time of decay in seconds and a seed; ``noise`` its level against the sound, its tilt and a
    seed; ``gain`` a factor.
    """

    room: tuple[float, int] | None = None
    noise: tuple[float, float, int] | None = None
    gain: float = 1.0


SOUND_UNCHANGED = SoundDraw()

# On the processor, in a worker.


def begin_sound(
    sound: Sound, options: SoundAugmentation, generator: np.random.Generator, *, sample_rate: int
) -> tuple[Sound, SoundDraw]:
    """What the processor changes in the sound of a window, and what is left to the device.

    Shape: ``(samples,)`` in [-1, 1]; the result is as long.
    """
    if options.shift_seconds:
        furthest = round(options.shift_seconds * sample_rate)
        sound = sound.roll(int(generator.integers(-furthest, furthest + 1)))
    if options.rawboost and generator.random() < options.rawboost:
        sound = rawboost(sound, generator, sample_rate=sample_rate)
    if generator.random() < options.band_pass:
        sound = telephone_band(sound, sample_rate)
    if generator.random() < options.codec:
        sound = _coded(sound, options, generator, sample_rate)
    room = noise = None
    if generator.random() < options.reverberation:
        room = generator.uniform(0.1, max(options.reverberation_seconds, 0.1)), int(generator.integers(1 << 62))
    if generator.random() < options.noise:
        level = 10 ** (generator.uniform(options.noise_db - 30, options.noise_db) / 20)
        noise = level, generator.uniform(0, 1), int(generator.integers(1 << 62))
    return sound, SoundDraw(room, noise, 10 ** (options.gain_db * generator.uniform(-1, 1) / 20))


def _coded(sound: Sound, options: SoundAugmentation, generator: np.random.Generator, sample_rate: int) -> Sound:
    name = ("telephone", *LOSSY_CODECS)[generator.integers(1 + len(LOSSY_CODECS))]
    if name == "telephone":
        return telephone_codec(sound, sample_rate)
    bit_rate = int(generator.integers(options.codec_bit_rate, 4 * options.codec_bit_rate + 1))
    return lossy_codec(sound, name, bit_rate=bit_rate, sample_rate=sample_rate)


def telephone_band(sound: Sound, sample_rate: int) -> Sound:
    """Keep 300 to 3,400 Hz, by a high-pass and a low-pass of second order."""
    low, high = TELEPHONE_BAND
    return functional.lowpass_biquad(functional.highpass_biquad(sound, sample_rate, low), sample_rate, high)


def telephone_codec(sound: Sound, sample_rate: int) -> Sound:
    """To 8 kHz, 8-bit mu-law and back (ITU-T G.711)."""
    narrow = functional.resample(sound, sample_rate, _TELEPHONE_RATE).clamp(-1, 1)
    decoded = functional.mu_law_decoding(functional.mu_law_encoding(narrow, _TELEPHONE_LEVELS), _TELEPHONE_LEVELS)
    return functional.resample(decoded, _TELEPHONE_RATE, sample_rate)[: len(sound)]


# On the device that learns, a batch at once.


def finish_sounds(sounds: Sounds, draws: Sequence[SoundDraw], *, sample_rate: int) -> Sounds:
    """The sound of a batch, each window changed as it was drawn; the result is in [-1, 1]."""
    if all(draw == SOUND_UNCHANGED for draw in draws):
        return sounds
    sounds = sounds.clone()
    rooms = {row: draw.room for row, draw in enumerate(draws) if draw.room is not None}
    if rooms:
        rows = moved(torch.tensor(list(rooms)), sounds.device)
        seconds, seeds = zip(*rooms.values(), strict=True)
        sounds[rows] = reverberate(sounds[rows], seeds, seconds=seconds, sample_rate=sample_rate)
    noises = {row: draw.noise for row, draw in enumerate(draws) if draw.noise is not None}
    if noises:
        rows = moved(torch.tensor(list(noises)), sounds.device)
        levels, tilts, seeds = zip(*noises.values(), strict=True)
        noise = coloured_noise(sounds.shape[1], seeds, tilts=tilts, device=sounds.device)
        sounds[rows] += _column(levels, sounds.device) * _loudness(sounds[rows]) * noise
    return sounds.mul_(_column([draw.gain for draw in draws], sounds.device)).clamp_(-1, 1)


def reverberate(sounds: Sounds, seeds: Sequence[int], *, seconds: Sequence[float], sample_rate: int) -> Sounds:
    """A room for each: white noise that decays by 60 decibel in ``seconds`` (Moorer, 1979); as loud as before."""
    num_samples, device = sounds.shape[1], sounds.device
    lengths = [min(round(one * sample_rate), num_samples) for one in seconds]
    time = torch.arange(max(lengths), device=device)
    decay = 0.05 * 10 ** (-3 * time / sample_rate / _column(seconds, device))
    responses = torch.where(time < _column(lengths, device), decay * white_noise(seeds, len(time), device), 0)
    responses[:, 0] = 1.0  # the direct sound comes first, so that nothing is delayed
    # a length of the sounds alone: batch mates that ring longer do not move the rounding, and a GPU, which makes
    # ready for each length anew, meets no second one
    size = 1 << (2 * num_samples - 1).bit_length()
    wet = torch.fft.irfft(torch.fft.rfft(sounds, size) * torch.fft.rfft(responses, size), size)[:, :num_samples]
    return wet * (_loudness(sounds) / _loudness(wet).clamp(min=1e-8))


def coloured_noise(
    num_samples: int, seeds: Sequence[int], *, tilts: Sequence[float], device: torch.device
) -> Float[Tensor, "seeds {num_samples}"]:
    """Noises of unit power whose power falls with frequency to the tilt: 0 white, 1 pink."""
    white = torch.fft.rfft(white_noise(seeds, num_samples, device))
    frequency = torch.arange(white.shape[1], device=device).clamp(min=1).float()
    noise = torch.fft.irfft(white * frequency ** (_column(tilts, device) / -2), n=num_samples)
    return noise / noise.std(dim=1, correction=0, keepdim=True).clamp(min=1e-12)


def _loudness(sounds: Sounds) -> Float[Tensor, "batch 1"]:
    return sounds.square().mean(dim=1, keepdim=True).sqrt()


def _column(values: Sequence[float], device: torch.device) -> Float[Tensor, "batch 1"]:
    return moved(torch.tensor(values, dtype=torch.float32)[:, None], device)


# Through a codec of platforms and messengers and back, in memory, by FFmpeg (PyAV).


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
    decoded = _decoded(encoded(sound, codec, bit_rate, sample_rate), sample_rate)[codec.priming :][: len(sound)]
    return torch.nn.functional.pad(torch.from_numpy(decoded), (0, len(sound) - len(decoded))).clamp(-1, 1)


def encoded(sound: Sound, codec: LossyCodec, bit_rate: int, sample_rate: int) -> io.BytesIO:
    """The file that a codec writes."""
    file = io.BytesIO()
    frame = av.AudioFrame.from_ndarray(sound.numpy()[None], format="fltp", layout="mono")
    frame.sample_rate = sample_rate
    with av.open(file, "w", format=codec.container) as container:
        stream: Any = container.add_stream(codec.encoder, rate=codec.sample_rate or sample_rate, layout="mono")
        stream.bit_rate = bit_rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def _decoded(file: io.BytesIO, sample_rate: int) -> Float[np.ndarray, " samples"]:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=sample_rate)
    with av.open(file, "r") as container:
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray()[0] for part in parts])
