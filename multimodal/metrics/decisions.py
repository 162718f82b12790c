"""Metrics of decisions: what a threshold, or the most probable class, makes of the clips.

A clip is called fake when its score is **at or above** the threshold. :class:`Decisions` holds numbers or arrays
(one entry a bootstrap replicate), and every metric gives the same shape; NaN means "not defined", as precision
is where nothing was flagged. It is never replaced by 0 or 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from multimodal.metrics.checks import Floats, Ints, as_scores, ratio
from multimodal.metrics.sorted_scores import Counts

# Fake or real, at one threshold.


class Decisions(NamedTuple):
    """The binary confusion: how many clips of each kind were called what."""

    fake_called_fake: Floats
    fake_called_real: Floats
    real_called_fake: Floats
    real_called_real: Floats

    @property
    def num_fake(self) -> Floats:
        """Fake clips."""
        return self.fake_called_fake + self.fake_called_real

    @property
    def num_real(self) -> Floats:
        """Real clips."""
        return self.real_called_fake + self.real_called_real

    def seeking_real(self) -> "Decisions":
        """The same decisions with the two classes exchanged, for metrics of the class real."""
        return Decisions(*reversed(self))


def decide(fake_scores: ArrayLike, real_scores: ArrayLike, threshold: float) -> Decisions:
    """Decisions at one threshold.

    >>> [int(count) for count in decide([0.9, 0.5, 0.2], [0.5, 0.1], threshold=0.5)]
    [2, 1, 1, 1]
    """
    fake, real = as_scores(fake_scores, "fake_scores"), as_scores(real_scores, "real_scores")
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be a finite number; got {threshold}. Was it not defined when chosen?")
    caught, flagged = float((fake >= threshold).sum()), float((real >= threshold).sum())
    return Decisions(*map(np.asarray, (caught, len(fake) - caught, flagged, len(real) - flagged)))


def decisions_at(counts: Counts, points: int | slice = slice(None)) -> Decisions:
    """Decisions at one point of the counts, (replicates,), or at every point, (points, replicates)."""
    fake, real = counts.fake(points), counts.real(points)
    return Decisions(fake, counts.num_fake - fake, real, counts.num_real - real)


def accuracy(decisions: Decisions) -> Floats:
    """Share of clips called right. With 42 fakes to a real, calling everything fake reaches 0.977."""
    right = decisions.fake_called_fake + decisions.real_called_real
    return ratio(right, decisions.num_fake + decisions.num_real)


def recall(decisions: Decisions) -> Floats:
    """Share of fakes called fake."""
    return ratio(decisions.fake_called_fake, decisions.num_fake)


def precision(decisions: Decisions) -> Floats:
    """Share of fakes among the clips called fake; not defined where nothing was, or where a class has no clip."""
    share = ratio(decisions.fake_called_fake, decisions.fake_called_fake + decisions.real_called_fake)
    return np.where((decisions.num_fake == 0) | (decisions.num_real == 0), np.nan, share)


def balanced_accuracy(decisions: Decisions) -> Floats:
    """Mean of the recalls of fake and of real; 0.5 for any system that does not look."""
    return (recall(decisions) + recall(decisions.seeking_real())) / 2


def f_beta(decisions: Decisions, beta: float = 1.0) -> Floats:
    """F-beta of fake: recall counts ``beta`` times as much as precision (van Rijsbergen 1979).

    Not defined where a class has no clip.
    """
    if not beta > 0:
        raise ValueError(f"beta must be above 0; got {beta}. Use precision or recall for the limits")
    weighted_hits = (1 + beta**2) * decisions.fake_called_fake
    errors = beta**2 * decisions.fake_called_real + decisions.real_called_fake
    one_class = (decisions.num_fake == 0) | (decisions.num_real == 0)
    return np.where(one_class, np.nan, ratio(weighted_hits, weighted_hits + errors))


# One class of several: the most probable.


def check_classes(labels: ArrayLike, posteriors: ArrayLike) -> tuple[Ints, Floats]:
    """Labels as (n,) indices and posteriors as a finite (n, classes) table; ``ValueError`` otherwise."""
    scores, truth = np.asarray(posteriors, dtype=np.float64), np.asarray(labels)
    if scores.ndim != 2 or truth.shape != scores.shape[:1]:
        raise ValueError(f"want labels (n,) and posteriors (n, classes); got {truth.shape} and {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("posteriors hold NaN or infinite numbers; leave out (and count) unjudged clips first")
    if len(truth) and not (np.isin(truth, np.arange(scores.shape[1]))).all():
        raise ValueError(
            f"labels must be class indices 0 to {scores.shape[1] - 1}; got {sorted(set(truth.tolist()))}"
        )
    return truth.astype(np.int64), scores


def confusion(labels: ArrayLike, posteriors: ArrayLike) -> Ints:
    """(classes, classes) counts of clips: row = true class, column = most probable class.

    A tie goes to the first of the tied classes.
    """
    from sklearn.metrics import confusion_matrix  # a process that judges has no use for scikit-learn

    truth, scores = check_classes(labels, posteriors)
    every = np.arange(scores.shape[1])
    if len(truth) == 0:
        return np.zeros((len(every), len(every)), dtype=np.int64)
    return confusion_matrix(truth, scores.argmax(axis=1), labels=every).astype(np.int64)


def multiclass_accuracy(counts: ArrayLike) -> Floats:
    """Share of the diagonal of ``counts``, (..., classes, classes), whose rows are the truth."""
    table = np.asarray(counts)
    return ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def multiclass_balanced_accuracy(counts: ArrayLike) -> Floats:
    """Mean recall of the classes; not defined where one of them has no clip."""
    table = np.asarray(counts)
    return ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1)).mean(axis=-1)


def macro_f1(counts: ArrayLike) -> Floats:
    """Mean F1 of the classes, each against the rest; not defined where one of them has no clip."""
    table = np.asarray(counts)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    truths = table.sum(axis=-1)
    each = np.where(truths == 0, np.nan, ratio(2 * hits, truths + table.sum(axis=-2)))
    return each.mean(axis=-1)
