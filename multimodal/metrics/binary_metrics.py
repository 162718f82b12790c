"""Every metric of one binary target, at once and for many bootstrap replicates."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from multimodal.metrics import weighted
from multimodal.metrics.additive import AdditiveMetrics
from multimodal.metrics.checks import Floats
from multimodal.metrics.costs import ASVSPOOF5
from multimodal.metrics.decisions import (
    Decisions,
    accuracy,
    balanced_accuracy,
    decisions_at,
    f_beta,
    precision,
    recall,
)
from multimodal.metrics.intervals import Range
from multimodal.metrics.score_meaning import ScoreMeaning
from multimodal.metrics.sorted_scores import Counts, SortedScores
from multimodal.metrics.targets import BinaryTarget


class Kind(NamedTuple):
    """Range of a metric's values and whether more is better."""

    bounds: Range = "unit"
    higher_is_better: bool = True


#: path of a metric → its value in each replicate, (replicates,)
Replicates = dict[tuple[str, ...], Floats]

_COST = Kind("positive", False)
_ERROR = Kind("unit", False)

RANKING: dict[str, Callable[[Counts], Floats]] = {
    "auc": weighted.roc_auc,
    "ap_fake": weighted.average_precision_fake,
    "ap_real": weighted.average_precision_real,
    "eer": weighted.equal_error_rate,
    "tpr_at_fpr_1pct": lambda counts: weighted.tpr_at_fpr(counts, 0.01),
    "min_dcf": lambda counts: weighted.least_cost(counts, *ASVSPOOF5.weights),
}
DECISIONS: dict[str, Callable[[Decisions], Floats]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f_beta,
    "precision_real": lambda decisions: precision(decisions.seeking_real()),
    "recall_real": lambda decisions: recall(decisions.seeking_real()),
    "f1_real": lambda decisions: f_beta(decisions.seeking_real()),
}

#: Every metric of a binary target, in the order of the report.
KINDS: dict[str, Kind] = {
    **dict.fromkeys((*RANKING, *DECISIONS), Kind()),
    "eer": _ERROR,
    "min_dcf": _ERROR,
    "brier": _ERROR,
    "log_loss": _COST,
    "ece": _ERROR,
    "cllr": _COST,
    "act_dcf": _COST,
}
#: What is told of each forgery method, whose fakes are ranked against all reals, and of decisions about them.
PER_METHOD = ("auc", "ap_fake", "ap_real", "eer", "tpr_at_fpr_1pct")
PER_METHOD_DECISIONS = ("balanced_accuracy", "recall", "f1")


class BinaryMetrics:
    """All metrics of a target as a function of how often each identity is counted.

    Keys of the result are paths: ``("auc",)``, ``("at", rule, "f1")``, ``("method", name, "auc")`` and
    ``("macro", "auc")``, the mean over methods.

    Args:
        target: the judged clips.
        meaning: what the scores claim to be.
        thresholds: rule → threshold, beside the default one of ``meaning``.
    """

    def __init__(self, target: BinaryTarget, meaning: ScoreMeaning, thresholds: Mapping[str, float]) -> None:
        self._ranked = target.ranked()
        self._default = meaning.default_threshold
        self._thresholds = thresholds
        self._methods = {name: target.of_method(name).ranked() for name in target.fake_methods}
        self._additive = AdditiveMetrics(
            target.scores, target.labels, target.identity, target.num_identities, meaning
        )
        self.num_identities = target.num_identities

    def __call__(self, multiplicities: Floats) -> Replicates:
        """Every metric, (replicates,), for multiplicities (identities, replicates)."""
        counts = self._ranked.counts(multiplicities)
        result: Replicates = {(name,): metric(counts) for name, metric in RANKING.items()}
        if self._default is not None:
            result |= {(name,): values for name, values in decided(self._ranked, counts, self._default).items()}
        result |= {(name,): values for name, values in self._additive(multiplicities).items()}
        for rule, threshold in self._thresholds.items():
            at_rule = decided(self._ranked, counts, threshold)
            result |= {("at", rule, name): values for name, values in at_rule.items()}
        return result | self._per_method(multiplicities, counts)

    def _per_method(self, multiplicities: Floats, overall: Counts) -> Replicates:
        result: Replicates = {}
        for name, ranked in self._methods.items():
            counts = ranked.counts(multiplicities, same_reals=overall)
            result |= {("method", name, metric): RANKING[metric](counts) for metric in PER_METHOD}
            if self._default is not None:
                decisions = decisions_at(counts, ranked.point_of(self._default))
                result |= {("method", name, one): DECISIONS[one](decisions) for one in PER_METHOD_DECISIONS}
        for metric in sorted({path[-1] for path in result}):
            each = np.stack([values for path, values in result.items() if path[-1] == metric])
            result["macro", metric] = _mean_of_defined(each)
        return result


def decided(ranked: SortedScores, counts: Counts, threshold: float) -> dict[str, Floats]:
    """Metrics of the decisions at one threshold, (replicates,)."""
    decisions = decisions_at(counts, ranked.point_of(threshold))
    return {name: metric(decisions) for name, metric in DECISIONS.items()}


def _mean_of_defined(values: Floats) -> Floats:
    """Mean over methods of those that a replicate has, (replicates,); NaN where it has none."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=0)
    return total / np.where(defined.any(axis=0), defined.sum(axis=0), np.nan)
