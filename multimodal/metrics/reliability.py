"""How often clips called fake with probability p are fake: the reliability diagram and its summary."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from multimodal.metrics.additive import NUM_BINS, bin_of
from multimodal.metrics.checks import Floats, Ints, as_scores
from multimodal.metrics.costs import as_probabilities


class Reliability(NamedTuple):
    """Points of a reliability diagram, one a bin that has a clip, each (bins,).

    ``probability`` is the mean said, ``share`` the share of fakes found, ``low`` and ``high`` its 95 % interval
    (Wilson 1927; clips taken as independent), ``num_clips`` the clips.
    """

    probability: Floats
    share: Floats
    low: Floats
    high: Floats
    num_clips: Ints


def reliability(fake_scores: ArrayLike, real_scores: ArrayLike, num_bins: int = NUM_BINS) -> Reliability:
    """Points over bins of equal width.

    Args:
        fake_scores: (num_fake,) probabilities of fake of the fake clips.
        real_scores: (num_real,) those of the real clips.
        num_bins: over [0, 1].
    """
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1; got {num_bins}")
    fake = as_probabilities(as_scores(fake_scores, "fake_scores"), "fake_scores")
    real = as_probabilities(as_scores(real_scores, "real_scores"), "real_scores")
    scores = np.concatenate([fake, real])
    bins = bin_of(scores, num_bins)
    count = np.bincount(bins, minlength=num_bins)
    kept = count > 0
    fakes = np.bincount(bins[: len(fake)], minlength=num_bins)[kept]
    count = count[kept]
    low, high = _wilson(fakes, count)
    mean = np.bincount(bins, weights=scores, minlength=num_bins)[kept] / count
    return Reliability(mean, fakes / count, low, high, count)


def expected_calibration_error(fake_scores: ArrayLike, real_scores: ArrayLike, num_bins: int = NUM_BINS) -> float:
    """Mean distance of the points from the diagonal, weighted by clips (Naeini et al. 2015).

    It depends on the bins and is above 0 even for perfect probabilities on few clips.
    """
    points = reliability(fake_scores, real_scores, num_bins)
    if len(points.num_clips) == 0:
        raise ValueError("expected_calibration_error is not defined without clips; got none")
    return float(np.average(np.abs(points.probability - points.share), weights=points.num_clips))


def _wilson(successes: Ints, trials: Ints) -> tuple[Floats, Floats]:
    z = float(stats.norm.ppf(0.975))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)
