"""Speaks: a glottal pulse train and hiss, shaped by the formants of a person's vocal tract.

Source-filter synthesis after Fant (1960) with Rosenberg's pulse (1971): nonsense syllables in phrases with
pauses between them. The words mean nothing; pitch, formants and rate are the person's own.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.fft import next_fast_len
from scipy.ndimage import gaussian_filter1d
from scipy.signal import istft, stft

from multimodal.synthetic.identity import Voice

#: Control tracks have this many values a second.
_CONTROL_RATE = 200
#: First four formants of vowels, in Hz, of an average adult man (after Peterson and Barney, 1952).
_VOWELS = np.array(
    [
        (730, 1090, 2440, 3500),
        (530, 1840, 2480, 3500),
        (270, 2290, 3010, 3600),
        (570, 840, 2410, 3400),
        (300, 870, 2240, 3300),
        (490, 1350, 1690, 3300),
        (660, 1720, 2410, 3500),
    ]
)
_BANDWIDTHS = np.array([70.0, 95.0, 140.0, 220.0])
_PEAK = 0.5
_SHORTEST_SECONDS = 0.2


class _Tracks(NamedTuple):
    """Controls at _CONTROL_RATE: loudness of voice and hiss, pitch in Hz, middle of the hiss in Hz, formants."""

    voiced: np.ndarray
    hiss: np.ndarray
    pitch_hz: np.ndarray
    hiss_hz: np.ndarray
    formants_hz: np.ndarray


def speak(voice: Voice, rng: np.random.Generator, *, seconds: float, sample_rate: int) -> np.ndarray:
    """Say something that nobody understands, in a person's voice.

    Shape: → (samples,) float32 mono, its peak at 0.5, ``round(seconds * sample_rate)`` samples.
    """
    if seconds < _SHORTEST_SECONDS:
        raise ValueError(f"a voice needs at least {_SHORTEST_SECONDS} s to say something; got {seconds} s")
    tracks = _compose(voice, rng, int(np.ceil(seconds * _CONTROL_RATE)) + 1)
    num_samples = round(seconds * sample_rate)
    moments = np.arange(num_samples) * (_CONTROL_RATE / sample_rate)
    steps = np.arange(len(tracks.voiced))
    pitch = np.interp(moments, steps, tracks.pitch_hz)
    pulses = _glottal_pulses(pitch, sample_rate) * np.interp(moments, steps, tracks.voiced)
    noise = rng.standard_normal(num_samples)
    breath = voice.breath * noise * np.interp(moments, steps, tracks.voiced)
    fricatives = 0.12 * noise * np.interp(moments, steps, tracks.hiss)
    sound = _shape(pulses + breath, fricatives, voice, tracks, sample_rate)
    return (_PEAK * sound / np.abs(sound).max()).astype(np.float32)


def clone_voice(voice: Voice, rng: np.random.Generator, *, strength: float) -> Voice:
    """What a voice cloner makes of a voice: pitch and formants a little off, livelier details lost.

    ``strength`` in [0, 1]: at 0 the clone is the voice itself.
    """
    shifts = 1 + rng.normal(0, 0.03 * strength, size=4)
    first, second, third, fourth = (a * float(b) for a, b in zip(voice.formant_shifts, shifts, strict=True))
    return replace(
        voice,
        pitch_hz=voice.pitch_hz * float(1 + rng.normal(0, 0.04 * strength)),
        pitch_range=voice.pitch_range * (1 - 0.6 * strength),
        jitter=voice.jitter * (1 - 0.8 * strength),
        formant_shifts=(first, second, third, fourth),
    )


def add_room(
    sound: np.ndarray,
    rng: np.random.Generator,
    *,
    sample_rate: int,
    noise_decibel: tuple[float, float] = (-52, -42),
) -> np.ndarray:
    """What a microphone in a room makes of a sound: another loudness, a slope of its spectrum, and noise.

    The sound's own loudness is lost, so that it tells nothing of how the sound was made. ``noise_decibel`` is
    the range of the noise below the sound's peak. Shape: (samples,) → the same.
    """
    slope = rng.uniform(-0.25, 0.25)
    sound = _PEAK * sound / np.abs(sound).max()
    coloured = sound[1:] + slope * sound[:-1]
    level = _PEAK * 10 ** (rng.uniform(*noise_decibel) / 20)
    room = gaussian_filter1d(rng.standard_normal(len(sound)), sample_rate / 16_000)
    heard = np.concatenate([sound[:1], coloured]) + level * room / room.std()
    return (heard * rng.uniform(0.5, 1.2)).astype(np.float32)


def _compose(voice: Voice, rng: np.random.Generator, num_steps: int) -> _Tracks:
    """Lay syllables one after another until the time is full, then round the corners as a mouth does."""
    voiced, hiss = np.zeros(num_steps), np.zeros(num_steps)
    hiss_hz, formants = np.full(num_steps, 4000.0), np.tile(_VOWELS[0].astype(float), (num_steps, 1))
    accent = np.zeros(num_steps)
    scale = voice.tract_scale * np.array(voice.formant_shifts)
    step, left_in_phrase = int(rng.integers(5, min(40, num_steps // 4))), int(rng.integers(2, 7))
    while step < num_steps:
        length = max(16, int(_CONTROL_RATE / voice.syllables_per_second * rng.uniform(0.75, 1.3)))
        onset = step + int(length * rng.uniform(0.18, 0.38))
        end = step + length - int(rng.integers(2, 7))
        if rng.random() < 0.55:
            hiss[step + 3 : onset] = rng.uniform(0.3, 1.0)
            hiss_hz[step:onset] = rng.uniform(2500, 6500)
        voiced[onset:end] = rng.uniform(0.55, 1.0)
        formants[step : step + length] = _VOWELS[rng.integers(len(_VOWELS))] * scale
        accent[step : step + length] = rng.normal()
        step, left_in_phrase = step + length, left_in_phrase - 1
        if left_in_phrase == 0:
            step, left_in_phrase = step + int(rng.uniform(0.15, 0.45) * _CONTROL_RATE), int(rng.integers(2, 7))
    melody = voice.pitch_range * gaussian_filter1d(accent, 0.06 * _CONTROL_RATE, mode="nearest")
    jitter = voice.jitter * gaussian_filter1d(rng.standard_normal(num_steps), 0.7) * 1.5
    return _Tracks(
        voiced=gaussian_filter1d(voiced, 2.5),
        hiss=gaussian_filter1d(hiss, 1.5),
        pitch_hz=voice.pitch_hz * np.exp(melody + jitter),
        hiss_hz=hiss_hz,
        formants_hz=gaussian_filter1d(formants, 5.0, axis=0, mode="nearest"),
    )


def _glottal_pulses(pitch_hz: np.ndarray, sample_rate: int) -> np.ndarray:
    """Flow through the glottis, differentiated as the lips radiate it: Rosenberg's trigonometric pulse."""
    phase = np.cumsum(pitch_hz / sample_rate) % 1
    opening = 0.5 * (1 - np.cos(np.pi * phase / 0.4))
    closing = np.cos(np.pi * (phase - 0.4) / 0.32)
    flow = np.where(phase < 0.4, opening, np.where(phase < 0.56, closing, 0.0))
    return np.diff(flow, prepend=flow[0]) * sample_rate / pitch_hz / 10


def _shape(source: np.ndarray, hiss: np.ndarray, voice: Voice, tracks: _Tracks, sample_rate: int) -> np.ndarray:
    """Pass the voice through its formants and the hiss through its band, which both change with time."""
    hop = sample_rate // _CONTROL_RATE
    layout = {"fs": sample_rate, "nperseg": 4 * hop, "noverlap": 3 * hop, "nfft": next_fast_len(4 * hop)}
    frequency, moments, voiced = stft(source, **layout)
    noisy = stft(hiss, **layout)[2]
    steps = np.minimum(np.round(moments * _CONTROL_RATE).astype(int), len(tracks.voiced) - 1)
    frequency = np.maximum(frequency, 1.0)[:, None]
    tract = _resonance(frequency, tracks.formants_hz[steps])
    tilt = (np.maximum(frequency, 300) / 300) ** (voice.tilt_db_per_octave / 6.02)
    band = 1 / (1 + ((frequency - tracks.hiss_hz[steps]) / 1800) ** 2) ** 2
    return istft(voiced * tract * tilt + noisy * band * 12, **layout)[1][: len(source)]


def _resonance(frequency: np.ndarray, formants_hz: np.ndarray) -> np.ndarray:
    """Magnitude of a cascade of second-order resonances. Shape: (bins, 1), (steps, 4) → (bins, steps)."""
    response = np.ones((len(frequency), len(formants_hz)))
    for formant, bandwidth in zip(formants_hz.T, _BANDWIDTHS, strict=True):
        ratio = (frequency / formant) ** 2
        response /= np.sqrt((1 - ratio) ** 2 + ratio * (bandwidth / formant) ** 2)
    # Every cascade of low-pass resonances falls by 12 dB an octave and formant; real tracts have more above.
    return response * (1 + (frequency / 3500) ** 2) ** 3.5


# Forges sound: a voice passed through a coarse mel spectrogram and back, as a cloned voice is.


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
