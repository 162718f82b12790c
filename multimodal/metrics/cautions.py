"""Sentences that a reader of the numbers should not miss."""

from typing import NamedTuple

from multimodal.metrics.binary_metrics import KINDS
from multimodal.metrics.floors import Floor
from multimodal.metrics.intervals import Interval
from multimodal.metrics.score_meaning import constant
from multimodal.metrics.targets import BinaryTarget, Unjudged

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
) -> Cautions:
    """What is to be said about one target: its polarity, its clips and its AUC first.

    Args:
        name: of the target.
        target: its judged clips.
        metrics: name → interval.
        floors: system → metric → floor.
        unjudged: real and fake clips that have a label and no score.
    """
    first = []
    num_fake, num_real = int((target.labels == 1).sum()), int((target.labels == 0).sum())
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
    if constant(target.scores):
        first.append(f"{name}: all {len(target.scores)} scores are {target.scores[0]:.4g}; they say nothing")
        return Cautions(first, [])
    few = f"{name}: {num_real} real clips; with fewer than 100, TPR at FPR 1 % is TPR with no false alarm"
    further = [few] if num_real < 100 else []
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
    sign = 1 if KINDS[metric].higher_is_better else -1
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
