"""Every metric of one binary target, at once and for many bootstrap replicates."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from multimodal.labels import CLASSES
from multimodal.metrics import sorted_scores
from multimodal.metrics.bootstrap import IdentityResampler, Interval, Precision, Range, interval
from multimodal.metrics.checks import Floats, Ints, ratio
from multimodal.metrics.costs import ASVSPOOF5, SMALLEST_PROBABILITY, ratio_loss_bits
from multimodal.metrics.decisions import (
    Decisions,
    accuracy,
    balanced_accuracy,
    confusion,
    decisions_at,
    f_beta,
    macro_f1,
    multiclass_accuracy,
    multiclass_balanced_accuracy,
    precision,
    recall,
)
from multimodal.metrics.scores_table import BinaryTarget, ClassTarget, ScoreMeaning
from multimodal.metrics.sorted_scores import Counts, SortedScores

# Metrics that are means over clips, for many bootstrap replicates at once.


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


class Kind(NamedTuple):
    """Range of a metric's values and whether more is better."""

    bounds: Range = "unit"
    higher_is_better: bool = True


#: path of a metric → its value in each replicate, (replicates,)
Replicates = dict[tuple[str, ...], Floats]

_COST = Kind("positive", False)
_ERROR = Kind("unit", False)

RANKING: dict[str, Callable[[Counts], Floats]] = {
    "auc": sorted_scores.roc_auc,
    "ap_fake": sorted_scores.average_precision_fake,
    "ap_real": sorted_scores.average_precision_real,
    "eer": sorted_scores.equal_error_rate,
    "tpr_at_fpr_1pct": lambda counts: sorted_scores.tpr_at_fpr(counts, 0.01),
    "min_dcf": lambda counts: sorted_scores.least_cost(counts, *ASVSPOOF5.weights),
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


# Metrics of the four audio-visual classes, at once and for many bootstrap replicates.


#: Every metric of the four classes, in the order of the report.
CLASS_METRICS = (
    "balanced_accuracy",
    "macro_auc",
    "accuracy",
    "macro_f1",
    *(f"recall_{name}" for name in CLASSES),
    *(f"auc_{name}" for name in CLASSES),
)
#: What is told of a class at a stored threshold; the rest is not one thing, so nothing is said of it alone.
AT_RULE = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")


class ClassMetrics:
    """Metrics of the four classes as a function of how often each identity is counted.

    The class called is the most probable one. ``auc_X`` and ``recall_X`` are those of class X against the rest;
    the averages over classes are not defined where a class has no clip. Paths ``("at", class, rule, metric)`` are
    those of the class against the rest at a stored threshold.

    Args:
        target: the judged clips.
        thresholds: class → rule → threshold of its posterior.
    """

    def __init__(self, target: ClassTarget, thresholds: Mapping[str, Mapping[str, float]]) -> None:
        self._thresholds = thresholds
        self.confusion = confusion(target.labels, target.posteriors)
        self.num_identities = target.num_identities
        size = len(CLASSES)
        cell = (target.identity * size + target.labels) * size + target.posteriors.argmax(axis=1)
        counts = np.bincount(cell, minlength=self.num_identities * size * size)
        self._per_identity = counts.reshape(self.num_identities, size * size).astype(float)
        self._ranked = {name: _one_against_rest(target, index) for index, name in enumerate(CLASSES)}

    def __call__(self, multiplicities: Floats) -> Replicates:
        """Every metric, (replicates,), for multiplicities (identities, replicates)."""
        size = len(CLASSES)
        counts = (multiplicities.T @ self._per_identity).reshape(-1, size, size)
        recalls = ratio(np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2))
        areas: dict[str, Floats] = {}
        at_rules: Replicates = {}
        for name, ranked in self._ranked.items():
            one = ranked.counts(multiplicities)
            areas[name] = sorted_scores.roc_auc(one)
            for rule, threshold in self._thresholds.get(name, {}).items():
                at_rule = decided(ranked, one, threshold)
                at_rules |= {("at", name, rule, metric): at_rule[metric] for metric in AT_RULE}
        return {
            ("balanced_accuracy",): multiclass_balanced_accuracy(counts),
            ("macro_auc",): np.mean(list(areas.values()), axis=0),
            ("accuracy",): multiclass_accuracy(counts),
            ("macro_f1",): macro_f1(counts),
            **{(f"recall_{name}",): recalls[:, index] for index, name in enumerate(CLASSES)},
            **{(f"auc_{name}",): area for name, area in areas.items()},
            **at_rules,
        }


def _one_against_rest(target: ClassTarget, index: int) -> SortedScores:
    members = target.labels == index
    scores, identity = target.posteriors[:, index], target.identity
    return SortedScores(scores[members], scores[~members], identity[members], identity[~members])


# Every metric of a system with its interval, from one set of draws of identities.


Intervals = dict[tuple[str, ...], Interval]


def with_intervals(
    system: Callable[[Floats], Replicates],
    resampler: IdentityResampler,
    precision: Precision,
    *,
    replicates: int,
    seed: int,
    precision_per_method: Mapping[str, Precision] | None = None,
) -> Intervals:
    """Metrics of the clips as they are, each with its interval.

    Args:
        system: multiplicities (identities, replicates) → path → (replicates,).
        resampler: draws the multiplicities.
        precision: what the identities allow.
        replicates: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
        precision_per_method: for paths ``("method", name, ...)``.
    """
    values = system(np.ones((resampler.num_identities, 1)))
    if replicates == 0 or precision.reason is not None:
        return {path: _alone(float(value[0]), precision.reason) for path, value in values.items()}
    chunks = [system(draw) for draw in resampler.draw(replicates, np.random.default_rng(seed))]
    result: Intervals = {}
    for path, value in values.items():
        known = precision
        if path[0] == "method" and precision_per_method is not None:
            known = precision_per_method[path[1]]
        drawn = np.concatenate([chunk[path] for chunk in chunks])
        result[path] = interval(float(value[0]), drawn, known, bounds=KINDS.get(path[-1], Kind()).bounds)
    return result


def _alone(value: float, reason: str | None) -> Interval:
    if np.isfinite(value):
        return Interval(value, reason=reason)
    return Interval(None, reason="not defined for these clips")
