"""Measures that choose their threshold among the clips that they judge, and how sure that threshold is.

The share of fakes caught while 1 % of the reals are flagged takes, of ten reals, the threshold above the highest.
Of ever more reals 0.3 to 31 % would be flagged there and not 1 %, and no draw of the same ten clips shows it: the
bootstrap alone held the truth in half of the simulated test sets. So its interval is widened to one that is made
of two: that of the share of reals flagged at the threshold (order statistics, with the limits of Clopper and
Pearson) and that of the share of fakes caught there. They are put together by their squared distances (Zou and
Donner 2008, "Construction of confidence limits about effect measures", Statistics in Medicine 27): for the cost as
they are, for the fakes caught as probits, since what another threshold would catch follows from two normal
distributions of the same width, as in :mod:`.perfect`. That is an assumption: where there are fewer than 1 / rate
reals, no clip of the set says anything of that threshold.

Clips of one identity count as fewer: n / (1 + (m - 1) r), with m clips of an identity and the correlation r of
their normal scores within it (Kish 1965, "Survey sampling"; with Clopper and Pearson: Korn and Graubard 1998,
"Confidence intervals for proportions with small expected number of positive counts estimated from survey data",
Survey Methodology 24).
"""

from collections.abc import Callable

import numpy as np
import scipy
from scipy import special

from multimodal.metrics.bootstrap import Interval
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.costs import ASVSPOOF5
from multimodal.metrics.sorted_scores import SortedScores

_TAIL = 0.025
#: Shares nearer to 0 or 1 have no finite probit that says anything.
_LEAST = 1e-9


#: A measure as it was seen, and what it was measured on → what its threshold's luck allows
Limits = Callable[[float, SortedScores], tuple[float, float]]


def no_surer_than_threshold(found: Interval, limits: Limits, scores: SortedScores) -> Interval:
    """Widen the interval of the bootstrap to what the threshold's luck allows.

    A value at an end of its range has the limit of :mod:`.perfect`, which knows of the threshold.
    """
    if found.value is None or found.low is None or found.high is None or not 0 < found.value < 1:
        return found
    low, high = limits(found.value, scores)
    return found._replace(low=min(found.low, max(low, 0.0)), high=max(found.high, min(high, 1.0)))


def caught_at(false_positive_rate: float) -> Limits:
    """Limits of the share of fakes caught while that share of the reals is flagged."""

    def limits(caught: float, scores: SortedScores) -> tuple[float, float]:
        value, rate = _probit(caught), _probit(false_positive_rate)
        fakes, reals = effective_sizes(scores)
        low, high = map(_probit, share_limits(caught, fakes))
        flagged = np.floor(false_positive_rate * reals + _LEAST)
        least, most = map(_probit, scipy.stats.beta.ppf([_TAIL, 1 - _TAIL], flagged + 1, reals - flagged))
        below = np.hypot(value - low, max(most - rate, 0))
        above = np.hypot(high - value, max(rate - least, 0))
        return float(special.ndtr(value - below)), float(special.ndtr(value + above))

    return limits


def least_cost(cost: float, scores: SortedScores) -> tuple[float, float]:
    """Limits of the least cost, from those of both errors at the threshold that reaches it."""
    counts, weights = scores.counts(), np.array(ASVSPOOF5.weights)
    errors = np.stack([1 - counts.fake()[:, 0] / counts.num_fake, counts.real()[:, 0] / counts.num_real])
    best = errors[:, (weights @ errors).argmin()]
    limits = [share_limits(share, clips) for share, clips in zip(best, effective_sizes(scores), strict=True)]
    low, high = np.array(limits).T
    return cost - float(np.hypot(*(weights * (best - low)))), cost + float(np.hypot(*(weights * (high - best))))


def share_limits(share: float, clips: float) -> tuple[float, float]:
    """Limits of Clopper and Pearson of a share of so many clips, which need not be a whole number.

    >>> [round(limit, 3) for limit in share_limits(0.0, 10)]
    [0.0, 0.308]
    """
    seen, others = share * clips, (1 - share) * clips
    low = float(scipy.stats.beta.ppf(_TAIL, seen, others + 1)) if seen > _LEAST else 0.0
    return low, float(scipy.stats.beta.ppf(1 - _TAIL, seen + 1, others)) if others > _LEAST else 1.0


def effective_sizes(scores: SortedScores) -> tuple[float, float]:
    """As how many fakes and reals of different identities the clips count."""
    points = scores.points
    fakes = effective_clips(scores.fake_rows, points.fake_flagged)
    return fakes, effective_clips(scores.real_rows, points.real_flagged)


def effective_clips(identity: Ints, flagged: Ints) -> float:
    """As how many clips of different identities the clips count, at least as many as identities.

    Args:
        identity: (clips,) of each clip, by falling scores.
        flagged: (points,) how many of them each threshold flags, which tells equal scores.

    >>> effective_clips(np.array([0, 1, 2, 3]), np.arange(5))
    4.0
    >>> effective_clips(np.array([0, 0, 1, 1]), np.arange(5)) < 2.5
    True
    """
    clips = len(identity)
    _, person, of_each = np.unique(identity, return_inverse=True, return_counts=True)
    people = len(of_each)
    if people in (1, clips):
        return float(people)
    height = special.ndtri(_ranks(flagged) / clips)
    means = np.bincount(person, weights=height) / of_each
    within = float(((height - means[person]) ** 2).sum()) / (clips - people)
    between = float((of_each * (means - height.mean()) ** 2).sum()) / (people - 1)
    size = float((of_each.astype(float) ** 2).sum()) / clips  # clips of the identity of a clip, on average
    total = between + ((clips - size) / (people - 1) - 1) * within
    correlation = max((between - within) / total, 0.0) if total > 0 else 0.0
    return max(clips / (1 + (size - 1) * correlation), float(people))


def _ranks(flagged: Ints) -> Floats:
    """(clips,) of the highest score one half, equal scores alike."""
    reached = np.unique(flagged)
    return np.repeat((reached[1:] + reached[:-1]) / 2, np.diff(reached))


def _probit(share: float) -> float:
    return float(special.ndtri(np.clip(share, _LEAST, 1 - _LEAST)))
