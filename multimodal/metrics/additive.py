"""Metrics that are means over clips, for many bootstrap replicates at once.

Their sums over each identity's clips are taken once; a replicate is then one product of those sums with the
multiplicities of the identities.
"""

import numpy as np

from multimodal.metrics.checks import Floats, Ints, ratio
from multimodal.metrics.costs import ASVSPOOF5, SMALLEST_PROBABILITY, ratio_loss_bits
from multimodal.metrics.score_meaning import ScoreMeaning

#: Bins of equal width for the expected calibration error.
NUM_BINS = 15


class AdditiveMetrics:
    """Brier score, log loss, expected calibration error, Cllr and actDCF of one target.

    Args:
        scores: (clips,) as ``meaning`` reads them.
        labels: (clips,) 1 fake, 0 real.
        identity: (clips,) row of each clip's identity in the multiplicities.
        num_identities: rows of the multiplicities.
        meaning: what the scores claim to be; nothing is computed for mere ranks.
        weights: (clips,) how often each clip counts; once where None.
    """

    def __init__(
        self,
        scores: Floats,
        labels: Ints,
        identity: Ints,
        num_identities: int,
        meaning: ScoreMeaning,
        weights: Floats | None = None,
    ) -> None:
        probabilities, ratios = meaning.probabilities(scores), meaning.ratios(scores)
        self._sums: dict[str, Floats] = {}
        if probabilities is None or ratios is None:
            return
        fake, real = labels == 1, labels == 0
        each = np.ones(len(labels)) if weights is None else weights
        threshold = ASVSPOOF5.threshold
        per_clip: dict[str, Floats] = {
            "fake": fake.astype(float),
            "real": real.astype(float),
            "brier": (probabilities - labels) ** 2,
            "log_loss": _log_loss(probabilities, labels),
            "bits_fake": np.where(fake, ratio_loss_bits(ratios, 1), 0),
            "bits_real": np.where(real, ratio_loss_bits(ratios, 0), 0),
            "missed": (fake & (ratios <= threshold)).astype(float),
            "flagged": (real & (ratios > threshold)).astype(float),
        }
        self._sums = {
            name: np.bincount(identity, weights=values * each, minlength=num_identities).astype(float)
            for name, values in per_clip.items()
        }
        cell = identity * NUM_BINS + bin_of(probabilities, NUM_BINS)
        distance = (probabilities - labels) * each
        gaps = np.bincount(cell, weights=distance, minlength=num_identities * NUM_BINS)
        self._gaps = gaps.reshape(num_identities, NUM_BINS)

    def __call__(self, multiplicities: Floats) -> dict[str, Floats]:
        """Each metric, (replicates,); an empty dict where the scores are mere ranks."""
        if not self._sums:
            return {}
        table = np.stack(list(self._sums.values()))
        total = dict(zip(self._sums, table @ multiplicities, strict=True))
        clips = total["fake"] + total["real"]
        missed, flagged = ratio(total["missed"], total["fake"]), ratio(total["flagged"], total["real"])
        missed_weight, flagged_weight = ASVSPOOF5.weights
        return {
            "brier": ratio(total["brier"], clips),
            "log_loss": ratio(total["log_loss"], clips),
            "ece": ratio(np.abs(self._gaps.T @ multiplicities).sum(axis=0), clips),
            "cllr": (ratio(total["bits_fake"], total["fake"]) + ratio(total["bits_real"], total["real"])) / 2,
            "act_dcf": missed_weight * missed + flagged_weight * flagged,
        }


def bin_of(probabilities: Floats, num_bins: int) -> Ints:
    """Index of the equal-width bin of each probability; 1.0 belongs to the last."""
    return np.minimum((probabilities * num_bins).astype(np.int64), num_bins - 1)


def _log_loss(probabilities: Floats, labels: Ints) -> Floats:
    inside = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -np.log(np.where(labels == 1, inside, 1 - inside))
