"""Ranking metrics: how well scores put fakes above reals, at every threshold at once.

Conventions: a higher score = more likely fake. Ties count one half in the ROC area and are never broken elsewhere:
a threshold cannot separate equal scores.

Each metric stands here twice. Under its plain name it takes the scores of fakes and of reals apart, checks them,
raises ``ValueError`` where a class has no clip (nothing can be ranked then), and is scikit-learn's where that has
it. With ``_of`` behind its name it takes :class:`~.sorted_scores.Counts` and gives its value in every bootstrap
replicate, (replicates,), NaN where a class was not drawn: scikit-learn would sort anew for each of thousands.
Those are what :data:`~.target_metrics.RANKING` lists; tests hold the two to the same numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from multimodal.metrics.checks import Floats, Ints, both_classes, check_share, labelled, ratio
from multimodal.metrics.sorted_scores import Counts, SortedScores

#: Added to a denominator that is 0 only where the numerator is 0 too.
_TINY = 1e-300

# The area under the ROC curve.


def roc_auc(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Probability that a random fake scores above a random real, ties counting one half.

    >>> roc_auc(fake_scores=[0.9, 0.6, 0.3], real_scores=[0.3, 0.1])
    0.9166666666666666
    """
    from sklearn.metrics import roc_auc_score  # a process that judges has no use for scikit-learn

    return float(roc_auc_score(*labelled(both_classes(fake_scores, real_scores, "roc_auc"))))


def roc_auc_of(counts: Counts) -> Floats:
    """Area under the ROC curve by trapezoids, so that a tied pair counts one half."""
    points = counts.points
    pairs = counts.num_fake * counts.num_real
    # the same area from the side of the class that has fewer steps: with 42 fakes to a real much less to add up
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


# Average precision, with either class as the one sought.


def average_precision_fake(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Average precision with fake as the class sought; a random system gets about the share of fakes."""
    from sklearn.metrics import average_precision_score

    labels, scores = labelled(both_classes(fake_scores, real_scores, "average precision"))
    return float(average_precision_score(labels, scores))


def average_precision_fake_of(counts: Counts) -> Floats:
    """Mean precision over the fakes, as scikit-learn steps it."""
    points = counts.points
    flagged = points.fake_flagged[points.fake_steps]
    precision = _average_precision(counts.fake_running, flagged, counts.real(points.fake_steps))
    return np.where(counts.num_real == 0, np.nan, precision)


def average_precision_real(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Average precision with real as the class sought, which a test set full of fakes does not flatter."""
    from sklearn.metrics import average_precision_score

    labels, scores = labelled(both_classes(fake_scores, real_scores, "average precision"))
    return float(average_precision_score(1 - labels, -scores))


def average_precision_real_of(counts: Counts) -> Floats:
    """Mean precision over the reals, the lowest scores first."""
    points = counts.points
    rising = points.real_steps[::-1] - 1
    below = counts.num_real - counts.real_running[::-1]
    left = len(counts.real_running) - 1 - points.real_flagged[rising]
    precision = _average_precision(below, left, counts.num_fake - counts.fake(rising))
    return np.where(counts.num_fake == 0, np.nan, precision)


def _average_precision(sought_running: Floats, flagged: Ints, other: Floats) -> Floats:
    """Average precision, from the running weight of the class sought and what each step flags of either."""
    sought = sought_running[1:] if len(flagged) == len(sought_running) - 1 else sought_running[flagged]
    other += sought
    other += _TINY
    precision = np.divide(sought, other, out=other)
    return ratio(_weighted_sum(sought_running, flagged, precision), sought_running[-1])


# The equal error rate.


class EqualErrorRate(NamedTuple):
    """The rate, and a threshold (score >= threshold is called fake) at or beside it."""

    rate: float
    threshold: float


def equal_error_rate(fake_scores: ArrayLike, real_scores: ArrayLike) -> EqualErrorRate:
    """The error rate at which as large a share of fakes is missed as of reals is flagged.

    The ROC curve is taken as straight lines between its points (a group of tied scores is one line), and the
    rate read where it crosses false positive rate = false negative rate, so it is unique and does not depend on
    the order of tied clips. ASVspoof's tool takes the nearest point instead, without interpolation. Where the
    crossing falls between two points no threshold reaches it: the one given is that of the point with the more
    equal rates.

    >>> equal_error_rate(fake_scores=[0.9, 0.8, 0.4], real_scores=[0.6, 0.2, 0.1])
    EqualErrorRate(rate=0.3333333333333333, threshold=0.5)
    """
    ranked = SortedScores(*both_classes(fake_scores, real_scores, "equal_error_rate"))
    counts = ranked.counts()
    rate = float(equal_error_rate_of(counts)[0])
    excess = counts.fake()[:, 0] / counts.num_fake + counts.real()[:, 0] / counts.num_real - 1
    return EqualErrorRate(rate, float(ranked.cut(np.abs(excess).argmin())))


def equal_error_rate_of(counts: Counts) -> Floats:
    """Rate where the piecewise linear ROC curve crosses false positive rate = false negative rate."""

    def excess(fake: Floats, real: Floats) -> Floats:
        return ratio(fake, counts.num_fake) + ratio(real, counts.num_real) - 1

    point = np.clip(_first_point(counts, lambda fake, real: excess(fake, real) >= 0), 1, counts.points.last)
    (fake_before, real_before), (fake_after, real_after) = counts.each(point - 1), counts.each(point)
    before, after = excess(fake_before, real_before), excess(fake_after, real_after)
    share = ratio(-before, after - before)
    return ratio(real_before + share * (real_after - real_before), counts.num_real)


# Fakes caught at a false positive rate that can be afforded.


def tpr_at_fpr(fake_scores: ArrayLike, real_scores: ArrayLike, false_positive_rate: float) -> float:
    """Highest share of fakes caught by a threshold that flags at most ``false_positive_rate`` of the reals.

    Not interpolated: a threshold is a thing that can be used. With fewer than 1 / ``false_positive_rate`` reals
    it is the share caught with no false alarm at all.

    >>> tpr_at_fpr(fake_scores=[0.9, 0.8, 0.4], real_scores=[0.6, 0.2], false_positive_rate=0.01)
    0.6666666666666666
    """
    check_share("false_positive_rate", false_positive_rate)
    ranked = SortedScores(*both_classes(fake_scores, real_scores, "tpr_at_fpr"))
    return float(tpr_at_fpr_of(ranked.counts(), false_positive_rate)[0])


def tpr_at_fpr_of(counts: Counts, false_positive_rate: float) -> Floats:
    """Highest share of fakes flagged while at most ``false_positive_rate`` of the reals are."""
    allowed = false_positive_rate * counts.num_real + 1e-9
    point = _first_point(counts, lambda fake, real: real > allowed) - 1
    return np.where(counts.num_real == 0, np.nan, ratio(counts.each(point)[0], counts.num_fake))


# What the sums and searches above share.


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
