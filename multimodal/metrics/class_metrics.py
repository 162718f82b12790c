"""Metrics of the four audio-visual classes, at once and for many bootstrap replicates."""

from collections.abc import Mapping

import numpy as np

from multimodal.labels import CLASSES
from multimodal.metrics import weighted
from multimodal.metrics.binary_metrics import Replicates, decided
from multimodal.metrics.checks import Floats, ratio
from multimodal.metrics.decisions import (
    confusion,
    macro_f1,
    multiclass_accuracy,
    multiclass_balanced_accuracy,
)
from multimodal.metrics.sorted_scores import SortedScores
from multimodal.metrics.targets import ClassTarget

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
            areas[name] = weighted.roc_auc(one)
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
