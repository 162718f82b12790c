"""From scores of frames to forged stretches: proposals at every level, thinned by soft NMS, and which to show.

1. At every level of :data:`LEVELS` the frames at or above it form runs; each run is a proposal (the watershed of
   Zhao et al., Temporal Action Detection with Structured Segment Networks, ICCV 2017, section 5).
2. Its score is the mean score of its frames less that of the frames around it, a quarter of its length and at
   least one frame on either side (Shou et al., AutoLoc, ECCV 2018, section 3.3). What lies before and after the
   clip counts as genuine, so that a clip forged throughout has a sure proposal. A stretch shorter than half a
   second rests on few frames: it counts by the root of its share of that, as a mean of so many frames is sure.
3. Proposals that overlap a surer one lose score by ``exp(-IoU^2 / sigma)`` (Bodla et al., Soft-NMS, ICCV 2017, eq.
   3); at most :data:`MOST` stay.
4. Shown are those at or above a threshold at which at most one in twenty genuine clips of validation shows any:
   of such thresholds, the one that tells right stretches best from wrong ones (:func:`showing_threshold`).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from multimodal.metrics.checks import Floats
from multimodal.metrics.localisation import overlaps

LEVELS = tuple(round(0.05 * step, 2) for step in range(20))
MOST = 100
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
    [0.54, 0.1, 0.3]
    """
    scores = np.nan_to_num(scores, nan=0.0)
    runs = sorted({run for level in LEVELS for run in _runs(scores >= level)})
    if not runs:
        return np.empty((0, 3))
    found = np.array([(_contrast(scores, *run), *run) for run in runs], dtype=float)
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


def _contrast(scores: Floats, first: int, end: int) -> float:
    margin = max(1, round((end - first) / 4))
    before, after = scores[max(0, first - margin) : first], scores[end : end + margin]
    outside = (before.sum() + after.sum()) / (2 * margin)
    return float(scores[first:end].mean() - outside)


def showing_threshold(
    genuine: Sequence[float], right: Sequence[float] = (), *, share: float = 0.05
) -> float | None:
    """Least score of a stretch that is shown: at most ``share`` of genuine clips show any. None without one.

    Of such thresholds, the one that shows most right stretches less wrong ones, both as shares: the middle of the
    gap between two scores there, the widest where several are as good. Without a right stretch the lowest.

    Args:
        genuine: score of the surest proposal of every genuine clip of validation.
        right: that of every forged clip of validation whose surest proposal lies right.
        share: of the genuine clips.

    >>> showing_threshold([0.1, 0.3, 0.2, 0.9], share=0.25) > 0.3
    True
    >>> showing_threshold([0.1, 0.3, 0.2], [0.4, 0.8, 0.9])
    0.35
    """
    if not len(genuine):
        return None
    wrong = np.sort(np.asarray(genuine, dtype=float))[::-1]
    allowed = int(share * len(wrong))
    refused = float(wrong[allowed]) if allowed < len(wrong) else 0.0
    good = np.asarray(right, dtype=float)
    if not (good > refused).any():
        return float(np.nextafter(refused, np.inf)) if refused else 0.0
    marks = np.unique([refused, *wrong[wrong > refused], *good[good > refused]])
    gains = np.array([(good >= mark).mean() - (wrong >= mark).mean() for mark in marks[1:]])
    widths = np.where(gains == gains.max(), np.diff(marks), 0.0)
    best = int(widths.argmax())
    return float((marks[best] + marks[best + 1]) / 2)
