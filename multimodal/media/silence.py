"""Silence at both ends of a sound, measured so that it can be trimmed or audited.

Fakes of FakeAVCeleb and AV-Deepfake1M start with a short silence that alone separates them from the genuine clips
(Smeu et al., CVPR 2025, arXiv 2412.00175); the threshold is theirs.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

THRESHOLD = 5e-4


class Silence(NamedTuple):
    """Seconds of silence before the first and after the last sample that is heard."""

    start_seconds: float
    end_seconds: float


def measure_silence(waveform: Float[np.ndarray, " samples"], sample_rate: int) -> Silence:
    """Seconds until the first and after the last ``|x| > 5e-4``; all of it, twice, if nothing is heard.

    >>> measure_silence(np.array([0.0, 0.0, 0.5, -0.5, 0.0]), sample_rate=10)
    Silence(start_seconds=0.2, end_seconds=0.1)
    """
    heard = np.flatnonzero(np.abs(waveform) > THRESHOLD)
    if not len(heard):
        return Silence(len(waveform) / sample_rate, len(waveform) / sample_rate)
    return Silence(int(heard[0]) / sample_rate, (len(waveform) - 1 - int(heard[-1])) / sample_rate)
