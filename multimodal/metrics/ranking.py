"""Ranking metrics of one set of scores: what needs no threshold, on scikit-learn where it has it.

Higher score = more likely fake. Every function takes the scores of fakes and of reals apart, checks them, and
raises ``ValueError`` where a class has no clip, because nothing can be ranked then. Ties count one half in the
ROC area and are never broken elsewhere: a threshold cannot separate equal scores. :mod:`.weighted` computes the
same for many bootstrap replicates at once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics

from multimodal.metrics import sorted_scores
from multimodal.metrics.checks import Floats, LabelledScores, as_labels, both_classes
from multimodal.metrics.sorted_scores import SortedScores


class EqualErrorRate(NamedTuple):
    """The rate, and a threshold (score >= threshold is called fake) at or beside it."""

    rate: float
    threshold: float


class DetectionErrorTradeoff(NamedTuple):
    """Points of a DET curve, each (points,), by rising threshold."""

    false_positive_rate: Floats
    false_negative_rate: Floats
    thresholds: Floats


def roc_auc(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Probability that a random fake scores above a random real, ties counting one half.

    >>> roc_auc(fake_scores=[0.9, 0.6, 0.3], real_scores=[0.3, 0.1])
    0.9166666666666666
    """
    return float(metrics.roc_auc_score(*_labelled(both_classes(fake_scores, real_scores, "roc_auc"))))


def average_precision_fake(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Average precision with fake as the class sought; a random system gets about the share of fakes."""
    pair = both_classes(fake_scores, real_scores, "average precision")
    return float(metrics.average_precision_score(*_labelled(pair)))


def average_precision_real(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Average precision with real as the class sought, which a test set full of fakes does not flatter."""
    pair = both_classes(fake_scores, real_scores, "average precision")
    labels, scores = _labelled(pair)
    return float(metrics.average_precision_score(1 - labels, -scores))


def equal_error_rate(fake_scores: ArrayLike, real_scores: ArrayLike) -> EqualErrorRate:
    """Where as large a share of fakes is missed as of reals is flagged.

    The ROC curve is taken as straight lines between its points (a group of tied scores is one line), and the
    rate read where it crosses false positive rate = false negative rate, so it is unique and does not depend on
    the order of tied clips. ASVspoof's tool takes the nearest point instead, without interpolation. Where the
    crossing falls between two points no threshold reaches it: the one given is that of the point with the more
    equal rates.

    >>> equal_error_rate(fake_scores=[0.9, 0.8, 0.4], real_scores=[0.6, 0.2, 0.1])
    EqualErrorRate(rate=0.3333333333333333, threshold=0.5)
    """
    ranked = SortedScores(*both_classes(fake_scores, real_scores, "equal_error_rate"))
    counts = ranked.counts()
    rate = float(sorted_scores.equal_error_rate(counts)[0])
    excess = counts.fake()[:, 0] / counts.num_fake + counts.real()[:, 0] / counts.num_real - 1
    return EqualErrorRate(rate, float(ranked.cut(np.abs(excess).argmin())))


def tpr_at_fpr(fake_scores: ArrayLike, real_scores: ArrayLike, false_positive_rate: float) -> float:
    """Highest share of fakes caught by a threshold that flags at most ``false_positive_rate`` of the reals.

    Not interpolated: a threshold is a thing that can be used. With fewer than 1 / ``false_positive_rate`` reals
    it is the share caught with no false alarm at all.

    >>> tpr_at_fpr(fake_scores=[0.9, 0.8, 0.4], real_scores=[0.6, 0.2], false_positive_rate=0.01)
    0.6666666666666666
    """
    if not 0 <= false_positive_rate <= 1:
        raise ValueError(f"false_positive_rate must be a share in [0, 1]; got {false_positive_rate}. Percent?")
    ranked = SortedScores(*both_classes(fake_scores, real_scores, "tpr_at_fpr"))
    return float(sorted_scores.tpr_at_fpr(ranked.counts(), false_positive_rate)[0])


def det_curve(fake_scores: ArrayLike, real_scores: ArrayLike) -> DetectionErrorTradeoff:
    """Points of the detection error trade-off curve (scikit-learn's ``det_curve``, fake = positive)."""
    pair = both_classes(fake_scores, real_scores, "det_curve")
    return DetectionErrorTradeoff(*metrics.det_curve(*_labelled(pair)))


def macro_auc(labels: ArrayLike, posteriors: ArrayLike) -> float:
    """Mean over classes of the ROC area of one class against the rest.

    Args:
        labels: (n,) index of the true class.
        posteriors: (n, classes) score of each class, higher = more likely.
    """
    truth, scores = check_classes(labels, posteriors)
    areas = [roc_auc(scores[truth == c, c], scores[truth != c, c]) for c in range(scores.shape[1])]
    return float(np.mean(areas))


def check_classes(labels: ArrayLike, posteriors: ArrayLike) -> tuple[np.ndarray, Floats]:
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


def _labelled(pair: LabelledScores) -> tuple[np.ndarray, Floats]:
    labels = np.repeat([1, 0], [len(pair.fake_scores), len(pair.real_scores)])
    return as_labels(labels), np.concatenate(pair)
