"""RawBoost (Tak, Kamble, Patino, Todisco, Evans: ICASSP 2022): three kinds of noise of lines and channels.

It needs no recordings of noise or rooms. Most detectors of synthetic speech that hold on unseen channels use it.
Ranges are those of section 4 of the paper; all functions take and give ``(samples,)``.
"""

import numpy as np
import scipy
import torch
from jaxtyping import Float
from torch import Tensor

Sound = Float[Tensor, " samples"]
Samples = Float[np.ndarray, " samples"]

#: Notches of a filter, their centres (up to half the sample rate), their widths in hertz, and taps of each.
_NUM_NOTCHES, _LOWEST_CENTRE, _WIDTHS, _TAPS = 5, 20.0, (100.0, 1000.0), (10, 100)
#: Highest power of the polynomial of a non-linear channel, and how much weaker its higher powers are, in decibels.
_HIGHEST_POWER, _WEAKER_DB = 5, (5.0, 20.0)
#: Largest share of samples that an impulse hits, and its largest gain.
_IMPULSE_SHARE, _IMPULSE_GAIN = 0.10, 2.0
#: Range of the signal-to-noise ratio of stationary noise, in decibels.
_NOISE_DB = (10.0, 40.0)


def rawboost(sound: Sound, generator: np.random.Generator, *, sample_rate: int) -> Sound:
    """All three kinds, one after the other; as loud at its peak as before."""
    samples = sound.numpy().astype(np.float64)
    if not samples.any():
        return sound
    samples = convolutive_noise(samples, generator, sample_rate=sample_rate)
    samples = impulsive_noise(samples, generator)
    samples = stationary_noise(samples, generator, sample_rate=sample_rate)
    return torch.from_numpy((samples * _peak(sound.numpy()) / _peak(samples)).astype(np.float32))


def convolutive_noise(samples: Samples, generator: np.random.Generator, *, sample_rate: int) -> Samples:
    """Linear and non-linear convolutive noise: powers of the sound, each through notches of its own (section 3.1).

    ``sum_j g_j (b_j * x^j)``; powers above the first are weaker. The mean is taken away, the peak kept.
    """
    mixed = np.zeros_like(samples)
    for power in range(1, _HIGHEST_POWER + 1):
        gain = 1.0 if power == 1 else 10 ** (-generator.uniform(*_WEAKER_DB) / 20)
        notches = notch_filter(generator, sample_rate=sample_rate)
        mixed += gain * scipy.signal.fftconvolve(samples**power, notches, mode="same")
    mixed -= mixed.mean()
    return mixed * _peak(samples) / _peak(mixed)


def impulsive_noise(samples: Samples, generator: np.random.Generator) -> Samples:
    """Impulsive noise that depends on the signal, at a share of samples drawn from 0 to 10 % (section 3.2).

    An impulse is the sample times a product of two uniform numbers: silence stays silent.
    """
    count = int(len(samples) * generator.uniform(0, _IMPULSE_SHARE))
    places = generator.permutation(len(samples))[:count]
    impulses = generator.uniform(-1, 1, size=count) * generator.uniform(-1, 1, size=count)
    noisy = samples.copy()
    noisy[places] += _IMPULSE_GAIN * samples[places] * impulses
    return noisy


def stationary_noise(samples: Samples, generator: np.random.Generator, *, sample_rate: int) -> Samples:
    """Noise apart from the signal: white noise through notches, 10 to 40 dB below the sound (section 3.3)."""
    notches = notch_filter(generator, sample_rate=sample_rate)
    noise = scipy.signal.fftconvolve(generator.standard_normal(len(samples)), notches, mode="same")
    level = 10 ** (-generator.uniform(*_NOISE_DB) / 20)
    return samples + level * np.linalg.norm(samples) / max(float(np.linalg.norm(noise)), 1e-12) * noise


def notch_filter(generator: np.random.Generator, *, sample_rate: int) -> Float[np.ndarray, " taps"]:
    """Taps of a filter with five notches at random places, its loudest frequency at unit gain (section 3.1)."""
    taps = np.ones(1)
    nyquist = sample_rate / 2
    for _ in range(_NUM_NOTCHES):
        centre, width = generator.uniform(_LOWEST_CENTRE, nyquist), generator.uniform(*_WIDTHS)
        low = max(centre - width / 2, 1.0)
        high = min(centre + width / 2, nyquist - 1.0)
        num_taps = (
            int(generator.integers(*_TAPS)) | 1
        )  # a filter that passes half the sample rate has an odd length
        taps = np.convolve(taps, scipy.signal.firwin(num_taps, [min(low, high - 1.0), high], fs=sample_rate))
    response = np.abs(np.fft.rfft(taps, n=2048))
    return taps / max(response.max(), 1e-12)


def _peak(samples: np.ndarray) -> float:
    return max(float(np.abs(samples).max()), 1e-12)
