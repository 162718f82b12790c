"""Whether lips and sound are in step: by how much the sound leads, with an interval, learnt from genuine clips.

1. The mouth is the lower middle of each crop, in :data:`PATCH` pixels of brightness; the sound is its energy in
   :data:`BANDS` at :data:`STEPS` points a frame. Both lose what changes more slowly than a second.
2. Genuine training clips teach a few directions in which the two vary together (canonical correlation, Hotelling
   1936, with a ridge as Vinod 1976).
3. A clip's sound is moved against its picture by up to :data:`REACH` seconds either way. The likeness of an
   offset is the mean correlation along those directions; the offset is where it is highest.
4. Genuine validation clips, moved by known offsets, say how wide an interval must be: :data:`COVERAGE` of their
   errors lie within it, each in units of how sharp its peak is (split conformal prediction, Vovk et al. 2005, of
   repeated measurements of each clip, Lee, Barber and Willett 2023).
5. Nothing is said where nothing is heard, where the mouth does not move, or where the likeness is no higher than
   with the sound of other clips.

An offset is in seconds, above 0 where the sound leads: it is heard before the lips show it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy.ndimage import uniform_filter1d

from multimodal.media.prepared import PreparedClip

PATCH = (12, 8)
BANDS = 12
STEPS = 4
REACH = 0.6
COVERAGE = 0.95
#: Offsets by which calibration moves genuine clips, in seconds.
SHIFTS = (-0.4, -0.24, -0.08, -0.04, 0.0, 0.04, 0.08, 0.24, 0.4)
FEWEST_CLIPS = 20
#: Other clips whose sound is held against the picture of each: what fits by accident.
STRANGERS = 12
#: Left, top, right and bottom of the mouth in a crop, as shares of it.
_MOUTH = (0.25, 0.55, 0.75, 0.95)
_LOWEST_HERTZ, _HIGHEST_HERTZ = 100.0, 7000.0
_WINDOW = 512
_DIRECTIONS = 3
#: Share of the mean variance that is added to every pixel's and band's, so that noise is not learnt.
_RIDGE = 0.02
_SLOW_SECONDS, LEAST_SECONDS, _MOST_SECONDS = 1.0, 1.2, 60.0
#: Energy below this is silence, in decibels under full scale; so long must be heard.
_SILENCE_DECIBELS, _LEAST_HEARD_SECONDS = -55.0, 0.5
#: Mouths and voices change about so often: what a correlation of so many seconds is worth.
_CHANGE_SECONDS = 0.15
_NARROWEST, _WIDEST = 0.004, 0.2


class Pair(NamedTuple):
    """What is seen of a mouth, (frames, pixels), and heard, (frames * STEPS, bands), of one clip.

    Frame k and point ``k * STEPS`` are of the same moment. ``heard_seconds`` are those that are no silence.
    """

    seen: Float[np.ndarray, "frames pixels"]
    heard: Float[np.ndarray, "points bands"]
    frame_rate: float
    heard_seconds: float

    def moved(self, seconds: float) -> "Pair":
        """The pair with its sound earlier by so much; what has no partner any more is left out."""
        points = round(seconds * self.frame_rate * STEPS)
        lost = -(-abs(points) // STEPS)
        first = lost if points < 0 else 0
        count = len(self.seen) - lost
        begin = first * STEPS + points
        return self._replace(
            seen=self.seen[first : first + count], heard=self.heard[begin : begin + count * STEPS]
        )


class Strip:
    """Mouth and sound of a face whose windows come in the order of time, overlapping or not: its first minute."""

    def __init__(self) -> None:
        self._patches: list[np.ndarray] = []
        self._sound: list[np.ndarray] = []
        self._start: float | None = None
        self._rates = (0.0, 0)
        self._is_whole = True

    def add(self, window: PreparedClip) -> None:
        """Take what a window has that was not there before; a gap before it ends the strip."""
        if window.frames is None or window.waveform is None or not self._is_whole:
            return
        if self._start is None:
            self._start, self._rates = window.start_seconds, (window.frame_rate, window.sample_rate)
        place = round((window.start_seconds - self._start) * window.frame_rate)
        known = len(self._patches) - place
        if known < 0 or len(self._patches) > _MOST_SECONDS * window.frame_rate:
            self._is_whole = False
        elif known < len(window.frames):
            self._patches += [_patch(frame) for frame in window.frames[known:]]
            self._sound.append(window.waveform[round(known / window.frame_rate * window.sample_rate) :])

    def pair(self) -> Pair | None:
        """What was seen and heard; None where that is too short."""
        frame_rate, sample_rate = self._rates
        if not self._patches or len(self._patches) < LEAST_SECONDS * frame_rate:
            return None
        decibels = _decibels(
            np.concatenate(self._sound), len(self._patches) * STEPS, frame_rate * STEPS, sample_rate
        )
        heard_seconds = float((decibels.max(axis=1) > _SILENCE_DECIBELS).sum() / (frame_rate * STEPS))
        smooth = uniform_filter1d(decibels, STEPS + 1, axis=0, mode="nearest")
        return Pair(
            _without_slow(np.stack(self._patches), frame_rate),
            _without_slow(smooth, frame_rate * STEPS),
            frame_rate,
            heard_seconds,
        )


def pair_of(clip: PreparedClip) -> Pair | None:
    """Mouth and sound of a clip that has both; None for others."""
    strip = Strip()
    strip.add(clip)
    return strip.pair()


def _patch(frame: np.ndarray) -> Float[np.ndarray, " pixels"]:
    height, width = frame.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(_MOUTH, (width, height, width, height), strict=True)
    )
    image = Image.fromarray(np.ascontiguousarray(frame[top:bottom, left:right])).convert("L")
    return np.asarray(image.resize(PATCH, Image.Resampling.BOX), dtype=np.float64).ravel() / 255


def _decibels(
    waveform: Float[np.ndarray, " samples"], points: int, rate: float, sample_rate: int
) -> Float[np.ndarray, "points bands"]:
    """Energy in each band around each point, in decibels under full scale, not below silence."""
    middles = np.round(np.arange(points) / rate * sample_rate).astype(int)
    padded = np.pad(waveform.astype(np.float64), (_WINDOW // 2, _WINDOW))
    pieces = padded[np.minimum(middles, len(waveform))[:, None] + np.arange(_WINDOW)]
    power = np.abs(np.fft.rfft(pieces * np.hanning(_WINDOW), axis=1)) ** 2 / (_WINDOW / 4) ** 2
    edges = np.geomspace(_LOWEST_HERTZ, min(_HIGHEST_HERTZ, sample_rate / 2), BANDS + 1) * _WINDOW / sample_rate
    places = np.maximum.accumulate(np.maximum(np.round(edges).astype(int), np.arange(BANDS + 1) + 1))
    energy = np.add.reduceat(power[:, : places[-1]], places[:-1], axis=1)
    return np.maximum(10 * np.log10(energy + 1e-12), _SILENCE_DECIBELS)


def _without_slow(values: Float[np.ndarray, "time parts"], rate: float) -> Float[np.ndarray, "time parts"]:
    width = max(3, round(_SLOW_SECONDS * rate))
    return values - uniform_filter1d(values, width, axis=0, mode="nearest")


class Offset(NamedTuple):
    """Seconds by which the sound leads, between ``low`` and ``high``; None where ``reason`` says why not."""

    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def as_text(self) -> str:
        """The offset in words.

        >>> Offset(0.12, 0.08, 0.16).as_text(), Offset(-0.01, -0.04, 0.02).as_text()
        ('sound leads by 120 ms [80, 160]', 'lips and sound are in step: sound lags by 10 ms [-20, 40]')
        """
        if self.seconds is None or self.low is None or self.high is None:
            return f"lips and sound: cannot say ({self.reason})"
        ends = (self.low, self.high) if self.seconds >= 0 else (-self.high, -self.low)
        said = f"sound {'leads' if self.seconds >= 0 else 'lags'} by {abs(1000 * self.seconds):.0f} ms"
        interval = f"[{1000 * ends[0]:.0f}, {1000 * ends[1]:.0f}]"
        return f"{'lips and sound are in step: ' if self.low <= 0 <= self.high else ''}{said} {interval}"

    def as_json(self) -> dict[str, Any]:
        """``sound_leads_seconds``, ``low``, ``high``, ``reason``."""
        return {"sound_leads_seconds": self.seconds, "low": self.low, "high": self.high, "reason": self.reason}


class Peak(NamedTuple):
    """Where likeness is highest, how high it is, how sure that makes it, and how wide the peak is, in seconds."""

    seconds: float
    likeness: float
    sureness: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Synchrony:
    """What genuine clips taught; plain values, so that it is kept as JSON.

    Args:
        see, hear: weights of pixels and bands along each direction.
        correlations: of each direction.
        delay: by how much peaks of genuine clips lie off, in seconds.
        spread: errors of this many widths of the peak are within the interval.
        least_sureness: of a peak that is no accident.
        least_movement: of a mouth that is not still.
    """

    see: list[list[float]]
    hear: list[list[float]]
    correlations: list[float]
    delay: float = 0.0
    spread: float = 1.0
    least_sureness: float = 0.0
    least_movement: float = 0.0

    def offset(self, pair: Pair | None) -> Offset:
        """By how much the sound of a clip leads."""
        if pair is None:
            return Offset(reason="picture and sound are not both there for long enough")
        if pair.heard_seconds < _LEAST_HEARD_SECONDS:
            return Offset(reason="nothing is heard")
        if self.movement(pair) <= self.least_movement:
            return Offset(reason="the mouth does not move")
        peak = self.peak(pair)
        if peak is None or peak.sureness < self.least_sureness:
            return Offset(reason="the sound fits the lips no better than that of other clips does")
        seconds, half = peak.seconds - self.delay, self.spread * peak.width
        return Offset(seconds, seconds - half, seconds + half)

    def movement(self, pair: Pair) -> float:
        """How much the mouth opens and shuts, along the first direction."""
        return float(np.std(pair.seen @ np.asarray(self.see)[:, 0]))

    def peak(self, pair: Pair) -> Peak | None:
        """The offset of the highest likeness; None where it is at the end of the reach, or nothing varies."""
        seen, heard = pair.seen @ np.asarray(self.see), pair.heard @ np.asarray(self.hear)
        rate = pair.frame_rate * STEPS
        reach = round(min(REACH, len(seen) / pair.frame_rate - LEAST_SECONDS) * rate)
        lags = np.arange(-reach, reach + 1)
        if len(lags) < 2 * STEPS + 1:
            return None
        likeness = self._likeness(seen, heard, lags)
        best = int(likeness.argmax())
        if not STEPS <= best < len(lags) - STEPS or likeness[best] <= 0:
            return None
        place, height, bend = _vertex(likeness[best - STEPS : best + STEPS + 1])
        seconds = float(lags[best] + place) / rate
        independent = max(len(seen) / pair.frame_rate / _CHANGE_SECONDS - 3, 1.0)
        width = np.sqrt(max(1 - height**2, 0.02) / (independent * max(height * bend, 1e-9))) / rate
        sureness = float(np.arctanh(min(height, 0.999)) * np.sqrt(independent))
        return Peak(seconds, height, sureness, float(np.clip(width, _NARROWEST, _WIDEST)))

    def _likeness(self, seen: np.ndarray, heard: np.ndarray, lags: np.ndarray) -> Float[np.ndarray, " lags"]:
        """Mean correlation, the directions by their own weighing, if the sound leads by each of so many points."""
        places = np.arange(len(seen)) * STEPS - lags[:, None]
        inside = (places >= 0) & (places < len(heard))
        other = np.where(inside[:, :, None], heard[np.clip(places, 0, len(heard) - 1)], 0.0)
        count = inside.sum(axis=1)[:, None]
        means = inside @ seen / count, other.sum(axis=1) / count
        spread = (
            inside @ seen**2 / count - means[0] ** 2,
            (other**2).sum(axis=1) / count - means[1] ** 2,
        )
        together = np.einsum("fd,lfd->ld", seen, other) / count - means[0] * means[1]
        scale = np.sqrt(np.maximum(spread[0], 0) * np.maximum(spread[1], 0))
        each = np.divide(together, scale, out=np.zeros_like(scale), where=scale > 1e-12)
        return np.average(each, axis=1, weights=self.correlations)


def _vertex(values: Float[np.ndarray, " near"]) -> tuple[float, float, float]:
    """Place from the middle, height and bend of the parabola through values about a maximum."""
    places = np.arange(len(values)) - len(values) // 2
    bend, slope, height = np.polyfit(places, values, 2)
    if bend >= 0:
        return 0.0, float(values[len(values) // 2]), 1e-9
    place = float(np.clip(-slope / (2 * bend), places[0], places[-1]))
    return place, float(np.clip(height - slope**2 / (4 * bend), -1, 1)), float(-2 * bend)


# Learnt from genuine clips.


def fit_synchrony(training: Sequence[Pair], validation: Sequence[Pair]) -> Synchrony:
    """Learn the directions from training clips, and intervals and what is no match from validation clips.

    Args:
        training: genuine clips.
        validation: genuine clips of other people.

    Raises:
        ValueError: fewer than :data:`FEWEST_CLIPS` of either in which something is heard.
    """
    for name, pairs in (("training", training), ("validation", validation)):
        count = sum(pair.heard_seconds >= _LEAST_HEARD_SECONDS for pair in pairs)
        if count < FEWEST_CLIPS:
            raise ValueError(
                f"{count} genuine {name} clips of {LEAST_SECONDS} s that are heard; want {FEWEST_CLIPS}"
            )
    learnt = _directions(training)
    spoken = [pair for pair in validation if pair.heard_seconds >= _LEAST_HEARD_SECONDS]
    strange = [learnt.peak(_with_sound_of(one, other)) for one, other in _of_different_clips(spoken)]
    sureness = np.quantile([0.0 if peak is None else peak.sureness for peak in strange], COVERAGE)
    movement = 0.5 * np.quantile([learnt.movement(pair) for pair in spoken], 0.01)
    found = [
        (peak.seconds - shift, peak.width)
        for pair in spoken
        for shift in SHIFTS
        if (peak := learnt.peak(pair.moved(shift))) is not None and peak.sureness >= sureness
    ]
    if not found:
        raise ValueError("the sound of genuine clips fits their lips no better than that of other clips does")
    off, widths = np.array(found).T
    delay = float(np.median(off))
    errors = np.abs(off - delay) / widths
    # moves of one clip err alike, so that a new clip counts as one of so many clips, not of so many errors
    rank = min(COVERAGE * (len(spoken) + 1) / len(spoken), 1.0)
    return Synchrony(
        see=learnt.see,
        hear=learnt.hear,
        correlations=learnt.correlations,
        delay=delay,
        spread=float(np.quantile(errors, rank, method="higher")),
        least_sureness=float(sureness),
        least_movement=float(movement),
    )


def _directions(pairs: Iterable[Pair]) -> Synchrony:
    pairs = list(pairs)
    seen = np.concatenate([pair.seen for pair in pairs])
    heard = np.concatenate([pair.heard[::STEPS] for pair in pairs])
    into_seen, into_heard = (_whitening(values) for values in (seen, heard))
    left, correlations, right = np.linalg.svd(into_seen.T @ (seen.T @ heard / len(seen)) @ into_heard)
    count = min(_DIRECTIONS, len(correlations))
    return Synchrony(
        see=(into_seen @ left[:, :count]).tolist(),
        hear=(into_heard @ right[:count].T).tolist(),
        correlations=correlations[:count].tolist(),
    )


def _whitening(values: Float[np.ndarray, "time parts"]) -> Float[np.ndarray, "parts parts"]:
    covariance = values.T @ values / len(values)
    covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    variances, axes = np.linalg.eigh(covariance)
    return axes / np.sqrt(np.maximum(variances, 1e-12)) @ axes.T


def _of_different_clips(pairs: Sequence[Pair]) -> Iterator[tuple[Pair, Pair]]:
    """Each clip beside :data:`STRANGERS` others, near and far in their order, or beside all if they are fewer."""
    count = len(pairs)
    for step in sorted({round(place) for place in np.linspace(1, count - 1, min(STRANGERS, count - 1))}):
        yield from ((one, pairs[(number + step) % count]) for number, one in enumerate(pairs))


def _with_sound_of(one: Pair, other: Pair) -> Pair:
    count = min(len(one.seen), len(other.seen))
    return one._replace(seen=one.seen[:count], heard=other.heard[: count * STEPS])


def to_json(synchrony: Synchrony) -> dict[str, Any]:
    """As plain values that :class:`Synchrony` takes again."""
    return asdict(synchrony)
