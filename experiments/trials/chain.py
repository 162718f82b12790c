"""One chain of treatment for every recording of a trial, so that no file tells by its making what it is.

Public demo files differ in rate, band, silence, loudness and coding, and most of all between real and fake. After
the chain all of them are mono, have the band of the narrowest, no silent ends, one loudness and one coding.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy import signal

SAMPLE_RATE = 16_000
BAND = (60.0, 6800.0)
MAX_SECONDS = 6.0
MIN_SECONDS = 1.0
_BIT_RATE = 32_000
#: Root mean square of every recording, in decibels below full scale.
_LOUDNESS_DB = -26.0
#: What lies so far below the loudest moment is silence, in windows of this length.
_SILENCE_DB, _FRAME_SECONDS = 40.0, 0.02

Samples = Float[np.ndarray, " samples"]


def treat_sound(source: Path) -> bytes:
    """Decode a file, treat its sound, and give it as Ogg Opus; of a stranger's file in an isolated process.

    Raises:
        MediaError: nothing can be decoded, or there is no sound.
        ValueError: less than a second is left of it.
    """
    import torch

    from multimodal.data.augment.sound import LOSSY_CODECS, encoded
    from multimodal.media.reading.sound import read_sound

    sound = read_sound(source, SAMPLE_RATE, max_seconds=4 * MAX_SECONDS)
    treated = treated_samples(sound.samples.astype(np.float64) / 32768)
    return encoded(torch.from_numpy(treated), LOSSY_CODECS["opus"], _BIT_RATE, SAMPLE_RATE).getvalue()


def treated_samples(samples: Samples) -> Float[np.ndarray, " treated"]:
    """Band, silence, length and loudness, in this order; float32 at 16 kHz.

    Raises:
        ValueError: less than a second is left.
    """
    band = signal.butter(6, BAND, "bandpass", fs=SAMPLE_RATE, output="sos")
    heard = without_silent_ends(signal.sosfiltfilt(band, samples))[: round(MAX_SECONDS * SAMPLE_RATE)]
    if len(heard) < MIN_SECONDS * SAMPLE_RATE:
        raise ValueError(
            f"{len(heard) / SAMPLE_RATE:.2f} s are left without silent ends; at least {MIN_SECONDS:g} s"
        )
    level = 10 ** (_LOUDNESS_DB / 20) / np.sqrt(np.mean(heard**2))
    return np.clip(heard * level, -1, 1).astype(np.float32)


def without_silent_ends(samples: Samples) -> Samples:
    """What lies between the first and the last moment that is not 40 dB below the loudest one."""
    size = round(_FRAME_SECONDS * SAMPLE_RATE)
    count = len(samples) // size
    power = (samples[: count * size].reshape(count, size) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > max(power.max(initial=0.0), 1e-12) * 10 ** (-_SILENCE_DB / 10))
    return samples[loud[0] * size : (loud[-1] + 1) * size] if len(loud) else samples[:0]
