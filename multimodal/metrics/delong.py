"""Variance of ROC areas without resampling (DeLong, DeLong and Clarke-Pearson 1988), by mid-ranks.

The mid-rank form (Sun and Xu 2014) sorts instead of comparing all pairs. Clips are taken as independent: where
persons have several clips each, the variance is too small; use the bootstrap over identities then.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from multimodal.metrics.checks import Floats, both_classes


class AreaVariance(NamedTuple):
    """A ROC area and the variance of its estimate."""

    area: float
    variance: float


class AreaDifference(NamedTuple):
    """Area of system A less that of B, its standard error, and the two-sided p-value of no difference.

    ``p_value`` is None where the two systems never differ in any component, so that there is nothing to test.
    """

    difference: float
    standard_error: float
    p_value: float | None


def area_variance(fake_scores: ArrayLike, real_scores: ArrayLike) -> AreaVariance:
    """ROC area with its variance; needs two clips of each class."""
    area, of_fakes, of_reals = _components(fake_scores, real_scores)
    return AreaVariance(area, _variance(of_fakes, of_reals))


def paired_test(
    fake_scores_a: ArrayLike, real_scores_a: ArrayLike, fake_scores_b: ArrayLike, real_scores_b: ArrayLike
) -> AreaDifference:
    """Test whether two systems differ in ROC area on the same clips, given in the same order."""
    area_a, fakes_a, reals_a = _components(fake_scores_a, real_scores_a)
    area_b, fakes_b, reals_b = _components(fake_scores_b, real_scores_b)
    if (len(fakes_a), len(reals_a)) != (len(fakes_b), len(reals_b)):
        raise ValueError(
            f"A has {len(fakes_a)} fakes and {len(reals_a)} reals, B {len(fakes_b)} and {len(reals_b)}; "
            "a paired test wants the same clips"
        )
    difference = area_a - area_b
    error = float(np.sqrt(_variance(fakes_a - fakes_b, reals_a - reals_b)))
    p_value = float(2 * stats.norm.sf(abs(difference) / error)) if error > 0 else None
    return AreaDifference(difference, error, p_value)


def _variance(of_fakes: Floats, of_reals: Floats) -> float:
    return float(np.var(of_fakes, ddof=1) / len(of_fakes) + np.var(of_reals, ddof=1) / len(of_reals))


def _components(fake_scores: ArrayLike, real_scores: ArrayLike) -> tuple[float, Floats, Floats]:
    """The area; for each fake the share of reals it beats; for each real the share of fakes that beat it."""
    fake, real = both_classes(fake_scores, real_scores, "DeLong's variance")
    if len(fake) < 2 or len(real) < 2:
        raise ValueError(
            f"DeLong's variance needs two clips of each class; got {len(fake)} fake, {len(real)} real"
        )
    together = stats.rankdata(np.concatenate([fake, real]))
    of_fakes = (together[: len(fake)] - stats.rankdata(fake)) / len(real)
    of_reals = 1 - (together[len(fake) :] - stats.rankdata(real)) / len(fake)
    return float(of_fakes.mean()), of_fakes, of_reals
