"""Which channels of a sound cancel each other when they are mixed down, and the sound without the quieter ones.

Half seconds are looked at by themselves, each in tiles of 30 milliseconds and 100 hertz in the band of speech: a
voice in antiphase is found in front of music that is not, since each is louder in tiles of its own. Of two
microphones apart, or a room, some tiles cancel as well, but as many or more lie a quarter of a turn apart, and
count against them. Where music drowns the voice in nearly all tiles nobody can tell.
"""

from itertools import combinations
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Bool, Float
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft
from scipy.ndimage import uniform_filter

from multimodal.media.errors import MediaError
from multimodal.media.reading.interleaved import CHANNELS

_HALF_SECOND = 0.5
_LOWEST, _HIGHEST, _WINDOWS_A_SECOND, _TILE = 150.0, 4_000.0, 50, 3
#: Two channels cancel each other in a half second if their sum has less than this share of the power of both (4.5
#: dB less than if they were alike); unrelated ones have all of it, and one voice at two microphones nearly twice.
#: Tiles, of which few numbers are seen, are against each other, or a quarter of a turn apart, if so much of them
#: is; where half a second has more than such a share of the latter, the channels are late and not turned round.
_CANCELLED, _AGAINST, _LATE_SHARE = 0.71, 0.7, 0.2
#: So much of the power must cancel (of a voice half as strong as the music a seventh does); or half seconds that
#: do, if they are so many and such a share of those heard, which are within 15 dB of the mean.
_REAL_SHARE, _LEAST_BLOCKS, _LEAST_SHARE, _HEARD = 0.08, 2, 0.02, 0.03
#: A channel that holds less than this share of a half second cancels nothing in it.
_FAINT = 0.01


class Mix(NamedTuple):
    """The channels of a sound by their names, and how much each counts in the mono that FFmpeg mixes of them."""

    layout: str
    names: tuple[str, ...]
    weights: Float[np.ndarray, " channels"]

    @classmethod
    def of(cls, frame: av.AudioFrame) -> "Mix":
        """That of a frame's layout; ``MediaError`` (stage "decode") where FFmpeg knows no way to mix it."""
        layout = frame.layout
        impulses = np.eye(layout.nb_channels, dtype=np.float32).reshape(1, -1)
        each = av.AudioFrame.from_ndarray(impulses, format="flt", layout=layout.name)
        each.sample_rate = frame.sample_rate
        resampler = av.AudioResampler(format="flt", layout="mono", rate=frame.sample_rate)
        try:
            pieces = [*resampler.resample(each), *resampler.resample(None)]
        except av.FFmpegError as error:
            count = layout.nb_channels
            raise MediaError("decode", f"the sound has {count} channels that nobody knows to mix") from error
        mixed = [piece.to_ndarray()[0] for piece in pieces]
        names = tuple(channel.name for channel in layout.channels)
        return cls(layout.name, names, np.concatenate(mixed)[: layout.nb_channels])


class Chosen(NamedTuple):
    """The channels that are left of a mix when those that they cancel are taken away, and which of them sound."""

    mix: Mix
    kept: tuple[int, ...]
    heard: tuple[int, ...]

    @property
    def note(self) -> str:
        """What was done, in words."""
        if len(self.mix.names) == 2:
            side = ("left", "right")[self.kept[0]]
            return f"the two channels of the sound cancel each other: only the {side} is taken"
        has_names = set(self.mix.names) <= set(CHANNELS)
        *others, last = [self.mix.names[channel] if has_names else str(channel + 1) for channel in self.heard]
        taken = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        if not has_names:
            taken = f"channel{'s' * bool(others)} {taken}"
        return f"channels of the sound cancel each other: only {taken} taken"

    def take(self, frame: av.AudioFrame) -> av.AudioFrame:
        """A frame with what is left alone: of two channels one, of more all, the others silent."""
        if frame.layout.name != self.mix.layout:
            return frame
        samples: np.ndarray = frame.to_ndarray()
        channels = samples if frame.format.is_planar else samples.reshape(-1, len(self.mix.names)).T
        if len(channels) == 2:
            left, format_name, layout = channels[list(self.kept)], frame.format.packed.name, "mono"
        else:
            left, format_name, layout = channels.copy(), frame.format.name, self.mix.layout
            left[[channel for channel in range(len(left)) if channel not in self.kept]] = _zero(frame)
            left = left if frame.format.is_planar else left.T.reshape(1, -1)
        alone = av.AudioFrame.from_ndarray(np.ascontiguousarray(left), format=format_name, layout=layout)
        alone.sample_rate, alone.pts, alone.time_base = frame.sample_rate, frame.pts, frame.time_base
        return alone


class Channels:
    """Listens to a sound of several channels while it is read; parts of it in another layout are left alone."""

    def __init__(self) -> None:
        self._mix: Mix | None = None
        self._rate = 0
        self._waiting: list[Float[np.ndarray, "channels samples"]] = []
        self._num_waiting = 0
        self._powers: list[Float[np.ndarray, " channels"]] = []
        self._blocks: list[Float[np.ndarray, "3 channels channels"]] = []

    def hear(self, frame: av.AudioFrame) -> av.AudioFrame:
        """The frame as it is: the resampler mixes it."""
        if frame.layout.nb_channels < 2:
            return frame
        if self._mix is None:
            self._mix, self._rate = Mix.of(frame), frame.sample_rate
        if frame.layout.name == self._mix.layout and frame.sample_rate == self._rate:
            self._waiting.append(_samples(frame) * self._mix.weights[:, None])
            self._num_waiting += frame.samples
            if self._num_waiting >= _HALF_SECOND * self._rate:
                self._end_block()
        return frame

    def chosen(self) -> Chosen | None:
        """The louder of those that cancel each other, and all others; None where no two do."""
        self._end_block()
        if self._mix is None:
            return None
        powers = np.sum(self._powers, axis=0)
        cancelling = self._cancelling()
        kept: list[int] = []
        for channel in np.argsort(-powers, kind="stable").tolist():
            if not cancelling[channel, kept].any():
                kept.append(channel)
        if len(kept) == len(powers):
            return None
        return Chosen(self._mix, tuple(sorted(kept)), tuple(one for one in sorted(kept) if powers[one] > 0))

    def _cancelling(self) -> Bool[np.ndarray, "channels channels"]:
        """Which two cancel each other, in a real part of what they play or of the time."""
        powers, cancelled, is_whole = np.moveaxis(np.array(self._blocks), 1, 0)
        is_heard = powers > _HEARD * powers.mean(axis=0)
        in_power = cancelled.sum(axis=0) > _REAL_SHARE * powers.sum(axis=0)
        least = np.maximum(_LEAST_BLOCKS, _LEAST_SHARE * is_heard.sum(axis=0))
        in_time = ((is_whole > 0) & is_heard).sum(axis=0) >= least
        return np.asarray(in_power | in_time)

    def _end_block(self) -> None:
        if self._waiting:
            block = np.concatenate(self._waiting, axis=1)
            self._waiting, self._num_waiting = [], 0
            self._powers.append(np.einsum("cs,cs->c", block, block, dtype=np.float64))
            self._blocks.append(_compared(block, self._rate))


def _compared(block: Float[np.ndarray, "channels samples"], rate: int) -> Float[np.ndarray, "3 channels channels"]:
    """Of each two channels the power of both in the band of speech, what of it cancels, and whether all does."""
    tiles = _speech_tiles(block, rate)
    powers = (tiles * tiles.conj()).real
    each = powers.sum(axis=(1, 2))
    found = np.zeros((3, len(block), len(block)))
    for one, other in combinations(np.flatnonzero(each > _FAINT * each.sum()), 2):
        both = powers[one] + powers[other]
        across = 2 * tiles[one] * tiles[other].conj()
        much = _AGAINST * uniform_filter(both, _TILE)
        late = both[np.abs(uniform_filter(across.imag, _TILE)) > much].sum()
        is_lost = (both + across.real).sum() < _CANCELLED * both.sum()
        is_whole = is_lost and late < _LATE_SHARE * both.sum()
        against = both.sum() if is_whole else both[uniform_filter(across.real, _TILE) < -much].sum() - late
        found[:, one, other] = found[:, other, one] = both.sum(), against, is_whole
    return found


def _speech_tiles(block: Float[np.ndarray, "channels samples"], rate: int) -> np.ndarray:
    """Complex amplitudes of short windows, half of each in the next, of shape [channels, windows, frequencies]."""
    length = 1 << (rate // _WINDOWS_A_SECOND).bit_length()
    padded = np.pad(block, ((0, 0), (0, max(0, length - block.shape[1]))))
    slope = np.hanning(length).astype(np.float32)
    windows = sliding_window_view(padded, length, axis=1)[:, :: length // 2] * slope
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    return fft.rfft(windows)[..., (frequencies >= _LOWEST) & (frequencies <= _HIGHEST)]


def _samples(frame: av.AudioFrame) -> Float[np.ndarray, "channels samples"]:
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    return samples.astype(np.float32) - _zero(frame)


def _zero(frame: av.AudioFrame) -> int:
    """What silence is in the frame's format."""
    return 128 if frame.format.name.startswith("u8") else 0
