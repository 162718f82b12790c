"""From scores of frames to forged stretches: proposals at every level, thinned by soft NMS, and which to show.

1. At every level of :data:`LEVELS` the frames at or above it form runs; each run is a proposal (the watershed of
   Zhao et al., Temporal Action Detection with Structured Segment Networks, ICCV 2017, section 5).
2. Its score is the mean log-odds of its frames less that of the frames around it, a quarter of its length and at
   least one frame on either side (contrast as in Shou et al., AutoLoc, ECCV 2018, section 3.3). Beyond the ends of
   the clip the odds count as even, so that a clip forged throughout keeps a sure proposal. Log-odds are cut at
   those of the highest level and their negative: beyond they tell edges of stretches badly. Scores are shares of
   the largest contrast that is left, in [-1, 1]. A stretch shorter than half a second rests on few frames: it
   counts by the root of its share of that, as a mean of so many frames is sure.
3. Proposals that overlap a surer one lose score by ``exp(-IoU^2 / sigma)`` (Bodla et al., Soft-NMS, ICCV 2017, eq.
   3); at most :data:`MOST` stay.
4. Shown are those at or above a threshold of each modality; at most one in twenty genuine clips is to show any, in
   picture or sound (:func:`showing_thresholds`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import logit

from multimodal.labels import Modality
from multimodal.metrics.checks import Floats
from multimodal.metrics.localisation import overlaps

LEVELS = tuple(round(0.05 * step, 2) for step in range(20))
MOST = 100
#: Log-odds of a frame count up to here, and down to their negative.
_SUREST = float(logit(LEVELS[-1]))
#: Seconds from which on a stretch is as sure as its contrast.
_WHOLE = 0.5
SIGMA = 0.3


def propose(
    scores: Float[np.ndarray, " frames"], frame_rate: float, start_seconds: float = 0.0
) -> Float[np.ndarray, "proposals 3"]:
    """Proposals ``(score, start, end)`` in seconds, the surest first.

    Args:
        scores: probability of forged of every frame; NaN (not judged) counts as genuine.
        frame_rate: frames a second.
        start_seconds: where the first frame begins.

    >>> propose(np.array([0.0, 0.9, 0.9, 0.1]), frame_rate=10.0)[0].round(2).tolist()
    [0.51, 0.1, 0.3]
    """
    scores = np.nan_to_num(scores, nan=0.0)
    runs = sorted({run for level in LEVELS for run in _runs(scores >= level)})
    if not runs:
        return np.empty((0, 3))
    odds = logit(np.clip(scores, 1 - LEVELS[-1], LEVELS[-1]))
    found = np.array([(_contrast(odds, *run) / (2 * _SUREST), *run) for run in runs], dtype=float)
    seconds = (found[:, 2] - found[:, 1]) / frame_rate
    found[:, 0] *= np.sqrt(np.minimum(seconds / _WHOLE, 1))
    found[:, 1:] = start_seconds + found[:, 1:] / frame_rate
    return soft_nms(found)


def soft_nms(
    proposals: Float[np.ndarray, "proposals 3"], *, sigma: float = SIGMA, most: int = MOST
) -> Float[np.ndarray, "kept 3"]:
    """Proposals, the surest first, each with a score lowered for its overlap with surer ones."""
    left = proposals.copy()
    kept: list[Floats] = []
    while len(left) and len(kept) < most:
        best = int(left[:, 0].argmax())
        chosen, left = left[best], np.delete(left, best, axis=0)
        kept.append(chosen)
        left[:, 0] *= np.exp(-(overlaps(left[:, 1:], chosen[None, 1:])[:, 0] ** 2) / sigma)
    return np.array(kept).reshape(-1, 3)


def apart(proposals: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Proposals that overlap no surer one, the surest first: what is shown to a person.

    >>> apart([(0.9, 1.0, 2.0), (0.8, 1.5, 2.5), (0.7, 3.0, 4.0)])
    [(0.9, 1.0, 2.0), (0.7, 3.0, 4.0)]
    """
    kept: list[tuple[float, float, float]] = []
    for score, start, end in proposals:
        if all(end <= other[1] or start >= other[2] for other in kept):
            kept.append((score, start, end))
    return kept


def _runs(inside: np.ndarray) -> list[tuple[int, int]]:
    """First and last-plus-one frame of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _contrast(odds: Floats, first: int, end: int) -> float:
    margin = max(1, round((end - first) / 4))
    before, after = odds[max(0, first - margin) : first], odds[end : end + margin]
    outside = (before.sum() + after.sum()) / (2 * margin)  # beyond the clip they are 0
    return float(odds[first:end].mean() - outside)


class Surest(NamedTuple):
    """The surest proposal of each clip in one modality: its score, 0 without any, and whether it lies right."""

    scores: Float[np.ndarray, " clips"]
    right: Bool[np.ndarray, " clips"]


def beyond(
    surest: Mapping[Modality, Surest], thresholds: Mapping[Modality, float | None]
) -> tuple[Float[np.ndarray, " clips"], Bool[np.ndarray, " clips"]]:
    """By how much each clip's surest stretch exceeds its modality's threshold, and whether it lies right.

    The clip shows a stretch where that is at least 0; a modality without a threshold shows none.
    """
    margins = [one.scores - _or_infinite(thresholds[name]) for name, one in surest.items()]
    right = np.array([one.right for one in surest.values()])
    return np.max(margins, axis=0), np.take_along_axis(right, np.argmax(margins, axis=0)[None], axis=0)[0]


def showing_thresholds(
    surest: Mapping[Modality, Surest], forged: Bool[np.ndarray, " clips"], *, share: float = 0.05
) -> dict[Modality, float | None]:
    """Least scores of stretches that are shown, so that at most ``share`` of genuine clips show any at all.

    A reader of a verdict sees the stretches of picture and sound together, so the two share the false alarms that
    are allowed. They are spent where they find most: both thresholds stand for the same odds of a right stretch
    against one of a genuine clip, by a logistic regression on the score in each modality: two numbers each, for
    which few clips are enough. Of n genuine clips ``share * (n + 1) - 1`` may show one, rounded down, which holds
    for the next clip like them as well (conformal prediction: Vovk et al., Algorithmic Learning in a Random World,
    2005, section 4.1). Of the odds that keep to that, those with the most right stretches shown less genuine clips
    that show any, both as shares; in the middle between what is refused and the next right stretch. Without any
    right stretch the lowest, with scores counted from those of genuine clips in their standard deviations.

    Args:
        surest: of every clip of validation.
        forged: which of them are forged in any modality.
        share: of genuine clips.

    Returns:
        A threshold of each modality; None for all without a genuine clip, and for one where only the other's
        stretches lie right, or higher scores do so no more often.

    >>> forged = np.array([False, False, True, True])
    >>> showing_thresholds({"video": Surest(np.array([0.1, 0.2, 0.6, 0.7]), forged)}, forged)["video"]
    0.4
    """
    if forged.all():
        return dict.fromkeys(surest)
    is_any_right = any(one.right[forged].any() for one in surest.values())
    lines = {
        name: _odds(one.scores[~forged], one.scores[forged & one.right])
        if is_any_right
        else _unit(one.scores[~forged])
        for name, one in surest.items()
    }
    lines = {name: line for name, line in lines.items() if line.slope > 0}
    if not lines:
        return dict.fromkeys(surest)
    levels = np.array([line.slope * surest[name].scores + line.offset for name, line in lines.items()])
    rights = np.array([surest[name].right & forged for name in lines])
    level, right = levels.max(axis=0), np.take_along_axis(rights, levels.argmax(axis=0)[None], axis=0)[0]
    least = _least(level[~forged], level[right], max(int(share * ((~forged).sum() + 1)) - 1, 0))
    return {name: (least - lines[name].offset) / lines[name].slope if name in lines else None for name in surest}


class _Line(NamedTuple):
    slope: float
    offset: float


def _odds(genuine: Floats, right: Floats) -> _Line:
    """Log-odds of a right stretch where both are as frequent, by its score; 0 without any."""
    from sklearn.linear_model import LogisticRegression  # a process that judges has no use for it

    if not len(right):
        return _Line(0.0, 0.0)
    scores = np.concatenate([genuine, right])
    scale = max(float(scores.std()), 1e-6)
    fitted = LogisticRegression(class_weight="balanced").fit(
        scores[:, None] / scale, np.arange(len(scores)) >= len(genuine)
    )
    return _Line(float(fitted.coef_[0, 0]) / scale, float(fitted.intercept_[0]))


def _unit(scores: Floats) -> _Line:
    scale = max(float(scores.std()), 1e-6)
    return _Line(1 / scale, -float(scores.mean()) / scale)


def _least(genuine: Floats, right: Floats, allowed: int) -> float:
    """Least level that is shown; at most ``allowed`` genuine ones reach it."""
    refused = np.unique(np.sort(genuine)[::-1][: allowed + 1])
    gains = np.array([(right > mark).sum() / max(len(right), 1) - (genuine > mark).mean() for mark in refused])
    mark = float(refused[len(gains) - 1 - int(gains[::-1].argmax())] if len(right) else refused[0])
    above = right[right > mark]
    # by more than what rounding takes away when levels become scores again
    return (mark + float(above.min())) / 2 if len(above) else mark + 1e-6 * max(abs(mark), 1.0)


def _or_infinite(threshold: float | None) -> float:
    return np.inf if threshold is None else threshold
