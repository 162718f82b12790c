"""How true probabilities are: whether of the clips called fake with probability p a share p is fake.

Conventions: a probability is that of fake; a log-likelihood ratio is that of fake against real, natural logarithm.
Every metric here is a mean over clips, so a bootstrap replicate needs only the sums over the clips of each
identity: :class:`ClipSums` adds them up once, and the functions that take :class:`Totals` give the metric in each
replicate, (replicates,). Lower is better in all of them. Points of the reliability diagram, from which the
calibration error is read, are at the end.
"""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from multimodal.metrics.checks import Floats, Ints, as_probabilities, inside, ratio
from multimodal.metrics.costs import ASVSPOOF5, ratio_loss_bits

#: Bins of equal width for the expected calibration error.
NUM_BINS = 15

# Sums over clips, weighted anew in each replicate.


class Totals(NamedTuple):
    """Weighted sums over the clips of each replicate, (replicates,) all of them but ``gaps``.

    ``fake`` and ``real`` are the clips of each class, ``squared_errors`` and ``losses`` what all of them are off
    by, ``bits_fake`` and ``bits_real`` what their ratios cost, ``missed`` and ``flagged`` the errors at ASVspoof's
    threshold. ``gaps``, (bins, replicates), are probabilities less labels, summed in each bin.
    """

    fake: Floats
    real: Floats
    squared_errors: Floats
    losses: Floats
    bits_fake: Floats
    bits_real: Floats
    missed: Floats
    flagged: Floats
    gaps: Floats


class ClipSums:
    """The clips of one target, summed by identity once.

    Args:
        probabilities: (clips,) of fake.
        ratios: (clips,) the log-likelihood ratios that they mean.
        labels: (clips,) 1 fake, 0 real.
        identity: (clips,) row of each clip's identity in the multiplicities.
        num_identities: rows of the multiplicities.
        weights: (clips,) how often each clip counts; once where None.
        log_odds: (clips,) of fake, where they are known beyond what a probability of nearly 0 or 1 can hold; the
            log loss is then that of these, and not that of probabilities kept off 0 and 1.
    """

    def __init__(
        self,
        probabilities: Floats,
        ratios: Floats,
        labels: Ints,
        identity: Ints,
        num_identities: int,
        weights: Floats | None = None,
        log_odds: Floats | None = None,
    ) -> None:
        fake, real = labels == 1, labels == 0
        each = np.ones(len(labels)) if weights is None else weights
        if log_odds is None:
            kept = inside(probabilities)
            losses = -np.log(np.where(labels == 1, kept, 1 - kept))
        else:
            losses = np.logaddexp(0, np.where(labels == 1, -log_odds, log_odds))
        per_clip = (
            fake.astype(float),
            real.astype(float),
            (probabilities - labels) ** 2,
            losses,
            np.where(fake, ratio_loss_bits(ratios, 1), 0),
            np.where(real, ratio_loss_bits(ratios, 0), 0),
            (fake & (ratios <= ASVSPOOF5.threshold)).astype(float),
            (real & (ratios > ASVSPOOF5.threshold)).astype(float),
        )
        self._sums = np.stack(
            [np.bincount(identity, weights=values * each, minlength=num_identities) for values in per_clip]
        )
        cell = identity * NUM_BINS + bin_of(probabilities, NUM_BINS)
        distance = (probabilities - labels) * each
        gaps = np.bincount(cell, weights=distance, minlength=num_identities * NUM_BINS)
        self._gaps = gaps.reshape(num_identities, NUM_BINS)

    def totals(self, multiplicities: Floats) -> Totals:
        """The sums in each replicate, for multiplicities (identities, replicates)."""
        return Totals._make([*(self._sums @ multiplicities), self._gaps.T @ multiplicities])


# The metrics.


def brier_of(totals: Totals) -> Floats:
    """Mean squared error of the probabilities (Brier 1950)."""
    return ratio(totals.squared_errors, totals.fake + totals.real)


def log_loss_of(totals: Totals) -> Floats:
    """Mean negative log likelihood, in nats."""
    return ratio(totals.losses, totals.fake + totals.real)


def expected_calibration_error_of(totals: Totals) -> Floats:
    """Mean distance of the bins of the reliability diagram from its diagonal, weighted by clips."""
    return ratio(np.abs(totals.gaps).sum(axis=0), totals.fake + totals.real)


def cllr_of(totals: Totals) -> Floats:
    """Cost of the log-likelihood ratios in bits, see :func:`~.costs.cllr`."""
    return (ratio(totals.bits_fake, totals.fake) + ratio(totals.bits_real, totals.real)) / 2


def act_dcf_of(totals: Totals) -> Floats:
    """Normalised cost at the threshold that theory gives, see :func:`~.costs.act_dcf`."""
    missed_weight, flagged_weight = ASVSPOOF5.weights
    missed, flagged = ratio(totals.missed, totals.fake), ratio(totals.flagged, totals.real)
    return missed_weight * missed + flagged_weight * flagged


# The reliability diagram and its summary.


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
    fake, real = as_probabilities(fake_scores, "fake_scores"), as_probabilities(real_scores, "real_scores")
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


def bin_of(probabilities: Floats, num_bins: int) -> Ints:
    """Index of the equal-width bin of each probability; 1.0 belongs to the last."""
    return np.minimum((probabilities * num_bins).astype(np.int64), num_bins - 1)


def _wilson(successes: Ints, trials: Ints) -> tuple[Floats, Floats]:
    z = float(scipy.stats.norm.ppf(0.975))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)
