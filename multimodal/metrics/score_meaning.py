"""What a score claims to be: a probability, a log-likelihood ratio, or only a rank.

Ranking metrics do not care. Calibration does: it is a property of probabilities, and ASVspoof's actDCF and Cllr
are properties of log-likelihood ratios. Either follows from the other and the prior.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from multimodal.metrics.checks import Floats, as_scores
from multimodal.metrics.costs import as_probabilities, log_likelihood_ratios

ScoreKind = Literal["probability", "llr", "score"]


@dataclass(frozen=True)
class ScoreMeaning:
    """How to read scores.

    Args:
        kind: "probability" of fake in [0, 1]; "llr", the natural logarithm of the likelihood ratio of fake
            against real; "score", anything that is higher for fakes.
        fake_prior: share of fakes that the probabilities assume; 0.5 for a detector trained on balanced classes
            and not corrected since.
    """

    kind: ScoreKind = "probability"
    fake_prior: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in get_args(ScoreKind):
            raise ValueError(f"unknown kind of score {self.kind!r}; choose from {', '.join(get_args(ScoreKind))}")
        if not 0 < self.fake_prior < 1:
            raise ValueError(f"fake_prior must lie inside (0, 1); got {self.fake_prior}. Percent? Divide by 100")

    def check(self, scores: ArrayLike, name: str) -> Floats:
        """The scores as floats; ``ValueError`` where they cannot be what they claim."""
        return as_probabilities(scores, name) if self.kind == "probability" else as_scores(scores, name)

    def probabilities(self, scores: Floats) -> Floats | None:
        """Probability of fake at the prior, or None where scores are only ranks."""
        if self.kind == "llr":
            return special.expit(scores + special.logit(self.fake_prior))
        return scores if self.kind == "probability" else None

    def ratios(self, scores: Floats) -> Floats | None:
        """Log-likelihood ratios of fake against real, or None where scores are only ranks."""
        if self.kind == "probability":
            return log_likelihood_ratios(scores, self.fake_prior)
        return scores if self.kind == "llr" else None

    @property
    def default_threshold(self) -> float | None:
        """Score at which the probability of fake is one half, or None where scores are only ranks."""
        return {"probability": 0.5, "llr": -float(special.logit(self.fake_prior)), "score": None}[self.kind]


def constant(scores: Floats) -> bool:
    """Whether all scores are the same, so that they say nothing."""
    return len(scores) > 0 and bool(np.ptp(scores) == 0)
