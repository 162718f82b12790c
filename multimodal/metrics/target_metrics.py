"""The metrics of a target: one list of them all, and all of them at once for many bootstrap replicates.

**To add a metric**, write its function (in :mod:`.ranking`, :mod:`.decisions`, :mod:`.costs` or
:mod:`.calibration_error`), one line in the table below, and in :mod:`.floors` what a system that does not
look would reach. It is then in ``metrics.json`` with its interval, in the tables of the terminal and on the
page, under the title that its line gives it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from multimodal.labels import CLASSES
from multimodal.metrics import calibration_error, decisions, perfect, ranking
from multimodal.metrics.bootstrap import (
    Drawn,
    IdentityResampler,
    Interval,
    Precision,
    bootstrap,
    interval,
    no_surer_than_parts,
)
from multimodal.metrics.calibration_error import ClipSums, Totals
from multimodal.metrics.checks import Floats, ratio
from multimodal.metrics.costs import min_dcf_of
from multimodal.metrics.decisions import Decisions, decisions_at
from multimodal.metrics.own_threshold import Limits, caught_at, least_cost, no_surer_than_threshold
from multimodal.metrics.perfect import UNIT, Bounds
from multimodal.metrics.scores_table import BinaryTarget, ClassTarget, ScoreMeaning
from multimodal.metrics.sorted_scores import Counts, SortedScores

Given = TypeVar("Given")


@dataclass(frozen=True)
class Metric(Generic[Given]):
    """A line of the list.

    Args:
        compute: what the metric is made of → its value in each replicate, (replicates,).
        title: how tables and pages call it.
        bounds: its range, and what a value at either end of it says of the truth (:mod:`.perfect`).
        higher_is_better: False for errors and costs.
        per_method: whether it is told of each forgery method too, whose fakes are set against all reals.
        own_threshold: what it allows the truth to be, where it chooses a threshold among the clips that it judges.
    """

    compute: Callable[[Given], Floats]
    title: str
    bounds: Bounds = UNIT
    higher_is_better: bool = True
    per_method: bool = False
    own_threshold: Limits | None = None


# The list. Its order is that of the report.


#: Needs no threshold: of the sorted scores.
RANKING: dict[str, Metric[Counts]] = {
    "auc": Metric(ranking.roc_auc_of, "ROC-AUC", perfect.AREA, per_method=True),
    "ap_fake": Metric(
        ranking.average_precision_fake_of,
        "average precision (fake)",
        perfect.average_precision(1),
        per_method=True,
    ),
    "ap_real": Metric(
        ranking.average_precision_real_of,
        "average precision (real)",
        perfect.average_precision(0),
        per_method=True,
    ),
    "eer": Metric(
        ranking.equal_error_rate_of,
        "equal error rate",
        perfect.EQUAL_ERROR_RATE,
        higher_is_better=False,
        per_method=True,
    ),
    "tpr_at_fpr_1pct": Metric(
        lambda counts: ranking.tpr_at_fpr_of(counts, 0.01),
        "TPR at FPR 1 %",
        perfect.fakes_caught(0.01),
        per_method=True,
        own_threshold=caught_at(0.01),
    ),
    "min_dcf": Metric(min_dcf_of, "minDCF", perfect.MIN_DCF, higher_is_better=False, own_threshold=least_cost),
}
#: Of the decisions at one threshold.
DECISIONS: dict[str, Metric[Decisions]] = {
    "accuracy": Metric(decisions.accuracy, "accuracy", perfect.ACCURACY),
    "balanced_accuracy": Metric(
        decisions.balanced_accuracy, "balanced accuracy", perfect.BALANCED_ACCURACY, per_method=True
    ),
    "precision": Metric(decisions.precision, "precision (fake)"),
    "recall": Metric(decisions.recall, "recall (fake)", perfect.share_of(1), per_method=True),
    "f1": Metric(decisions.f_beta, "F1 (fake)", perfect.f_measure(1), per_method=True),
    "precision_real": Metric(lambda made: decisions.precision(made.seeking_real()), "precision (real)"),
    "recall_real": Metric(
        lambda made: decisions.recall(made.seeking_real()), "recall (real)", perfect.share_of(0)
    ),
    "f1_real": Metric(lambda made: decisions.f_beta(made.seeking_real()), "F1 (real)", perfect.f_measure(0)),
}
#: Of probabilities; mere ranks have none.
PROBABILITIES: dict[str, Metric[Totals]] = {
    "brier": Metric(calibration_error.brier_of, "Brier score", perfect.ACCURACY, higher_is_better=False),
    "log_loss": Metric(calibration_error.log_loss_of, "log loss", perfect.OPEN_COST, higher_is_better=False),
    "ece": Metric(
        calibration_error.expected_calibration_error_of,
        "expected calibration error",
        perfect.ACCURACY,
        higher_is_better=False,
    ),
    "cllr": Metric(calibration_error.cllr_of, "Cllr", perfect.OPEN_COST, higher_is_better=False),
    "act_dcf": Metric(calibration_error.act_dcf_of, "actDCF", perfect.ACT_DCF, higher_is_better=False),
}
#: Every metric of a binary target.
METRICS: dict[str, Metric[Any]] = {**RANKING, **DECISIONS, **PROBABILITIES}

#: Every metric of the four classes, with its title; all lie in [0, 1] and are better when higher.
CLASS_METRICS: dict[str, str] = {
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro ROC-AUC",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    **{f"recall_{name}": f"recall of {name}" for name in CLASSES},
    **{f"auc_{name}": f"ROC-AUC of {name}" for name in CLASSES},
}
#: What a value at the end of its range says, of metrics of the four classes together.
_CLASS_BOUNDS: dict[tuple[str, ...], Bounds] = {
    ("balanced_accuracy",): perfect.BALANCED_ACCURACY,
    ("macro_auc",): perfect.MACRO_AREA,
    ("accuracy",): perfect.ACCURACY,
    ("macro_f1",): perfect.MACRO_F1,
    **{(f"recall_{name}",): perfect.share_of(index) for index, name in enumerate(CLASSES)},
    **{(f"auc_{name}",): perfect.area_against_rest(index) for index, name in enumerate(CLASSES)},
}
#: What is precise depends on how much is found: precision → the label sought, and its recall.
_PRECISIONS = {"precision": (1, "recall"), "precision_real": (0, "recall_real")}
#: Metrics of a class at a stored threshold. The other three classes are no class of their own, so they have none.
AT_RULE = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")

# All metrics of a system as a function of how often each identity is counted.


#: path of a metric → its value in each replicate, (replicates,)
Replicates = dict[tuple[str, ...], Floats]


class BinaryMetrics:
    """All metrics of a target with the two answers fake and real.

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
        #: start of the paths → the scores of which they tell
        self.ranked: dict[tuple[str, ...], SortedScores] = {(): self._ranked}
        self.ranked |= {("method", name): of for name, of in self._methods.items()}
        self._sums = _clip_sums(target, meaning)

    def __call__(self, multiplicities: Floats) -> Replicates:
        """Every metric, (replicates,), for multiplicities (identities, replicates)."""
        counts = self._ranked.counts(multiplicities)
        result: Replicates = {(name,): metric.compute(counts) for name, metric in RANKING.items()}
        if self._default is not None:
            result |= {(name,): values for name, values in _decided(self._ranked, counts, self._default).items()}
        if self._sums is not None:
            totals = self._sums.totals(multiplicities)
            result |= {(name,): metric.compute(totals) for name, metric in PROBABILITIES.items()}
        for rule, threshold in self._thresholds.items():
            at_rule = _decided(self._ranked, counts, threshold)
            result |= {("at", rule, name): values for name, values in at_rule.items()}
        return result | self._per_method(multiplicities, counts)

    def _per_method(self, multiplicities: Floats, overall: Counts) -> Replicates:
        result: Replicates = {}
        for name, ranked in self._methods.items():
            counts = ranked.counts(multiplicities, same_reals=overall)
            told = {one: metric.compute(counts) for one, metric in RANKING.items() if metric.per_method}
            if self._default is not None:
                made = decisions_at(counts, ranked.point_of(self._default))
                told |= {one: metric.compute(made) for one, metric in DECISIONS.items() if metric.per_method}
            result |= {("method", name, one): values for one, values in told.items()}
        for metric in sorted({path[-1] for path in result}):
            each = np.stack([values for path, values in result.items() if path[-1] == metric])
            result["macro", metric] = _mean_of_defined(each)
        return result


class ClassMetrics:
    """All metrics of the four classes.

    The class called is the most probable one. ``auc_X`` and ``recall_X`` are those of class X against the rest;
    the averages over classes are not defined where a class has no clip. Paths ``("at", class, rule, metric)`` are
    those of the class against the rest at a stored threshold.

    Args:
        target: the judged clips.
        thresholds: class → rule → threshold of its posterior.
    """

    def __init__(self, target: ClassTarget, thresholds: Mapping[str, Mapping[str, float]]) -> None:
        self._thresholds = thresholds
        self.confusion = decisions.confusion(target.labels, target.posteriors)
        size, num_identities = len(CLASSES), target.num_identities
        cell = (target.identity * size + target.labels) * size + target.posteriors.argmax(axis=1)
        counts = np.bincount(cell, minlength=num_identities * size * size)
        self._per_identity = counts.reshape(num_identities, size * size).astype(float)
        self._ranked = {name: target.against_rest(name).ranked() for name in CLASSES}

    def __call__(self, multiplicities: Floats) -> Replicates:
        """Every metric, (replicates,), for multiplicities (identities, replicates)."""
        size = len(CLASSES)
        counts = (multiplicities.T @ self._per_identity).reshape(-1, size, size)
        recalls = ratio(np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2))
        areas: dict[str, Floats] = {}
        at_rules: Replicates = {}
        for name, ranked in self._ranked.items():
            one = ranked.counts(multiplicities)
            areas[name] = ranking.roc_auc_of(one)
            for rule, threshold in self._thresholds.get(name, {}).items():
                at_rule = _decided(ranked, one, threshold)
                at_rules |= {("at", name, rule, metric): at_rule[metric] for metric in AT_RULE}
        return {
            ("balanced_accuracy",): decisions.multiclass_balanced_accuracy(counts),
            ("macro_auc",): np.mean(list(areas.values()), axis=0),
            ("accuracy",): decisions.multiclass_accuracy(counts),
            ("macro_f1",): decisions.macro_f1(counts),
            **{(f"recall_{name}",): recalls[:, index] for index, name in enumerate(CLASSES)},
            **{(f"auc_{name}",): area for name, area in areas.items()},
            **at_rules,
        }


def _clip_sums(target: BinaryTarget, meaning: ScoreMeaning) -> ClipSums | None:
    """What the metrics of probabilities are made of, or None where scores are mere ranks."""
    probabilities, ratios = meaning.probabilities(target.scores), meaning.ratios(target.scores)
    if probabilities is None or ratios is None:
        return None
    return ClipSums(
        probabilities,
        ratios,
        target.labels,
        target.identity,
        target.num_identities,
        log_odds=meaning.log_odds(target.scores),
    )


def _decided(ranked: SortedScores, counts: Counts, threshold: float) -> dict[str, Floats]:
    """Metrics of the decisions at one threshold, (replicates,)."""
    made = decisions_at(counts, ranked.point_of(threshold))
    return {name: metric.compute(made) for name, metric in DECISIONS.items()}


def _mean_of_defined(values: Floats) -> Floats:
    """Mean over methods of those that a replicate has, (replicates,); NaN where it has none."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=0)
    return total / np.where(defined.any(axis=0), defined.sum(axis=0), np.nan)


# All metrics of a system with their intervals.


Intervals = dict[tuple[str, ...], Interval]


def with_intervals(
    system: Callable[[Floats], Replicates],
    resampler: IdentityResampler,
    precision: Precision,
    *,
    replicates: int,
    seed: int,
    precision_per_method: Mapping[str, Precision] | None = None,
    ranked: Mapping[tuple[str, ...], SortedScores] | None = None,
) -> Intervals:
    """Metrics of the clips as they are, each with its interval.

    Args:
        system: multiplicities (identities, replicates) → path → (replicates,).
        resampler: draws the multiplicities.
        precision: what the identities allow.
        replicates: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
        precision_per_method: for paths ``("method", name, ...)``.
        ranked: start of paths → the scores of which they tell, as of :class:`BinaryMetrics`.
    """
    # where the identities allow no interval, draws would be for nothing
    draws = replicates if precision.reason is None else 0
    # without draws what the identities of one method allow is beside the point
    methods = precision_per_method if draws and precision_per_method is not None else {}

    def known(path: tuple[str, ...]) -> Precision:
        if path[0] == "at" and path[1] in CLASSES:
            return precision._replace(sample=precision.sample.against_rest(CLASSES.index(path[1])))
        return methods.get(path[1], precision) if path[0] == "method" else precision

    drawn = bootstrap(system, resampler, replicates=draws, seed=seed)
    told = {path: interval(*found, known(path), bounds=_bounds_of(path, drawn)) for path, found in drawn.items()}
    for path in [path for path, found in told.items() if found.low is not None and 0 < (found.value or 0) < 1]:
        parts = _parts_of(path, drawn)
        if parts:
            of_parts = [interval(*part, known(path), bounds=bounds) for part, bounds in parts]
            told[path] = no_surer_than_parts(told[path], of_parts, [part.replicates for part, _ in parts])
    return told | _of_own_thresholds(told, ranked or {})


def _of_own_thresholds(told: Intervals, ranked: Mapping[tuple[str, ...], SortedScores]) -> Intervals:
    """Intervals of metrics that choose their threshold, no surer than it, and of their means over methods."""
    wider: Intervals = {}
    for name, metric in RANKING.items():
        if metric.own_threshold is None:
            continue
        for start, scores in ranked.items():
            path = (*start, name)
            if path in told:
                wider[path] = no_surer_than_threshold(told[path], metric.own_threshold, scores)
        if ("macro", name) in told:
            of_methods = [found for path, found in wider.items() if path[0] == "method" and path[-1] == name]
            wider["macro", name] = _no_surer_than_all(told["macro", name], of_methods)
    return wider


def _no_surer_than_all(found: Interval, parts: Sequence[Interval]) -> Interval:
    """Widen the interval of a mean of parts that err together, as the same reals chose the threshold of all."""
    limits = [(one.low, one.high) for one in parts if one.low is not None and one.high is not None]
    if found.low is None or found.high is None or not limits:
        return found
    low, high = np.mean(limits, axis=0)
    return found._replace(low=min(found.low, float(low)), high=max(found.high, float(high)))


def _parts_of(path: tuple[str, ...], drawn: Mapping[tuple[str, ...], Drawn]) -> list[tuple[Drawn, Bounds]]:
    """What a metric is the mean of, with the bounds of each part; nothing for all others."""
    of_classes = {"balanced_accuracy": "recall", "macro_auc": "auc"}
    if path[0] in of_classes and ("macro_auc",) in drawn:
        names = [(f"{of_classes[path[0]]}_{name}",) for name in CLASSES]
        return [(drawn[name], _CLASS_BOUNDS[name]) for name in names]
    if path[0] == "macro":
        methods = [name for name in drawn if name[0] == "method" and name[-1] == path[-1]]
        return [(drawn[name], METRICS[path[-1]].bounds) for name in methods]
    if path[-1] == "balanced_accuracy":
        beside = (*path[:-1], "recall")
        both, fake = drawn[path], drawn[beside]
        real = Drawn(2 * both.value - fake.value, 2 * both.replicates - fake.replicates)
        return [(real, perfect.share_of(0)), (fake, perfect.share_of(1))]
    return []


def _bounds_of(path: tuple[str, ...], drawn: Mapping[tuple[str, ...], Drawn]) -> Bounds:
    if path in _CLASS_BOUNDS and ("macro_auc",) in drawn:
        return _CLASS_BOUNDS[path]
    if path[-1] in _PRECISIONS:
        label, recall = _PRECISIONS[path[-1]]
        beside = (*path[:-1], recall)
        return perfect.precision(label, drawn[beside].value)
    return METRICS[path[-1]].bounds
