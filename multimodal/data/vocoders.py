"""Genuine sound analysed and synthesised again by vocoders, for copy-synthesis.

All take and give ``(samples,)``, the result as long as what came in; none makes up words or voices, so that the
trace of synthesis is all that differs.
"""

import importlib
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchaudio import functional

Sound = Float[Tensor, " samples"]

#: Samples of a window, and mel bands that none of is empty at 16 kHz.
_RESOLUTIONS = ((512, 40), (512, 64), (1024, 64), (1024, 80), (1024, 128))
_ROUNDS = (8, 16, 32)
#: Radians by which phases are disturbed at the least and the most; samples of a window.
_DISTURBANCE, _WINDOWS = (0.4, 1.8), (256, 512, 1024)
#: Prediction coefficients, and every how manieth sample of the residual is kept.
_ORDERS, _KEPT = (12, 16, 20, 24), (2, 3, 4)


def griffin_lim(sound: Sound, sample_rate: int, generator: np.random.Generator) -> Sound:
    """A mel spectrogram of one of five resolutions, and phases in 8 to 32 rounds."""
    window, num_mels = _RESOLUTIONS[generator.integers(len(_RESOLUTIONS))]
    rounds = int(generator.choice(_ROUNDS))
    return through_mel(sound, sample_rate, window=window, num_mels=num_mels, rounds=rounds)


def phases(sound: Sound, sample_rate: int, generator: np.random.Generator) -> Sound:
    """Magnitudes as they are, phases disturbed: what a vocoder loses that models magnitudes alone."""
    spread, window = generator.uniform(*_DISTURBANCE), int(generator.choice(_WINDOWS))
    return through_phases(sound, spread=spread, window=window, generator=generator)


def linear_prediction(sound: Sound, sample_rate: int, generator: np.random.Generator) -> Sound:
    """Regular-pulse excited linear prediction with 12 to 24 coefficients, every second to fourth pulse kept."""
    return through_prediction(sound, order=int(generator.choice(_ORDERS)), kept=int(generator.choice(_KEPT)))


def world(sound: Sound, sample_rate: int, generator: np.random.Generator) -> Sound:
    """WORLD, which draws nothing."""
    return through_world(sound, sample_rate)


#: By name; each draws its settings.
VOCODERS = {"griffin_lim": griffin_lim, "phases": phases, "linear_prediction": linear_prediction, "world": world}


def through_mel(sound: Sound, sample_rate: int, *, window: int, num_mels: int, rounds: int) -> Sound:
    """To a mel spectrogram of ``num_mels`` bands, back by its pseudo-inverse, and phases by Griffin and Lim."""
    layout = _layout(window)
    padded = torch.nn.functional.pad(sound, (0, max(window - len(sound), 0)))
    magnitude = functional.spectrogram(padded, pad=0, power=1.0, normalized=False, **layout)
    filters, inverse = _mel_filters(window // 2 + 1, num_mels, sample_rate)
    coarse = (inverse @ (filters @ magnitude)).clamp(min=0)
    copy = functional.griffinlim(
        coarse, power=1.0, n_iter=rounds, momentum=0.99, length=len(padded), rand_init=False, **layout
    )
    return copy[: len(sound)]


def through_phases(sound: Sound, *, spread: float, window: int, generator: np.random.Generator) -> Sound:
    """Turn every phase of a spectrogram by a normal number of ``spread`` radians."""
    layout = _layout(window)
    padded = torch.nn.functional.pad(sound, (0, max(window - len(sound), 0)))
    spectrum = torch.stft(padded, return_complex=True, **layout)
    turns = torch.from_numpy(generator.normal(0, spread, size=tuple(spectrum.shape)).astype(np.float32))
    turned = spectrum * torch.polar(torch.ones_like(turns), turns)
    return torch.istft(turned, length=len(padded), **layout)[: len(sound)]


def through_prediction(sound: Sound, *, order: int, kept: int) -> Sound:
    """Linear prediction of frames of 32 ms, whose residual keeps every ``kept``-th pulse alone.

    Kroon, Deprettere and Sluyter (1986), "Regular-pulse excitation", the coder of the first digital telephones;
    without its quantisation.
    """
    size = 512
    layout = _layout(size)
    padded = torch.nn.functional.pad(sound, (0, max(size - len(sound), 0)))
    spectrum = torch.stft(padded, return_complex=True, **layout)
    whitening = torch.fft.rfft(_predictors(spectrum, order), n=size, dim=1).T
    residual = torch.fft.irfft(spectrum * whitening, n=size, dim=0)
    pulses = torch.zeros_like(residual)
    pulses[::kept] = residual[::kept] * kept**0.5
    return torch.istft(torch.fft.rfft(pulses, dim=0) / whitening, length=len(padded), **layout)[: len(sound)]


def _predictors(spectrum: Tensor, order: int) -> Float[Tensor, "frames coefficients"]:
    """Coefficients ``1, -a_1, ..., -a_order`` of each frame, by the autocorrelation method."""
    correlation = torch.fft.irfft(spectrum.abs().square(), dim=0)[: order + 1].T
    correlation = correlation + torch.nn.functional.pad(1e-3 * correlation[:, :1] + 1e-9, (0, order))
    lags = (torch.arange(order)[:, None] - torch.arange(order)).abs()
    coefficients = torch.linalg.solve(correlation[:, lags], correlation[:, 1:])
    return torch.cat([torch.ones(len(coefficients), 1), -coefficients], dim=1)


def through_world(sound: Sound, sample_rate: int) -> Sound:
    """WORLD's analysis (Harvest, CheapTrick, D4C) and synthesis."""
    pyworld, samples = require_world(), sound.double().numpy()
    pitch, times = pyworld.harvest(samples, sample_rate)
    envelope = pyworld.cheaptrick(samples, pitch, times, sample_rate)
    aperiodicity = pyworld.d4c(samples, pitch, times, sample_rate)
    copy = torch.from_numpy(pyworld.synthesize(pitch, envelope, aperiodicity, sample_rate)).float()
    return torch.nn.functional.pad(copy, (0, max(len(sound) - len(copy), 0)))[: len(sound)]


def require_world() -> Any:
    """The package pyworld; ``ValueError`` says what to do without it."""
    try:
        return importlib.import_module("pyworld")
    except ImportError as error:
        raise ValueError(
            f"the vocoder world needs pyworld ({error}); pip install '.[world]', or take griffin_lim"
        ) from error


def _layout(window: int) -> dict[str, Any]:
    hann = torch.hann_window(window)
    return {"window": hann, "n_fft": window, "hop_length": window // 4, "win_length": window}


@lru_cache(maxsize=16)
def _mel_filters(num_bins: int, num_mels: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    filters = functional.melscale_fbanks(num_bins, 0.0, sample_rate / 2, num_mels, sample_rate, norm="slaney").T
    return filters, torch.linalg.pinv(filters)
