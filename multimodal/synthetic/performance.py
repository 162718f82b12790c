"""What one clip of a person shows: head movement, blinks, light, and a mouth that follows the sound."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

_BLINK_SECONDS = 0.28
_LIP_SMOOTHING_SECONDS = 0.03
_QUIET_DECIBEL, _LOUD_DECIBEL = -32.0, -2.0


class Performance(NamedTuple):
    """Movement of one clip: arrays of shape (frames,), and what holds for all of its frames.

    ``shift_x``, ``shift_y`` and ``zoom`` (1 = none) move the head, in half face heights; ``roll`` is in radians,
    ``yaw`` in [-1, 1], ``blink`` 0 = open to 1 = closed, ``gaze`` and ``brow`` in [-1, 1], ``gain`` multiplies
    the light. ``light`` is the direction that it comes from (x, y), ``tint`` its colour (RGB, about 1),
    ``pan`` the drift of the background in half face heights, ``noise_seed`` the sensor's.
    """

    shift_x: np.ndarray
    shift_y: np.ndarray
    zoom: np.ndarray
    roll: np.ndarray
    yaw: np.ndarray
    blink: np.ndarray
    gaze: np.ndarray
    brow: np.ndarray
    gain: np.ndarray
    pan: np.ndarray
    light: tuple[float, float]
    tint: tuple[float, float, float]
    noise_seed: int


def perform(rng: np.random.Generator, *, num_frames: int, frame_rate: float) -> Performance:
    """Draw the movement of one clip of ``num_frames`` frames at ``frame_rate`` frames a second."""

    def drift(size: float, seconds: float, offset: float = 0.0) -> np.ndarray:
        return rng.normal(0, offset) + size * _wander(rng, num_frames, seconds * frame_rate)

    angle = rng.uniform(0, 2 * np.pi)
    strength = rng.uniform(0.05, 0.22)
    red, green, blue = rng.uniform(0.95, 1.05, size=3)
    return Performance(
        shift_x=drift(0.05, 0.8, offset=0.06),
        shift_y=drift(0.035, 0.7, offset=0.05),
        zoom=1 + drift(0.015, 1.2, offset=0.03),
        roll=drift(0.035, 0.9, offset=0.03),
        yaw=np.clip(drift(0.35, 0.8, offset=0.25), -1, 1),
        blink=_blinks(rng, num_frames, frame_rate),
        gaze=np.clip(drift(0.4, 0.6), -1, 1),
        brow=np.clip(drift(0.5, 0.5), -1, 1),
        gain=rng.uniform(0.86, 1.1) * (1 + drift(0.02, 0.6)),
        pan=drift(0.05, 1.5, offset=0.05),
        light=(float(strength * np.cos(angle)), float(strength * np.sin(angle))),
        tint=(float(red), float(green), float(blue)),
        noise_seed=int(rng.integers(2**31)),
    )


def mouth_from_sound(sound: np.ndarray, *, sample_rate: int, frame_rate: float, num_frames: int) -> np.ndarray:
    """Opening of the mouth, 0 = closed to 1 = wide, that the loudness of a sound asks for.

    Shape: sound (samples,) mono in [-1, 1] → (num_frames,). The loudness is taken relative to the clip's loud
    parts (its 95th percentile), so that a quiet recording moves the lips as a loud one does.
    """
    hop = sample_rate / frame_rate
    power = uniform_filter1d(np.square(sound, dtype=np.float64), size=max(1, round(hop)), mode="constant")
    middles = ((np.arange(num_frames) + 0.5) * hop).astype(int)
    level = np.sqrt(power[np.minimum(middles, len(power) - 1)])
    loud = max(float(np.percentile(level, 95)), 1e-4)
    decibel = 20 * np.log10(np.maximum(level / loud, 1e-6))
    opening = np.clip((decibel - _QUIET_DECIBEL) / (_LOUD_DECIBEL - _QUIET_DECIBEL), 0, 1) ** 2
    return gaussian_filter1d(opening, _LIP_SMOOTHING_SECONDS * frame_rate, mode="nearest")


def _wander(rng: np.random.Generator, num_frames: int, period: float) -> np.ndarray:
    """Smooth random path of about unit size that changes over ``period`` frames."""
    padding = int(3 * period)
    steps = gaussian_filter1d(rng.normal(size=num_frames + 2 * padding), period / 2)
    return steps[padding : padding + num_frames] * np.sqrt(period * np.sqrt(np.pi))


def _blinks(rng: np.random.Generator, num_frames: int, frame_rate: float) -> np.ndarray:
    """Closing of the lids: a blink every few seconds, each a short raised cosine."""
    seconds = np.arange(num_frames) / frame_rate
    closing = np.zeros(num_frames)
    moment = rng.uniform(0, 2.5)
    while moment < seconds[-1] + _BLINK_SECONDS:
        phase = np.clip((seconds - moment) / _BLINK_SECONDS, -0.5, 0.5)
        closing = np.maximum(closing, np.cos(np.pi * phase) ** 2)
        moment += rng.uniform(1.2, 4.0)
    return closing
