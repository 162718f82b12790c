"""Forges sound: a voice passed through a coarse mel spectrogram and back, as a cloned voice is.

The way of SV2TTS (Jia et al., 2018), which FakeAVCeleb calls rtvc: a speaker model says it in a mel spectrogram
that knows neither phase nor fine harmonics, and a vocoder guesses both (here: Griffin and Lim, 1984).
"""

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import istft, stft

_WINDOW_SECONDS, _HOP_SECONDS = 0.032, 0.008
_GRIFFIN_LIM_ROUNDS = 4


def vocode(
    sound: np.ndarray, rng: np.random.Generator, *, sample_rate: int, strength: float, num_mels: int = 80
) -> np.ndarray:
    """Pass a voice through ``num_mels`` mel bands and back.

    ``strength`` in [0, 1] is how far magnitudes (in decibel) and phases go from the voice's own to the
    vocoder's; at 0 the sound returns as it was. Shape: (samples,) float mono → the same, float32.
    """
    size = next_fast_len(round(_WINDOW_SECONDS * sample_rate))
    layout = {"fs": sample_rate, "nperseg": size, "noverlap": size - round(_HOP_SECONDS * sample_rate)}
    frequency, _, spectrum = stft(sound, **layout)
    magnitude = np.abs(spectrum)
    coarse = _through_mel(magnitude, mel_filters(frequency, num_mels))
    floor = 1e-5 * magnitude.max()
    mixed = (magnitude + floor) ** (1 - strength) * (coarse + floor) ** strength
    guess = _phase(spectrum) * np.exp(1j * strength * rng.uniform(-np.pi, np.pi, size=spectrum.shape))
    for _ in range(_GRIFFIN_LIM_ROUNDS if strength > 0 else 0):
        guess = _phase(stft(istft(mixed * guess, **layout)[1], **layout)[2][:, : spectrum.shape[1]])
    return istft(mixed * guess, **layout)[1][: len(sound)].astype(np.float32)


def mel_filters(frequency: np.ndarray, num_mels: int) -> np.ndarray:
    """Triangular filters of unit sum, evenly spaced in mel (HTK). Shape: (bins,) Hz → (num_mels, bins)."""
    top = 2595 * np.log10(1 + frequency[-1] / 700)
    corners = 700 * (10 ** (np.linspace(0, top, num_mels + 2) / 2595) - 1)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rise, fall = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
    filters = np.maximum(0, np.minimum(rise, fall))
    # A band narrower than a bin keeps the bin next to its middle.
    nearest = np.abs(frequency - middle).argmin(axis=1)
    filters[np.arange(num_mels), nearest] = np.maximum(filters[np.arange(num_mels), nearest], 1e-3)
    return filters / filters.sum(axis=1, keepdims=True)


def _through_mel(magnitude: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Mel spectrogram and back: each bin gets the value interpolated between the bands around it."""
    # einsum and not BLAS, whose rounding may differ with the number of threads.
    bands = np.einsum("mb,bt->mt", filters, magnitude)
    share = filters.T / np.maximum(filters.T.sum(axis=1, keepdims=True), 1e-12)
    return np.einsum("bm,mt->bt", share, bands)


def _phase(spectrum: np.ndarray) -> np.ndarray:
    """Unit complex numbers of the same angles."""
    return spectrum / np.maximum(np.abs(spectrum), 1e-12)
