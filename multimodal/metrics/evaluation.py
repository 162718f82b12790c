"""From a scores table to ``metrics.json``: every number with its interval, floors and cautions.

The columns that are read, and what they mean, are at the head of :mod:`.scores_table`; the metrics are listed in
:mod:`.target_metrics`. Here they are put together: everything that the table can be asked is judged, and beside
the numbers stands what a reader should not miss.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics.bootstrap import IdentityResampler, Interval, Precision, precision_of
from multimodal.metrics.floors import Floor, binary_floors, class_floors
from multimodal.metrics.options import ScoreKind
from multimodal.metrics.scores_table import (
    QUESTIONS,
    BinaryTarget,
    ScoreMeaning,
    Unjudged,
    asked,
    binary_target,
    check_once,
    class_target,
    has_classes,
    in_order,
)
from multimodal.metrics.target_metrics import (
    CLASS_METRICS,
    METRICS,
    BinaryMetrics,
    ClassMetrics,
    Intervals,
    with_intervals,
)

Report = dict[str, Any]
#: target → rule → what was chosen, as in ``thresholds.json``
StoredThresholds = Mapping[str, Mapping[str, Mapping[str, Any]]]

_SIDES = ("counts", "floors", "per_method", "macro_over_methods", "at_thresholds")
_SIDES_ALONE = ("counts", "floors", "at_thresholds")
#: Fewer real clips than this, and what their average precision is on average is told.
FEW_REALS = 50
BIAS_OF_FEW = "average precision (real) of few reals comes out too high on average, by up to 0.07 at 20 of them"
#: Name, among the rules, of the threshold at which both labels are as likely.
EVEN_ODDS = "even_odds"


def evaluate_scores(
    scores: pd.DataFrame,
    *,
    thresholds: StoredThresholds | None = None,
    kind: ScoreKind = "probability",
    fake_prior: Mapping[str, float] | None = None,
    turned: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> Report:
    """Judge the scores of one split.

    Args:
        scores: a row a clip; see the head of this module.
        thresholds: target or class → rule → ``{"threshold": number or None}``, chosen on validation data;
            metrics at them are given under ``"at_thresholds"``, beside those at ``"even_odds"``, probability 0.5.
        kind: what the scores claim to be.
        fake_prior: target → share of fakes that the probabilities assume; 0.5 where not given.
        turned: whether the scores were higher for reals where they came from; warnings name them as they stood.
        replicates: of the bootstrap over identities; 0 for no intervals.
        seed: of the bootstrap.

    Returns:
        The contents of ``metrics.json``: a number is ``{"value", "low", "high"}``, with ``"reason"`` where one
        of them is null because it is not defined. ``"warnings"`` are to be seen first, ``"further_warnings"`` can
        be read up. ``"per_method"`` has the fakes of one method and all reals. ``"video_alone"`` and
        ``"audio_alone"`` are the modalities' own heads.
    """
    if scores.empty:
        raise ValueError("no scores: the table has no row. Does the split have clips?")
    check_once(scores)
    scores = in_order(scores)
    split, drawn = _split_of(scores), {"replicates": replicates, "seed": seed}
    parts = {}
    for name in asked(scores):
        meaning = ScoreMeaning(kind, (fake_prior or {}).get(name, 0.5), turned)
        usable = _usable(thresholds, name, meaning.default_threshold)
        parts[name] = _judge_binary(scores, name, meaning, usable, **drawn)
    classes = None
    if has_classes(scores):
        usable_of = {name: _usable(thresholds, name, 0.5) for name in CLASSES}
        classes = _judge_classes(scores, usable_of, **drawn)
    if not parts and classes is None:
        raise ValueError(
            "nothing to judge: want a label and a score column, e.g. any_fake and score_any; "
            f"got {', '.join(map(str, scores.columns))}"
        )
    unit, unit_warnings = _drawn_unit(scores)
    said: list[Cautions] = [part["warnings"] for part in parts.values()]
    return {
        "split": split,
        **{name: part["metrics"] for name, part in parts.items()},
        **({} if classes is None else {"class": classes["metrics"], "confusion": classes["confusion"]}),
        **_sides(parts, classes),
        "intervals": {"method": f"bootstrap over {unit}", "replicates": replicates, "level": 0.95, "seed": seed},
        "warnings": [line for one in said for line in one.first] + unit_warnings,
        "further_warnings": [line for one in said for line in one.further],
    }


def _sides(parts: Mapping[str, Report], classes: Report | None) -> dict[str, Report]:
    """What stands beside the metrics: side → target → its part; each class has thresholds of its own."""
    sides = {
        side: {name: part[side] for name, part in parts.items() if name in TARGETS or side in _SIDES_ALONE}
        for side in _SIDES
    }
    if classes is not None:
        sides["at_thresholds"] |= classes["at_thresholds"]
        for side in ("counts", "floors"):
            sides[side]["class"] = classes[side]
    return sides


def _drawn_unit(scores: pd.DataFrame) -> tuple[str, list[str]]:
    """What the bootstrap draws again, and a warning where that must be clips."""
    if "identity" in scores and scores["identity"].notna().any():
        return "identities", []
    return "clips", [
        "the scores name no identity, so every clip counts as another person's: intervals are too narrow "
        "where people have several clips"
    ]


def _judge_binary(
    scores: pd.DataFrame,
    name: str,
    meaning: ScoreMeaning,
    thresholds: dict[str, float],
    replicates: int,
    seed: int,
) -> Report:
    question = QUESTIONS[name]
    target, unjudged = binary_target(scores, question, meaning)
    found: Intervals = {(metric,): Interval(None, reason="no clip was judged") for metric in METRICS}
    if len(target.scores):
        resampler = IdentityResampler(target.identity, target.labels)
        system = BinaryMetrics(target, meaning, thresholds)
        found = with_intervals(
            system,
            resampler,
            precision_of(resampler),
            replicates=replicates,
            seed=seed,
            precision_per_method={method: _precision_of(target, method) for method in target.fake_methods},
            ranked=system.ranked,
        )
    floors = binary_floors(target.num_fake, target.num_real, meaning.fake_prior)
    metrics = {metric: found[metric,] for metric in METRICS if (metric,) in found}
    return {
        "metrics": _as_json(metrics),
        "counts": {
            "real": target.num_real,
            "fake": target.num_fake,
            "identities": target.num_identities,
            "not_judged": sum(unjudged),
            "unlabelled": int(scores[question.label].isna().sum()),
        },
        "floors": floors,
        "per_method": {
            method: _method_part(target, method, _below(found, "method", method), meaning)
            for method in target.fake_methods
        },
        "macro_over_methods": _below(found, "macro"),
        "at_thresholds": _at(found, thresholds),
        "warnings": cautions(name, target, metrics, floors, unjudged, meaning),
    }


def _judge_classes(
    scores: pd.DataFrame, thresholds: dict[str, dict[str, float]], replicates: int, seed: int
) -> Report:
    target, not_judged = class_target(scores)
    counts = {name: int((target.labels == index).sum()) for index, name in enumerate(CLASSES)}
    found: Intervals = {(metric,): Interval(None, reason="no clip was judged") for metric in CLASS_METRICS}
    confusion = np.zeros((len(CLASSES), len(CLASSES)), dtype=int)
    if len(target.labels):
        system = ClassMetrics(target, thresholds)
        confusion = system.confusion
        resampler = IdentityResampler(target.identity, target.labels)
        precision = precision_of(resampler, CLASSES)
        found = with_intervals(system, resampler, precision, replicates=replicates, seed=seed)
    return {
        "metrics": _as_json({path[0]: entry for path, entry in found.items() if len(path) == 1}),
        "at_thresholds": {name: _at(found, chosen, name) for name, chosen in thresholds.items() if chosen},
        "confusion": {"classes": list(CLASSES), "counts": confusion.tolist()},
        "counts": {**counts, "identities": target.num_identities, "not_judged": not_judged},
        "floors": class_floors(counts),
    }


def _precision_of(target: BinaryTarget, method: str) -> Precision:
    """What the identities of the fakes of one method and of all reals allow."""
    part = target.of_method(method)
    _, identity = np.unique(part.identity, return_inverse=True)
    return precision_of(IdentityResampler(identity, part.labels))


def _method_part(target: BinaryTarget, method: str, metrics: Report, meaning: ScoreMeaning) -> Report:
    """How many fakes there are of a method, the metrics of these and all reals, and the floors of the metrics."""
    num_fake = target.of_method(method).num_fake
    floors = binary_floors(num_fake, target.num_real, meaning.fake_prior)
    shown = {system: {name: of.get(name) for name in metrics} for system, of in floors.items()}
    return {"count": num_fake, **metrics, "floors": shown}


def _split_of(scores: pd.DataFrame) -> str | None:
    names = sorted(scores["split"].dropna().unique()) if "split" in scores else []
    if len(names) > 1:
        raise ValueError(f"scores of several splits: {', '.join(names)}. Judge one at a time")
    return names[0] if names else None


def _usable(thresholds: StoredThresholds | None, name: str, even_odds: float | None) -> dict[str, float]:
    """Rule → threshold, with that of even odds in front; nothing where no threshold is stored."""
    stored = (thresholds or {}).get(name, {})
    usable = {rule: entry["threshold"] for rule, entry in stored.items() if entry["threshold"] is not None}
    return usable if even_odds is None or not usable else {EVEN_ODDS: even_odds, **usable}


def _below(found: Intervals, *start: str) -> Report:
    """The metrics whose path begins with ``start``."""
    return _as_json({path[-1]: entry for path, entry in found.items() if path[: len(start)] == start})


def _at(found: Intervals, thresholds: Mapping[str, float], *of: str) -> Report:
    """Rule → its threshold and the metrics at it."""
    return {rule: {"threshold": value, **_below(found, "at", *of, rule)} for rule, value in thresholds.items()}


def _as_json(metrics: Mapping[str, Interval]) -> Report:
    return {name: entry.as_json() for name, entry in metrics.items()}


# Sentences that a reader of the numbers should not miss.


#: Metrics compared with their floors: the ones that are quoted.
_QUOTED = ("auc", "ap_fake", "ap_real", "eer", "accuracy", "balanced_accuracy", "f1")
#: Without an interval, a value no further than this from a floor is called near.
_NEAR = 0.02


class Cautions(NamedTuple):
    """What must be seen first, and what can be read up."""

    first: list[str]
    further: list[str]


def cautions(
    name: str,
    target: BinaryTarget,
    metrics: dict[str, Interval],
    floors: dict[str, Floor],
    unjudged: Unjudged,
    meaning: ScoreMeaning,
) -> Cautions:
    """What is to be said about one target: its polarity, its clips and its AUC first.

    Args:
        name: of the target.
        target: its judged clips.
        metrics: name → interval.
        floors: system → metric → floor.
        unjudged: real and fake clips that have a label and no score.
        meaning: of the scores.
    """
    first = []
    num_fake, num_real = target.num_fake, target.num_real
    missing = sum(unjudged)
    if missing:
        share = missing / (missing + num_fake + num_real)
        first.append(
            f"{name}: {missing} clips ({share:.1%}: {unjudged.fake} fake, {unjudged.real} real) "
            "could not be judged; the metrics speak of the others"
        )
    absent = [kind for kind, count in (("fake", num_fake), ("real", num_real)) if count == 0]
    if absent:
        first.append(f"{name}: no {' and no '.join(absent)} clip was judged; most metrics are not defined")
        return Cautions(first, [])
    if target.says_nothing:
        only = meaning.as_given(target.scores[0])
        first.append(f"{name}: all {len(target.scores)} scores are {only:.4g}; they say nothing")
        return Cautions(first, [])
    if len(target.scores) >= 4 and len(set(target.scores.tolist())) == 2:
        low, high = sorted(meaning.as_given(score) for score in set(target.scores.tolist()))
        first.append(
            f"{name}: the scores are {low:.4g} and {high:.4g} alone, decisions and "
            "not scores: AUC, EER and the like speak of one threshold and are mostly worse than the system's. "
            "Give its scores instead"
        )
    few = f"{name}: {num_real} real clips; with fewer than 100, TPR at FPR 1 % is TPR with no false alarm"
    further = [few] if num_real < 100 else []
    if num_real < FEW_REALS:
        further.append(f"{name}: {num_real} real clips; {BIAS_OF_FEW}")
    if inverted(metrics["auc"]):
        first.append(
            f"{name}: AUC {metrics['auc'].value:.3f} is clearly below 0.5. Is the polarity inverted? "
            "Here a higher score means fake; label 1 is fake"
        )
        return Cautions(first, further)
    for metric in _QUOTED:
        if (note := _near_floor(metric, metrics, floors)) is not None:
            (first if metric == "auc" else further).append(f"{name}: {note}")
    return Cautions(first, further)


def inverted(auc: Interval) -> bool:
    """Whether a ROC area is clearly below 0.5: its interval is, or without one it is below 0.4."""
    if auc.value is None:
        return False
    return auc.high < 0.5 if auc.high is not None else auc.value < 0.4


def _near_floor(metric: str, metrics: dict[str, Interval], floors: dict[str, Floor]) -> str | None:
    """Say that a metric is not clearly better than a system that does not look, or None."""
    found = metrics.get(metric)
    if found is None or found.value is None:
        return None
    sign = 1 if METRICS[metric].higher_is_better else -1
    worst = found.low if sign == 1 else found.high
    bound = sign * (worst if worst is not None else found.value - sign * _NEAR)
    known = {system: floor[metric] for system, floor in floors.items() if floor.get(metric) is not None}
    beaten_by = [(sign * value, system, value) for system, value in known.items() if value is not None]
    if not beaten_by:
        return None
    height, system, value = max(beaten_by)
    if bound > height:
        return None
    return f"{metric} {found.value:.3f} is not clearly better than the {value:.3f} of a system that is {system}"
