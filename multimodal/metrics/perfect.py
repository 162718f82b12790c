"""What a perfect score says: the worst truth at which it would still be seen now and then.

The bootstrap of a perfect score does not vary, so its bound comes from elsewhere. What depends on the ranking
alone is taken from two normal distributions (after Obuchowski and Lieber 2002, "Confidence bounds when the
estimated ROC area is 1.0", Academic Radiology): at the distance where all fakes lie above all reals in a share
``tail`` of the samples, area, average precision, equal error rate and cost have the value that is the bound. A
share that was right throughout has the bound of Clopper and Pearson for its own label, and what is made of the
shares of several labels the worst value that any of them allow together. Each identity counts as one clip, which
is careful: more clips of a person make a perfect result by luck less likely.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
import scipy
from scipy import special

from multimodal.metrics.checks import Floats
from multimodal.metrics.costs import ASVSPOOF5

_STEPS = 2000
_FARTHEST = 9.0


class Sample(NamedTuple):
    """Identities that have clips of each label, and how many clips: of (real, fake), or of the four classes."""

    people: tuple[int, ...]
    clips: tuple[float, ...]

    @property
    def fewest(self) -> int:
        """Identities of the rarest label that is there."""
        return min(count for count in self.people if count)

    def against_rest(self, label: int) -> "Sample":
        """Of (all others, ``label``); people of several of the others are counted in one of them."""
        others = [index for index in range(len(self.people)) if index != label]
        return Sample(
            (max(self.people[index] for index in others), self.people[label]),
            (sum(self.clips[index] for index in others), self.clips[label]),
        )


#: the truth that is as far away as it may be, from the sample and the share of samples that may be missed
Worst = Callable[[Sample, float], float]


def proportion(sample: Sample, tail: float) -> float:
    """Lower bound of a share that was right for all identities of the rarest label (Clopper and Pearson)."""
    return float(tail ** (1 / sample.fewest))


def opposite(worst: Worst) -> Worst:
    """The same bound at the other end of the range."""
    return lambda sample, tail: 1 - worst(sample, tail)


_none_of_all = opposite(proportion)


@dataclass(frozen=True)
class Bounds:
    """The range of a measure, and what a value at either end of it says of the truth.

    Args:
        at_one: the lowest truth that a value of 1 allows; None where there is no upper bound.
        at_zero: the highest truth that a value of 0 allows; None where an error might cost anything.
    """

    at_one: Worst | None = proportion
    at_zero: Worst | None = _none_of_all

    @property
    def is_open(self) -> bool:
        """Whether values may be above 1."""
        return self.at_one is None


# Rankings: two normal distributions at the smallest distance that looks perfect now and then.


@lru_cache(maxsize=256)
def smallest_distance(num_real: int, num_fake: int, tail: float, spared: int = 0) -> float:
    """The distance at which all fakes lie above all reals but ``spared`` in a share ``tail`` of the samples."""
    real = np.linspace(-_FARTHEST, _FARTHEST, _STEPS)
    below = num_real - spared
    # the density of the highest real that is not spared
    ways = -special.betaln(below, spared + 1)
    highest = np.exp(
        ways
        + scipy.stats.norm.logpdf(real)
        + (below - 1) * scipy.stats.norm.logcdf(real)
        + spared * scipy.stats.norm.logsf(real)
    )

    def perfect(distance: float) -> float:
        above: Floats = np.exp(num_fake * scipy.stats.norm.logsf(real - distance))
        return float((highest * above).sum() * (real[1] - real[0])) - tail

    return float(scipy.optimize.brentq(perfect, -_FARTHEST, 2 * _FARTHEST))


def _distance(sample: Sample, tail: float) -> float:
    return smallest_distance(sample.people[0], sample.people[1], tail)


def area(sample: Sample, tail: float) -> float:
    """Area under the ROC curve.

    >>> round(area(Sample((20, 20), (20, 20)), 0.025), 3)
    0.955
    """
    return float(scipy.stats.norm.cdf(_distance(sample, tail) / np.sqrt(2)))


def average_precision(label: int) -> Bounds:
    """Bounds of the average precision with that label sought, at the sample's share of its clips."""

    def at_one(sample: Sample, tail: float) -> float:
        share = sample.clips[label] / sum(sample.clips)
        return precision_at_distance(_distance(sample, tail), share)

    return Bounds(at_one)


def precision_at_distance(distance: float, share: float) -> float:
    """Average precision of two normal distributions, where ``share`` of the clips are sought."""
    sought = np.linspace(-_FARTHEST, _FARTHEST, _STEPS)
    found = share * scipy.stats.norm.sf(sought)
    precision = found / (found + (1 - share) * scipy.stats.norm.sf(sought + distance))
    return float((precision * scipy.stats.norm.pdf(sought)).sum() * (sought[1] - sought[0]))


def _equal_error_rate(sample: Sample, tail: float) -> float:
    return float(scipy.stats.norm.sf(_distance(sample, tail) / 2))


def _min_dcf(sample: Sample, tail: float) -> float:
    return cost_at_distance(_distance(sample, tail))


def cost_at_distance(distance: float) -> float:
    """Least normalised cost of two normal distributions."""
    missed, flagged = ASVSPOOF5.weights
    threshold = np.linspace(-_FARTHEST, _FARTHEST, _STEPS)
    return float(
        (missed * scipy.stats.norm.cdf(threshold - distance) + flagged * scipy.stats.norm.sf(threshold)).min()
    )


def fakes_caught(false_positive_rate: float) -> Bounds:
    """Bounds of the share of fakes caught while that share of the reals is flagged."""

    def at_one(sample: Sample, tail: float) -> float:
        real, fake = sample.people
        distance = smallest_distance(real, fake, tail, spared=int(false_positive_rate * real))
        return float(scipy.stats.norm.cdf(distance + scipy.stats.norm.ppf(false_positive_rate)))

    return Bounds(at_one, share_of(1).at_zero)


AREA = Bounds(area, opposite(area))
EQUAL_ERROR_RATE = Bounds(opposite(_equal_error_rate), _equal_error_rate)
MIN_DCF = Bounds(at_zero=_min_dcf)


def area_against_rest(label: int) -> Bounds:
    """Bounds of the area of one class against the others."""

    def worst(sample: Sample, tail: float) -> float:
        return area(sample.against_rest(label), tail)

    return Bounds(worst, opposite(worst))


def _macro_area(sample: Sample, tail: float) -> float:
    return float(np.mean([area(sample.against_rest(label), tail) for label in range(len(sample.people))]))


MACRO_AREA = Bounds(_macro_area, opposite(_macro_area))

# Decisions: shares of each label that are right, and what is made of them.


def share_of(label: int) -> Bounds:
    """Bounds of the share of one label's clips that is right."""

    def worst(sample: Sample, tail: float) -> float:
        return float(tail ** (1 / sample.people[label]))

    return Bounds(worst, opposite(worst))


def _of_shares(value: Callable[[Floats, Floats], Floats]) -> Worst:
    """The worst that ``value(shares, clips)`` can be where all was right, if two labels at most have errors.

    ``shares`` are (labels, steps), ``clips`` (labels, 1).
    """

    def worst(sample: Sample, tail: float) -> float:
        present = [label for label, count in enumerate(sample.people) if count]
        clips = np.array([sample.clips[label] for label in present], dtype=float)[:, None]
        people = [sample.people[label] for label in present]
        if len(people) == 1:
            return float(value(np.array([[tail ** (1 / people[0])]]), clips)[0])
        lowest = np.inf
        for one, other in combinations(range(len(people)), 2):
            shares = np.ones((len(people), 200))
            # all combinations that would be all right in a share ``tail`` of the samples
            shares[one] = np.linspace(tail ** (1 / people[one]), 1, shares.shape[1])
            shares[other] = np.minimum((tail / shares[one] ** people[one]) ** (1 / people[other]), 1)
            lowest = min(lowest, float(value(shares, clips).min()))
        return lowest

    return worst


def _f_measures(shares: Floats, clips: Floats) -> Floats:
    """F1 of each label, (labels, steps), where what is wrong was called the rarest other label."""
    wrong = clips * (1 - shares)
    called = np.zeros_like(shares)
    for label in range(len(shares)):
        others = [index for index in range(len(shares)) if index != label]
        if others:
            called[min(others, key=lambda index: clips[index, 0])] += wrong[label]
    hits = 2 * clips * shares
    return np.asarray(hits / (hits + called + wrong))


def f_measure(label: int) -> Bounds:
    """Bounds of F1 with that label sought."""

    def at_zero(sample: Sample, tail: float) -> float:
        found = 1 - tail ** (1 / sample.people[label])
        return float(2 * found / (1 + found))

    return Bounds(_of_shares(lambda shares, clips: _f_measures(shares, clips)[label]), at_zero)


def precision(label: int, found: float) -> Bounds:
    """Bounds of the share of ``label`` among what is called it, where that share of its own clips is found."""

    def at_one(sample: Sample, tail: float) -> float:
        right = sample.clips[label] * found
        wrong = sample.clips[1 - label] * (1 - tail ** (1 / sample.people[1 - label]))
        return float(right / (right + wrong))

    return Bounds(at_one)


_all_right = _of_shares(lambda shares, clips: np.asarray((shares * clips).sum(axis=0) / clips.sum()))
_each_right = _of_shares(lambda shares, clips: np.asarray(shares.mean(axis=0)))
#: of Brier score and calibration error too: a probability of 0 or 1 that is wrong costs its clip whole
ACCURACY = Bounds(_all_right, opposite(_all_right))
BALANCED_ACCURACY = Bounds(_each_right, opposite(_each_right))
MACRO_F1 = Bounds(_of_shares(lambda shares, clips: np.asarray(_f_measures(shares, clips).mean(axis=0))))

# Costs without an upper bound.


def _act_dcf(sample: Sample, tail: float) -> float:
    missed, flagged = ASVSPOOF5.weights
    weights = np.array([[flagged], [missed]])
    return -_of_shares(lambda shares, clips: np.asarray(-(weights * (1 - shares)).sum(axis=0)))(sample, tail)


ACT_DCF = Bounds(at_one=None, at_zero=_act_dcf)
#: of logarithms of probabilities: nobody knows how sure of itself the next error would be
OPEN_COST = Bounds(at_one=None, at_zero=None)
UNIT = Bounds()
