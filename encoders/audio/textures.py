"""How sound is textured from one hundredth of a second to the next, moment by moment, and a layer that reads it.

A vocoder finds phases that fit magnitudes, and what it finds does not hold together as a voice does: loudness
trembles otherwise from frame to frame, and phases turn otherwise (both as in :mod:`encoders.audio.traces`, there
of whole clips). Where two sounds are joined, all bands jump within a few milliseconds. What is measured is fixed
and of few numbers: a few hundred clips are enough, where a network on spectrograms learns them by heart.
"""

from collections.abc import Iterator

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from encoders.base import AudioSpec, Encoder
from encoders.checks import check_sound

Bands = Float[Tensor, "batch bins frames"]
#: Real and imaginary parts apart: pairs beside each other take a CPU twice as long.
Complex = tuple[Bands, Bands]
Statistics = Float[Tensor, "batch tokens statistics"]
Moments = Float[Tensor, "batch statistics tokens"]

#: Windows and hops in samples: in which loudness trembles, phases turn, and a join is seen.
_TREMBLING, _TURNING, _JOIN = ((256, 64), (512, 128), (1024, 256)), ((256, 64), (512, 128)), (64, 16)
_NUM_BANDS = 12
#: All hops fit into so many samples.
_EVEN = 256
#: Of the bins of a join every so many is read alone; those below four times as many hold the pulses of a voice.
_VOICED = 4
_QUIET, _LARGEST = 1e-7, 5.0


class TextureEncoder(Encoder):
    """One token for each stretch of ``token_seconds``, from statistics of that stretch alone.

    Args:
        embed_dim: width of the token.
        token_seconds: how long a token lasts, in steps of 16 ms at 16 kHz; what is left of a window is not read.
        dropout: share of the statistics that are hidden in training.
        sample_rate: hertz.

    >>> TextureEncoder(embed_dim=8).eval()(0.1 * torch.randn(2, 16000)).shape
    torch.Size([2, 12, 8])
    """

    name = "textures"
    modality = "audio"

    def __init__(
        self,
        *,
        embed_dim: int = 32,
        token_seconds: float = 0.08,
        dropout: float = 0.3,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        self.embed_dim, self.sample_rate = embed_dim, sample_rate
        self.input_spec = AudioSpec(sample_rate=sample_rate)
        #: Samples of a token: so many that every hop fits it.
        self.token_samples = round(token_seconds * sample_rate / _EVEN) * _EVEN
        if self.token_samples < _EVEN:
            shortest = _EVEN / sample_rate
            raise ValueError(f"a token lasts at least {shortest:g} s; got token_seconds {token_seconds}")
        self.minimum_samples = max(self.token_samples, max(size for size, _ in _TREMBLING))
        with torch.no_grad():
            count = self.statistics(torch.zeros(1, self.minimum_samples)).shape[2]
        self.standardise = nn.BatchNorm1d(count, affine=False)
        self.read = nn.Sequential(nn.Dropout(dropout), nn.Linear(count, embed_dim), nn.GELU())

    def forward(self, x: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch tokens dim"]:
        """Encode sound.

        Shape: ``x`` (B, samples) float in [-1, 1] at ``input_spec.sample_rate``; result (B, T, D).
        """
        check_sound(x, self.minimum_samples)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            found = self.statistics(x.float())
        unit = self.standardise(rearrange(found, "b t s -> b s t")).clamp(-_LARGEST, _LARGEST)
        return self.read(rearrange(unit, "b s t -> b t s"))

    def statistics(self, x: Float[Tensor, "batch samples"]) -> Statistics:
        """All statistics of each stretch, ``(B, T, statistics)``."""
        kinds = [self._joins(x)]
        for size, hop in _TREMBLING:
            spectrum = _spectrum(x, size, hop)
            kinds.extend(self._trembling(spectrum, hop))
            if (size, hop) in _TURNING:
                kinds.extend(self._turning(spectrum, hop))
        return rearrange(torch.cat(kinds, dim=1), "b s t -> b t s")

    def _trembling(self, spectrum: Complex, hop: int) -> Iterator[Moments]:
        """Size of the second difference of log loudness in time, by band: mean and root mean square."""
        logs = _log_power(spectrum)
        second = functional.pad(logs[..., 2:] - 2 * logs[..., 1:-1] + logs[..., :-2], (1, 1))
        yield self._by_band(second.abs(), hop)
        yield self._by_band(second.square(), hop).sqrt()

    def _turning(self, spectrum: Complex, hop: int) -> Iterator[Moments]:
        """How phases turn from moment to moment, and along both axes together: mean directions of bands."""
        length = _power(spectrum).sqrt().clamp(min=1e-8)
        unit = spectrum[0] / length, spectrum[1] / length
        delays = _less((unit[0][:, 1:], unit[1][:, 1:]), (unit[0][:, :-1], unit[1][:, :-1]))
        for turns, padding in ((_turned(_turned(unit)), (1, 1)), (_turned(delays), (1, 0))):
            real, imaginary = (self._by_band(functional.pad(part, padding), hop) for part in turns)
            yield from (real, imaginary, (real.square() + imaginary.square() + _QUIET).sqrt())

    def _joins(self, x: Tensor) -> Moments:
        """The loudest milliseconds by band, and how loudness above the voice peaks, spreads and jumps."""
        logs = self._of_tokens(_log_power(_spectrum(x, *_JOIN)), _JOIN[1])
        high = logs[:, 4 * _VOICED :].mean(dim=1)
        above = (high.amax(dim=2), high.std(dim=2), high.diff(dim=2).abs().amax(dim=2))
        return torch.cat([logs[:, ::_VOICED].amax(dim=3), torch.stack(above, dim=1)], dim=1)

    def _by_band(self, values: Bands, hop: int) -> Moments:
        """Means over the frames of a token and the bins of a band, ``(B, bands, T)``."""
        means = self._of_tokens(values, hop).mean(dim=3)
        rows = torch.arange(values.shape[1], device=values.device) * _NUM_BANDS // values.shape[1]
        shares = functional.one_hot(rows, _NUM_BANDS).to(means.dtype)
        return torch.einsum("bft,fk->bkt", means, shares / shares.sum(dim=0))

    def _of_tokens(self, values: Bands, hop: int) -> Float[Tensor, "batch bins tokens frames"]:
        """Frames by the token that they lie in; what is left at the end is cut."""
        frames = self.token_samples // hop
        count = (values.shape[2] - 1) // frames
        return rearrange(values[..., : count * frames], "b f (t n) -> b f t n", n=frames)


def _spectrum(x: Tensor, size: int, hop: int) -> Complex:
    """Complex spectrum as real numbers, which every runtime can multiply."""
    window = torch.hann_window(size, device=x.device)
    pairs = torch.view_as_real(torch.stft(x, size, hop, window=window, return_complex=True))
    return pairs[..., 0].contiguous(), pairs[..., 1].contiguous()


def _power(spectrum: Complex) -> Bands:
    return spectrum[0].square() + spectrum[1].square()


def _log_power(spectrum: Complex) -> Bands:
    return (_power(spectrum) + _QUIET).log()


def _turned(of: Complex) -> Complex:
    """By how much each moment is turned against the one before."""
    return _less((of[0][:, :, 1:], of[1][:, :, 1:]), (of[0][:, :, :-1], of[1][:, :, :-1]))


def _less(one: Complex, other: Complex) -> Complex:
    """One number times the conjugate of the other: the difference of their angles."""
    (a, b), (c, d) = one, other
    return a * c + b * d, b * c - a * d
