"""The ranking metrics of many bootstrap replicates at once, from :class:`~.sorted_scores.Counts`.

Each function gives (replicates,); NaN where a replicate lacks a class. With every clip counted once they equal
the metric of the same name in :mod:`.ranking` and :mod:`.costs`, which holds the definition. They look only at
the points where something happens, and search where the curve is monotone: this is the inner loop.
"""

from collections.abc import Callable

import numpy as np

from multimodal.metrics.checks import Floats, Ints, ratio
from multimodal.metrics.sorted_scores import Counts

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
