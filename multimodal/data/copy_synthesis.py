"""Copy-synthesis: genuine speech analysed and synthesised again, so that a detector learns a vocoder's traces.

Wang & Yamagishi, Spoofed training data for speech spoofing countermeasure can be efficiently created using neural
vocoders, ICASSP 2023, with vocoders that need no weights: Griffin and Lim's from a mel spectrogram (1984), or
WORLD (Morise et al., 2016) where pyworld is installed.
"""

import importlib
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchaudio import functional

from multimodal.labels import Modality

Sound = Float[Tensor, " samples"]
Vocoder = Literal["griffin_lim", "world"]

#: Samples of a window, and mel bands that none of is empty at 16 kHz.
_RESOLUTIONS = ((512, 40), (512, 64), (1024, 64), (1024, 80), (1024, 128))
_ROUNDS = (8, 16, 32)


class CopySynthesis:
    """Passes genuine sound through a vocoder; it stays as long and as loud as it was.

    Args:
        sample_rate: hertz.
        vocoder: ``griffin_lim``, with resolutions drawn anew for each window, or ``world``.

    Raises:
        ValueError: an unknown vocoder, or ``world`` without pyworld.
    """

    modality: Modality = "audio"

    def __init__(self, *, sample_rate: int, vocoder: Vocoder = "griffin_lim") -> None:
        if vocoder not in get_args(Vocoder):
            raise ValueError(f"unknown vocoder {vocoder!r}; choose from {', '.join(get_args(Vocoder))}")
        if vocoder == "world":
            _pyworld()
        self.sample_rate, self.vocoder = sample_rate, vocoder
        self.name = f"copy_synthesis_{vocoder}"

    def __call__(self, x: Sound, generator: np.random.Generator) -> Sound:
        """Shape: ``(samples,)`` in [-1, 1]; the result is as long. Silence comes back as it is."""
        if not x.any():
            return x
        if self.vocoder == "world":
            copy = through_world(x, self.sample_rate)
        else:
            window, num_mels = _RESOLUTIONS[generator.integers(len(_RESOLUTIONS))]
            rounds = int(generator.choice(_ROUNDS))
            copy = through_mel(x, self.sample_rate, window=window, num_mels=num_mels, rounds=rounds)
        loudness = x.square().mean().sqrt() / copy.square().mean().sqrt().clamp(min=1e-8)
        return (loudness * copy).clamp(-1, 1)


def through_mel(sound: Sound, sample_rate: int, *, window: int, num_mels: int, rounds: int) -> Sound:
    """To a mel spectrogram of ``num_mels`` bands, back by its pseudo-inverse, and phases by Griffin and Lim."""
    hann, hop = torch.hann_window(window), window // 4
    layout: dict[str, Any] = {"window": hann, "n_fft": window, "hop_length": hop, "win_length": window}
    padded = torch.nn.functional.pad(sound, (0, max(window - len(sound), 0)))
    magnitude = functional.spectrogram(padded, pad=0, power=1.0, normalized=False, **layout)
    filters, inverse = _mel_filters(window // 2 + 1, num_mels, sample_rate)
    coarse = (inverse @ (filters @ magnitude)).clamp(min=0)
    copy = functional.griffinlim(
        coarse, power=1.0, n_iter=rounds, momentum=0.99, length=len(padded), rand_init=False, **layout
    )
    return copy[: len(sound)]


def through_world(sound: Sound, sample_rate: int) -> Sound:
    """WORLD's analysis (Harvest, CheapTrick, D4C) and synthesis."""
    world, samples = _pyworld(), sound.double().numpy()
    pitch, times = world.harvest(samples, sample_rate)
    envelope = world.cheaptrick(samples, pitch, times, sample_rate)
    aperiodicity = world.d4c(samples, pitch, times, sample_rate)
    copy = torch.from_numpy(world.synthesize(pitch, envelope, aperiodicity, sample_rate)).float()
    return torch.nn.functional.pad(copy, (0, max(len(sound) - len(copy), 0)))[: len(sound)]


@lru_cache(maxsize=16)
def _mel_filters(num_bins: int, num_mels: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    filters = functional.melscale_fbanks(num_bins, 0.0, sample_rate / 2, num_mels, sample_rate, norm="slaney").T
    return filters, torch.linalg.pinv(filters)


def _pyworld() -> Any:
    try:
        return importlib.import_module("pyworld")
    except ImportError as error:
        raise ValueError(
            f"the vocoder world needs pyworld ({error}); pip install '.[world]', or take griffin_lim"
        ) from error
