"""Scores sorted once and weighted many times: what makes thousands of bootstrap replicates cheap.

A bootstrap replicate draws identities with replacement, so it is the same clips with another integer weight
each. Sorting does not depend on weights; a replicate costs one cumulative sum. Replicates are the last axis,
so that one NumPy call serves a whole chunk of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from multimodal.metrics.checks import Floats, Ints, as_scores, ratio


class Points(NamedTuple):
    """Every decision that a threshold can make on a set of clips.

    Point 0 flags nothing; point j flags every clip whose score is at least the j-th largest *distinct* score, so
    that tied scores are never separated; the last point flags all.

    ``fake_flagged`` and ``real_flagged``, (points,), are how many clips each flags. ``fake_steps`` and
    ``real_steps`` are the points that flag a fake (a real) more than the point before.
    """

    fake_flagged: Ints
    real_flagged: Ints
    fake_steps: Ints
    real_steps: Ints

    @property
    def last(self) -> int:
        """Index of the point that flags all."""
        return len(self.fake_flagged) - 1


class Counts(NamedTuple):
    """Weighted numbers of clips flagged as fake, in each replicate.

    ``fake_running`` (num_fake + 1, replicates) is the weight of the k highest-scored fakes, from k = 0;
    ``real_running`` likewise.
    """

    points: Points
    fake_running: Floats
    real_running: Floats

    @property
    def num_fake(self) -> Floats:
        """Weighted number of fake clips in each replicate, (replicates,)."""
        return self.fake_running[-1]

    @property
    def num_real(self) -> Floats:
        """Weighted number of real clips in each replicate, (replicates,)."""
        return self.real_running[-1]

    def fake(self, points: int | Ints | slice = slice(None)) -> Floats:
        """Weight of the fakes flagged at one point, (replicates,), or at several, (points, replicates)."""
        return self.fake_running[self.points.fake_flagged[points]]

    def real(self, points: int | Ints | slice = slice(None)) -> Floats:
        """Weight of the reals flagged at one point, (replicates,), or at several, (points, replicates)."""
        return self.real_running[self.points.real_flagged[points]]

    def each(self, point: Ints) -> tuple[Floats, Floats]:
        """Weights of fakes and reals flagged at a point of its own in each replicate, (replicates,) both."""
        replicate = np.arange(len(point))
        return (
            self.fake_running[self.points.fake_flagged[point], replicate],
            self.real_running[self.points.real_flagged[point], replicate],
        )


class SortedScores:
    """The scores of one target, sorted once.

    Args:
        fake_scores: (num_fake,) higher = more likely fake.
        real_scores: (num_real,)
        fake_identity: (num_fake,) row of each fake clip's identity in the multiplicities; every clip its own
            where None, fakes first.
        real_identity: (num_real,) likewise.
    """

    def __init__(
        self,
        fake_scores: ArrayLike,
        real_scores: ArrayLike,
        fake_identity: ArrayLike | None = None,
        real_identity: ArrayLike | None = None,
    ) -> None:
        fake, real = as_scores(fake_scores, "fake_scores"), as_scores(real_scores, "real_scores")
        fake_rows = np.arange(len(fake)) if fake_identity is None else np.asarray(fake_identity, dtype=np.int64)
        real_rows = (
            np.arange(len(real)) + len(fake)
            if real_identity is None
            else np.asarray(real_identity, dtype=np.int64)
        )
        fake_order, real_order = np.argsort(fake, kind="stable")[::-1], np.argsort(real, kind="stable")[::-1]
        self._fake_rows, self._real_rows = fake_rows[fake_order], real_rows[real_order]
        #: (points - 1,) the distinct scores, falling
        self.distinct = np.unique(np.concatenate([fake, real]))[::-1]
        fake_flagged = _num_at_least(fake[fake_order[::-1]], self.distinct)
        real_flagged = _num_at_least(real[real_order[::-1]], self.distinct)
        self.points = Points(
            fake_flagged,
            real_flagged,
            np.flatnonzero(np.diff(fake_flagged)) + 1,
            np.flatnonzero(np.diff(real_flagged)) + 1,
        )

    def counts(self, multiplicities: Floats | None = None, *, same_reals: Counts | None = None) -> Counts:
        """Count with the multiplicities (identities, replicates), or every clip once where None.

        ``same_reals``: counts of the same real clips with the same multiplicities, to save time.
        """
        if multiplicities is None:
            each = (np.arange(len(rows) + 1.0)[:, None] for rows in (self._fake_rows, self._real_rows))
            return Counts(self.points, *each)
        return Counts(
            self.points,
            _running(multiplicities, self._fake_rows),
            same_reals.real_running if same_reals is not None else _running(multiplicities, self._real_rows),
        )

    def point_of(self, threshold: float) -> int:
        """Index of the point that flags the scores at or above ``threshold``."""
        return int(np.searchsorted(-self.distinct, -threshold, side="right"))

    def cut(self, first: ArrayLike, last: ArrayLike | None = None) -> Floats:
        """Threshold in the middle of the gap of points ``first`` to ``last``, which flag alike.

        It lies halfway between the lowest score that is flagged and the highest that is not. For point 0 it is
        the next number above the highest score, for the last point the lowest score.
        """
        lowest = np.append(self.distinct, self.distinct[-1])
        highest = np.insert(self.distinct, 0, np.nextafter(self.distinct[0], np.inf))
        above, below = highest[np.asarray(first)], lowest[np.asarray(first if last is None else last)]
        middle = below + (above - below) / 2
        return np.where(np.asarray(first) == 0, above, np.where(middle > below, middle, above))


def _num_at_least(rising: Floats, thresholds: Floats) -> Ints:
    """(points,) how many of the rising scores reach each threshold, with 0 in front."""
    return np.insert(len(rising) - np.searchsorted(rising, thresholds, side="left"), 0, 0)


def _running(multiplicities: Floats, rows: Ints) -> Floats:
    """(clips + 1, replicates) running total of the weights of clips in falling order of score, from 0."""
    running = np.zeros((len(rows) + 1, multiplicities.shape[1]))
    np.cumsum(np.take(multiplicities, rows, axis=0), axis=0, out=running[1:])
    return running


# The ranking metrics of many bootstrap replicates at once, from .sorted_scores.Counts.


#: Added to a denominator that is 0 only where the numerator is 0 too.
_TINY = 1e-300


def roc_auc(counts: Counts) -> Floats:
    """Area under the ROC curve by trapezoids, so that a tied pair counts one half."""
    points = counts.points
    pairs = counts.num_fake * counts.num_real
    if len(points.real_steps) <= len(points.fake_steps):
        steps = points.real_steps
        heights = counts.fake(steps)
        heights += counts.fake(steps - 1)
        return ratio(_weighted_sum(counts.real_running, points.real_flagged[steps], heights), 2 * pairs)
    steps = points.fake_steps
    widths = counts.real(steps)
    widths += counts.real(steps - 1)
    lost = _weighted_sum(counts.fake_running, points.fake_flagged[steps], widths)
    return ratio(2 * pairs - lost, 2 * pairs)


def average_precision_fake(counts: Counts) -> Floats:
    """Mean precision over the fakes, as scikit-learn steps it."""
    points = counts.points
    flagged = points.fake_flagged[points.fake_steps]
    precision = _average_precision(counts.fake_running, flagged, counts.real(points.fake_steps))
    return np.where(counts.num_real == 0, np.nan, precision)


def average_precision_real(counts: Counts) -> Floats:
    """The same with real as the class sought, the lowest scores first."""
    points = counts.points
    rising = points.real_steps[::-1] - 1
    below = counts.num_real - counts.real_running[::-1]
    left = len(counts.real_running) - 1 - points.real_flagged[rising]
    precision = _average_precision(below, left, counts.num_fake - counts.fake(rising))
    return np.where(counts.num_fake == 0, np.nan, precision)


def _average_precision(sought_running: Floats, flagged: Ints, other: Floats) -> Floats:
    """From the running weight of the class sought, how many of it each step flags, and the others flagged."""
    sought = sought_running[1:] if len(flagged) == len(sought_running) - 1 else sought_running[flagged]
    other += sought
    other += _TINY
    precision = np.divide(sought, other, out=other)
    return ratio(_weighted_sum(sought_running, flagged, precision), sought_running[-1])


def equal_error_rate(counts: Counts) -> Floats:
    """Rate where the piecewise linear ROC curve crosses false positive rate = false negative rate."""

    def excess(fake: Floats, real: Floats) -> Floats:
        return ratio(fake, counts.num_fake) + ratio(real, counts.num_real) - 1

    point = np.clip(_first_point(counts, lambda fake, real: excess(fake, real) >= 0), 1, counts.points.last)
    (fake_before, real_before), (fake_after, real_after) = counts.each(point - 1), counts.each(point)
    before, after = excess(fake_before, real_before), excess(fake_after, real_after)
    share = ratio(-before, after - before)
    return ratio(real_before + share * (real_after - real_before), counts.num_real)


def tpr_at_fpr(counts: Counts, false_positive_rate: float) -> Floats:
    """Highest share of fakes flagged while at most ``false_positive_rate`` of the reals are."""
    allowed = false_positive_rate * counts.num_real + 1e-9
    point = _first_point(counts, lambda fake, real: real > allowed) - 1
    return np.where(counts.num_real == 0, np.nan, ratio(counts.each(point)[0], counts.num_fake))


def least_cost(counts: Counts, cost_of_missed_fake: float, cost_of_flagged_real: float) -> Floats:
    """Least of ``cost_of_missed_fake * FNR + cost_of_flagged_real * FPR`` over all thresholds.

    The least cost is at a point just before a real is flagged or at the last, since to flag fakes alone costs
    nothing; and, as well, at a point where a fake is or at the first. The fewer of the two are looked at.
    """
    before_reals = np.append(counts.points.real_steps - 1, counts.points.last)
    at_fakes = np.insert(counts.points.fake_steps, 0, 0)
    points = before_reals if len(before_reals) <= len(at_fakes) else at_fakes
    caught, flagged = counts.fake(points), counts.real(points)
    caught *= ratio(cost_of_missed_fake, counts.num_fake)
    flagged *= ratio(cost_of_flagged_real, counts.num_real)
    flagged -= caught
    return cost_of_missed_fake + flagged.min(axis=0)


def _weighted_sum(running: Floats, flagged: Ints, values: Floats) -> Floats:
    """Sum of ``values`` (steps, replicates), each weighted by what its step adds to ``running``."""
    reached = running if len(flagged) == len(running) - 1 else running[np.insert(flagged, 0, 0)]
    return np.einsum("pr,pr->r", np.diff(reached, axis=0), values)


def _first_point(counts: Counts, reached: Callable[[Floats, Floats], np.ndarray]) -> Ints:
    """First point, (replicates,), where ``reached(fake, real)`` holds, by bisection; one past the last if none.

    ``reached`` takes the weights flagged, (replicates,), and once true must stay true.
    """
    low = np.zeros(len(counts.num_fake), dtype=np.int64)
    high = np.full_like(low, counts.points.last + 1)
    while (low < high).any():
        middle = np.minimum((low + high) // 2, counts.points.last)
        holds = reached(*counts.each(middle)) | (low == high)
        high = np.where(holds & (low < high), middle, high)
        low = np.where(holds, low, middle + 1)
    return low
