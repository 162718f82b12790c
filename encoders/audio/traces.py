"""Long-term statistics of sound in which synthesis leaves traces, and a small network that reads them.

A thousand clips are few for a deep network, but averages over all of a clip hold much: upsampling layers and
frames of a fixed length leave narrow peaks in the long-term spectrum (Afchar et al., "A Fourier explanation of
AI-music artifacts", ISMIR 2025), smooth trajectories lack modulation, made-up phases lack a voice's coherence, and
turn otherwise along time and frequency together (Nelson, "Cross-spectral methods for processing speech", JASA
2001); what linear prediction leaves of a voice has pulses and noise of its own (Borrelli et al., "Synthetic speech
detection through short-term and long-term prediction traces", EURASIP J. Inf. Secur. 2021).
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torchaudio.functional import create_dct, linear_fbanks

from encoders.base import AudioSpec, Encoder
from encoders.checks import check_mask, check_sound
from encoders.remembered import Remembered

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
#: Statistics of a kind count together as so many of another: there are a thousand of peaks, of a residual few.
_TYPICAL = 64
#: Window and hop of the phases that turn along both axes, and their bands; the same of how rough loudness is.
_TURNING, _NUM_TURNING = ((256, 64), (512, 128), (1024, 128), (1024, 256), (2048, 512)), 24
_ROUGH, _NUM_ROUGH = (512, 128), 12
#: Coefficients of linear prediction, quantile of loudness of the frames that it looks at, and samples of a frame.
_ORDERS, _QUIETER, _FRAME = (8, 16, 32), 0.4, 512
#: Quantiles over the frames of what is measured of a residual.
_EDGES = (0.1, 0.9)
#: Lags in which the pitch of a residual is looked for, in samples.
_PITCH = slice(32, 400)


#: Statistics of windows that were met, by every encoder of this process: they are the same for all.
_MET = Remembered()


class TraceEncoder(Encoder):
    """One token from long-term statistics of the whole window; padding is left out of them.

    The statistics themselves are fixed: a few milliseconds a window, and a thousand clips are enough to learn to
    read them. Standardised by running mean and variance, cut at five deviations, every kind of them as heavy as
    another, and read by one hidden layer.

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
    evened: Tensor

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
            sizes = [block.shape[1] for block in self.kinds(torch.zeros(1, self.minimum_samples), None)]
        evened = [torch.full((size,), (_TYPICAL / size) ** 0.5) for size in sizes]
        self.register_buffer("evened", torch.cat(evened), persistent=False)
        self.standardise = nn.BatchNorm1d(sum(sizes), affine=False)
        self.read = nn.Sequential(nn.Dropout(dropout), nn.Linear(sum(sizes), embed_dim), nn.GELU())

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
            found = _MET(self.statistics, x.float(), mask, salt=lambda: self.sample_rate.to_bytes(16, "little"))
        return self.read(self.standardise(found).clamp(-_LARGEST, _LARGEST) * self.evened).unsqueeze(1)

    def token_mask(self, mask: Bool[Tensor, "batch samples"]) -> Bool[Tensor, "batch 1"]:
        """The one token is of whatever is no padding."""
        return mask.any(dim=1, keepdim=True)

    def statistics(
        self, x: Float[Tensor, "batch samples"], mask: Bool[Tensor, "batch samples"] | None = None
    ) -> Statistics:
        """All statistics of each clip, ``(B, statistics)``."""
        return torch.cat(list(self.kinds(x, mask)), dim=1)

    def kinds(
        self, x: Float[Tensor, "batch samples"], mask: Bool[Tensor, "batch samples"] | None = None
    ) -> Iterator[Statistics]:
        """The statistics of each clip, kind by kind."""
        lengths = torch.full((len(x),), x.shape[1], device=x.device) if mask is None else mask.sum(dim=1)
        spectrum, inside = _spectrum(x, lengths, _SHORT, _HOP)
        power = spectrum.abs().square()
        spoken = inside * _spoken(power, inside)
        long, whole = _spectrum(x, lengths, _LONG, _LONG // 4)
        yield torch.cat(list(self._cepstral_deviations(power, spoken)), dim=1)
        yield _coherence(spectrum[..., self._bins(_SHORT)], spoken)
        yield _peaks((long[..., self._bins(_LONG)].abs().square() + 1e-9).log(), whole)
        yield _modulations((power @ self.bands + 1e-6).log(), inside)
        yield from self._turning_and_roughness(x, lengths)
        yield from _prediction(x, lengths)

    def _bins(self, size: int, band: tuple[float, float] = _BAND) -> slice:
        low, high = (round(edge / self.sample_rate * size) for edge in band)
        return slice(low, high)

    def _turning_and_roughness(self, x: Tensor, lengths: Tensor) -> Iterator[Statistics]:
        """How phases turn in five resolutions, and how rough loudness is in one of them."""
        for size, hop in _TURNING:
            spectrum, inside = _spectrum(x, lengths, size, hop)
            power = spectrum.abs().square()
            spoken, bins = inside * _spoken(power, inside), self._bins(size)
            yield _turning(spectrum[..., bins], spoken)
            if (size, hop) == _ROUGH:
                yield _roughness((power[..., bins] + 1e-7).log(), spoken[:, 1:-1] * inside[:, 2:])

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
    return (loudness > _quantile(loudness, _PAUSES)).float()


def _quantile(values: Tensor, share: float) -> Tensor:
    """``nanquantile`` along axis 1, which stays, bit for bit; torch's own looks at values, which no compiler can.

    >>> _quantile(torch.tensor([[4.0, 1.0, torch.nan, 2.0]]), 0.25)
    tensor([[1.5000]])
    """
    ordered = values.sort(dim=1).values
    place = share * (values.isnan().logical_not().sum(dim=1, keepdim=True) - 1).clamp(min=0)
    below = place.long()
    return ordered.gather(1, below).lerp(ordered.gather(1, place.ceil().long()), place - below)


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


def _turning(spectrum: Tensor, spoken: Weights) -> Statistics:
    """How phases turn from one bin and moment to the next, as mean directions of bands, single and doubled."""
    delays = spectrum[..., 1:] * spectrum[..., :-1].conj()
    mixed, weights = delays[:, 1:] * delays[:, :-1].conj(), spoken[:, 1:] * spoken[:, :-1]
    turns = mixed / mixed.abs().clamp(min=1e-20)
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1)
    found = []
    for angles in (turns, turns.square()):
        mean = torch.einsum("bf,bfkp->bkp", weights, torch.view_as_real(angles))
        found += [band.mean(dim=1) for band in mean.tensor_split(_NUM_TURNING, dim=1)]
    return torch.cat(found, dim=1)


def _roughness(logs: Frames, weights: Weights) -> Statistics:
    """Deviation, skewness and kurtosis of the second difference of log loudness in time, in bands."""
    second = logs[:, 2:] - 2 * logs[:, 1:-1] + logs[:, :-2]
    found = []
    for band in second.tensor_split(_NUM_ROUGH, dim=2):
        centred = band - _mean(band, weights).mean(dim=1)[:, None, None]
        deviation = _mean(centred.square(), weights).mean(dim=1).add(1e-8).sqrt()
        unit = centred / deviation[:, None, None]
        found += [deviation, *(_mean(unit**power, weights).mean(dim=1) for power in (3, 4))]
    return torch.stack(found, dim=1)


def _prediction(x: Float[Tensor, "batch samples"], lengths: Tensor) -> Iterator[Statistics]:
    """What linear prediction leaves of loud frames: its share, kurtosis, skewness and pitch, over the frames."""
    frames = x.unfold(1, _FRAME, _FRAME // 2) * torch.hann_window(_FRAME, device=x.device)
    loudness = frames.square().sum(dim=2)
    ends = torch.arange(frames.shape[1], device=x.device) * (_FRAME // 2) + _FRAME
    loudness = loudness.masked_fill(ends > lengths[:, None], torch.nan)
    loud = loudness > _quantile(loudness, _QUIETER)
    spectrum = torch.fft.rfft(frames, n=2 * _FRAME)
    correlation = torch.fft.irfft(spectrum.abs().square())
    for order in _ORDERS:
        residual = torch.fft.irfft(spectrum * torch.fft.rfft(_whitening(correlation, order), n=2 * _FRAME))
        values = _of_residual(residual[..., order:_FRAME], loudness)
        values = values.masked_fill(~loud[..., None], torch.nan)
        mean = values.nanmean(dim=1)
        deviation = (values - mean[:, None]).square().nanmean(dim=1).sqrt()
        edges = (_quantile(values, share)[:, 0] for share in _EDGES)
        yield torch.cat([mean, deviation, *edges], dim=1).nan_to_num()


def _whitening(correlation: Tensor, order: int) -> Float[Tensor, "batch frames coefficients"]:
    """Linear prediction of each frame, ``1, -a_1, ..., -a_order``, by the autocorrelation method."""
    lags = (torch.arange(order)[:, None] - torch.arange(order)).abs()
    steady = (1e-4 * correlation[..., :1, None] + 1e-9) * torch.eye(order, device=correlation.device)
    right = correlation[..., 1 : order + 1, None]
    coefficients = torch.linalg.solve(correlation[..., lags] + steady, right)[..., 0]
    return torch.cat([torch.ones_like(coefficients[..., :1]), -coefficients], dim=-1)


def _of_residual(residual: Float[Tensor, "batch frames samples"], loudness: Weights) -> Frames:
    """Four numbers of each frame: log share of the power, log kurtosis, skewness, height of the pitch's peak."""
    power = residual.square().sum(dim=2)
    unit = residual / residual.std(dim=2, keepdim=True).clamp(min=1e-8)
    correlation = torch.fft.irfft(torch.fft.rfft(unit, n=2 * _FRAME).abs().square())
    peak = correlation[..., _PITCH].amax(dim=2) / correlation[..., 0].clamp(min=1e-8)
    share = ((power + 1e-9) / (loudness + 1e-9)).log()
    kurtosis = ((unit**4).mean(dim=2) + 1e-6).log()
    return torch.stack([share, kurtosis, (unit**3).mean(dim=2), peak], dim=2)
