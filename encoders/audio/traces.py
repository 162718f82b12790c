"""Long-term statistics of sound in which synthesis leaves traces, and a small network that reads them.

A thousand clips are few for a deep network, but averages over all of a clip hold much: upsampling layers and
frames of a fixed length leave narrow peaks in the long-term spectrum (Afchar et al., "A Fourier explanation of
AI-music artifacts", ISMIR 2025), smooth trajectories lack modulation, made-up phases lack a voice's coherence.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torchaudio.functional import create_dct, linear_fbanks

from encoders.base import AudioSpec, Encoder
from encoders.checks import check_mask, check_sound

Statistics = Float[Tensor, "batch statistics"]
Frames = Float[Tensor, "batch frames bins"]
Weights = Float[Tensor, "batch frames"]

#: What is looked at, in hertz: telephones and codecs cut the rest.
_BAND = (60.0, 6800.0)
_SHORT, _HOP = 512, 160
#: Samples of the window in which peaks are looked for, and bins of the neighbourhood whose median is taken away.
_LONG, _NEAR = 2048, 31
_NUM_FILTERS, _NUM_BANDS, _NUM_MODULATIONS = 60, 15, 512
#: Frames below this quantile of loudness are pauses.
_PAUSES = 0.3
#: Edges of the bands of modulation, in bins of 0.195 Hz.
_MODULATIONS = (1, 4, 8, 16, 32, 64, 100, 150, 200)
_LARGEST = 5.0


class TraceEncoder(Encoder):
    """One token from long-term statistics of the whole window; padding is left out of them.

    The statistics themselves are fixed: a few milliseconds a window, and a thousand clips are enough to learn to
    read them. Standardised by running mean and variance, cut at five deviations, and read by one hidden layer.

    Args:
        embed_dim: width of the token.
        dropout: share of the statistics that are hidden in training.
        sample_rate: hertz.

    >>> TraceEncoder(embed_dim=8).eval()(0.1 * torch.randn(2, 16000)).shape
    torch.Size([2, 1, 8])
    """

    name = "traces"
    modality = "audio"
    takes_mask = True
    filters: Tensor
    bands: Tensor
    cosines: Tensor

    def __init__(self, *, embed_dim: int = 16, dropout: float = 0.5, sample_rate: int = 16_000) -> None:
        super().__init__()
        self.embed_dim, self.sample_rate = embed_dim, sample_rate
        self.input_spec = AudioSpec(sample_rate=sample_rate)
        self.minimum_samples = 2 * _LONG
        filters = {
            "filters": linear_fbanks(_SHORT // 2 + 1, *_BAND, _NUM_FILTERS, sample_rate),
            "bands": linear_fbanks(_SHORT // 2 + 1, *_BAND, _NUM_BANDS, sample_rate),
            "cosines": create_dct(_NUM_FILTERS, _NUM_FILTERS, "ortho"),
        }
        for name, values in filters.items():
            self.register_buffer(name, values, persistent=False)
        with torch.no_grad():
            count = self.statistics(torch.zeros(1, self.minimum_samples)).shape[1]
        self.standardise = nn.BatchNorm1d(count, affine=False)
        self.read = nn.Sequential(nn.Dropout(dropout), nn.Linear(count, embed_dim), nn.GELU())

    def forward(
        self, x: Float[Tensor, "batch samples"], mask: Bool[Tensor, "batch samples"] | None = None
    ) -> Float[Tensor, "batch 1 dim"]:
        """Encode sound; ``mask`` is True where it is no padding.

        Shape: ``x`` (B, samples) float in [-1, 1] at ``input_spec.sample_rate``; result (B, 1, D).
        """
        check_sound(x, self.minimum_samples)
        if mask is not None:
            check_mask(mask, x, self.minimum_samples)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            found = self.statistics(x.float(), mask)
        return self.read(self.standardise(found).clamp(-_LARGEST, _LARGEST)).unsqueeze(1)

    def token_mask(self, mask: Bool[Tensor, "batch samples"]) -> Bool[Tensor, "batch 1"]:
        """The one token is of whatever is no padding."""
        return mask.any(dim=1, keepdim=True)

    def statistics(
        self, x: Float[Tensor, "batch samples"], mask: Bool[Tensor, "batch samples"] | None = None
    ) -> Statistics:
        """All statistics of each clip, ``(B, statistics)``."""
        lengths = torch.full((len(x),), x.shape[1], device=x.device) if mask is None else mask.sum(dim=1)
        spectrum, inside = _spectrum(x, lengths, _SHORT, _HOP)
        power = spectrum.abs().square()
        spoken = inside * _spoken(power, inside)
        long, whole = _spectrum(x, lengths, _LONG, _LONG // 4)
        found = [
            *self._cepstral_deviations(power, spoken),
            _coherence(spectrum[..., self._bins(_SHORT)], spoken),
            _peaks((long[..., self._bins(_LONG)].abs().square() + 1e-9).log(), whole),
            _modulations((power @ self.bands + 1e-6).log(), inside),
        ]
        return torch.cat(found, dim=1)

    def _bins(self, size: int, band: tuple[float, float] = _BAND) -> slice:
        low, high = (round(edge / self.sample_rate * size) for edge in band)
        return slice(low, high)

    def _cepstral_deviations(self, power: Frames, spoken: Weights) -> Iterator[Statistics]:
        """Deviations of cepstra on a linear scale, and of their first and second differences in time."""
        cepstra = (power @ self.filters + 1e-6).log() @ self.cosines
        for _ in range(3):
            yield _deviation(cepstra, spoken)
            cepstra, spoken = cepstra[:, 2:] - cepstra[:, :-2], spoken[:, 2:] * spoken[:, :-2]


def _spectrum(x: Tensor, lengths: Tensor, size: int, hop: int) -> tuple[Tensor, Weights]:
    """Complex spectrum ``(B, frames, bins)``, and 1 for the frames that hold no padding."""
    window = torch.hann_window(size, device=x.device)
    spectrum = torch.stft(x, size, hop, window=window, center=False, return_complex=True).transpose(1, 2)
    ends = torch.arange(spectrum.shape[1], device=x.device) * hop + size
    return spectrum, (ends <= lengths[:, None]).float()


def _spoken(power: Frames, inside: Weights) -> Weights:
    """1 for the frames that are louder than the pauses, as far as they hold no padding."""
    loudness = power.sum(dim=2).masked_fill(inside == 0, torch.nan)
    return (loudness > loudness.nanquantile(_PAUSES, dim=1, keepdim=True)).float()


def _mean(values: Frames, weights: Weights) -> Statistics:
    return (values * weights[..., None]).sum(dim=1) / weights.sum(dim=1, keepdim=True).clamp(min=1)


def _deviation(values: Frames, weights: Weights) -> Statistics:
    centred = values - _mean(values, weights)[:, None]
    return (_mean(centred.square(), weights) + 1e-8).sqrt()


def _coherence(spectrum: Tensor, spoken: Weights) -> Statistics:
    """How steadily the phase of each bin turns: the mean direction of its second difference in time."""
    turns = spectrum / spectrum.abs().clamp(min=1e-8)
    second = turns[:, 2:] * turns[:, 1:-1].conj().square() * turns[:, :-2]
    weights = spoken[:, 2:] * spoken[:, 1:-1] * spoken[:, :-2]
    return torch.complex(_mean(second.real, weights), _mean(second.imag, weights)).abs()


def _peaks(spectrum: Frames, whole: Weights) -> Statistics:
    """The long-term spectrum less the median of its neighbourhood."""
    mean = _mean(spectrum, whole)
    near = nn.functional.pad(mean[:, None], (_NEAR // 2,) * 2, mode="reflect")[:, 0]
    return mean - near.unfold(1, _NEAR, 1).median(dim=2).values


def _modulations(bands: Frames, inside: Weights) -> Statistics:
    """How fast each band's loudness changes: shares of bands of modulation, as logarithms."""
    centred = (bands - _mean(bands, inside)[:, None]) * inside[..., None]
    spectrum = torch.fft.rfft(centred, n=_NUM_MODULATIONS, dim=1).abs()
    edges = pairwise(_MODULATIONS)
    shares = torch.stack([spectrum[:, low:high].mean(dim=1) for low, high in edges], dim=1)
    logs = (shares + 1e-4).log().flatten(1)
    return logs - logs.mean(dim=1, keepdim=True)
