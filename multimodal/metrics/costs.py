"""Detection costs as ASVspoof 5 defines them (evaluation plan, equations 3 and 4; its evaluation package).

There a score is the log-likelihood ratio of bona fide against spoof. Here it is that of **fake against real**,
its negative, and the rules below are turned round accordingly: a clip is rejected as fake when its ratio is
above log(beta), beta = Cmiss (1 - Pspf) / (Cfa Pspf). Constants of ASVspoof 5, track 1: Pspf = 0.05 (prior of a
fake), Cmiss = 1 (cost of a real called fake), Cfa = 10 (cost of a fake called real). A normalised cost of 1 is
what calling every clip by the cheaper class would cost.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from multimodal.metrics.checks import (
    Floats,
    as_probabilities,
    as_scores,
    both_classes,
    check_prior,
    inside,
    ratio,
)
from multimodal.metrics.sorted_scores import Counts, SortedScores

# What an error costs.


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Prior and costs of a decision; the defaults are those of ASVspoof 5, track 1."""

    fake_prior: float = 0.05
    cost_of_flagged_real: float = 1.0
    cost_of_missed_fake: float = 10.0

    def __post_init__(self) -> None:
        check_prior(self.fake_prior)
        if not (self.cost_of_flagged_real > 0 and self.cost_of_missed_fake > 0):
            raise ValueError(
                f"costs must be above 0; got {self.cost_of_flagged_real} and {self.cost_of_missed_fake}"
            )

    @property
    def weights(self) -> tuple[float, float]:
        """What the rate of missed fakes and that of flagged reals cost, normalised."""
        missed = self.cost_of_missed_fake * self.fake_prior
        flagged = self.cost_of_flagged_real * (1 - self.fake_prior)
        return missed / min(missed, flagged), flagged / min(missed, flagged)

    @property
    def threshold(self) -> float:
        """Log-likelihood ratio of fake against real above which calling a clip fake is the cheaper decision."""
        missed, flagged = self.weights
        return float(np.log(flagged / missed))


ASVSPOOF5 = CostModel()

# Costs of decisions: at the best threshold there is, and at the one that theory gives.


def min_dcf(fake_scores: ArrayLike, real_scores: ArrayLike, model: CostModel = ASVSPOOF5) -> float:
    """Least normalised cost that any threshold reaches; depends on the ranking only.

    ASVspoof's tool breaks ties in the system's favour; here equal scores are decided alike.
    """
    ranked = SortedScores(*both_classes(fake_scores, real_scores, "min_dcf"))
    return float(min_dcf_of(ranked.counts(), model)[0])


def min_dcf_of(counts: Counts, model: CostModel = ASVSPOOF5) -> Floats:
    """Least of ``missed_weight * FNR + flagged_weight * FPR`` over all thresholds, in each replicate.

    The least cost is at a point just before a real is flagged or at the last, since to flag fakes alone costs
    nothing; and, as well, at a point where a fake is or at the first. The fewer of the two are looked at.
    """
    missed_weight, flagged_weight = model.weights
    before_reals = np.append(counts.points.real_steps - 1, counts.points.last)
    at_fakes = np.insert(counts.points.fake_steps, 0, 0)
    points = before_reals if len(before_reals) <= len(at_fakes) else at_fakes
    caught, flagged = counts.fake(points), counts.real(points)
    caught *= ratio(missed_weight, counts.num_fake)
    flagged *= ratio(flagged_weight, counts.num_real)
    flagged -= caught
    return missed_weight + flagged.min(axis=0)


def act_dcf(fake_ratios: ArrayLike, real_ratios: ArrayLike, model: CostModel = ASVSPOOF5) -> float:
    """Normalised cost at the threshold that theory gives, if the scores are what they claim to be.

    Args:
        fake_ratios: (n,) log-likelihood ratios of fake against real, natural logarithm, of the fake clips.
        real_ratios: those of the real clips.
        model: prior and costs.
    """
    fake, real = both_classes(fake_ratios, real_ratios, "act_dcf")
    missed_weight, flagged_weight = model.weights
    missed, flagged = (fake <= model.threshold).mean(), (real > model.threshold).mean()
    return float(missed_weight * missed + flagged_weight * flagged)


# Log-likelihood ratios: what they cost, and how they follow from probabilities.


def cllr(fake_ratios: ArrayLike, real_ratios: ArrayLike) -> float:
    """Cost of log-likelihood ratios in bits (Brümmer and du Preez 2006); 1 for a system that always says 0."""
    fake, real = both_classes(fake_ratios, real_ratios, "cllr")
    return float((ratio_loss_bits(fake, 1).mean() + ratio_loss_bits(real, 0).mean()) / 2)


def ratio_loss_bits(ratios: ArrayLike, label: int) -> Floats:
    """Loss of each ratio in bits, given what its clip is (1 fake, 0 real): log2(1 + exp(-ratio)) for a fake."""
    signed = as_scores(ratios, "ratios") * (1 if label == 1 else -1)
    return np.logaddexp(0, -signed) / np.log(2)


def log_likelihood_ratios(probabilities: ArrayLike, fake_prior: float) -> Floats:
    """Ratios of fake against real from probabilities of fake: the logit less the logit of the prior they assume.

    >>> log_likelihood_ratios([0.5, 0.9], fake_prior=0.5).round(4).tolist()
    [0.0, 2.1972]
    """
    check_prior(fake_prior)
    return logits(probabilities) - special.logit(fake_prior)


def logits(probabilities: ArrayLike) -> Floats:
    """Logits of probabilities, finite for those of 0 and 1 too."""
    return special.logit(inside(as_probabilities(probabilities)))
