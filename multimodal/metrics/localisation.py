"""When a clip is forged: proposed segments against true ones, and frames against frames.

Conventions: times are seconds; a segment is ``(start, end)``, a proposal ``(score, start, end)`` with a higher
score where a forgery is surer, and the proposals of a clip stand from the surest to the least sure. Precision and
recall are those of the corpora (Cai et al., LAV-DF, DICTA 2022, and AV-Deepfake1M, ACM MM 2024), and equal the
package ``avdeepfake1m`` 0.0.4 but for the rounding of its 32-bit numbers. What is easily got wrong:

* A proposal hits where its IoU is *above* the threshold, in 32-bit numbers. Each true segment takes the first
  proposal of its clip that hits and is not taken: the surest, not the one that lies best.
* AP is the area under the precision that can be reached at each recall. The package leaves out what lies left of
  the first proposal, so that a system without a fault has ``1 - 1 / segments``.
* AR is the mean recall at IoU 0.5, 0.55, ... 0.95 with at most N proposals a clip. True segments of clips without
  any proposal are not counted, neither found nor missed: give every clip a proposal, however unsure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from multimodal.metrics.bootstrap import IdentityResampler, bootstrap, identity_codes, interval, precision_of
from multimodal.metrics.checks import Floats
from multimodal.metrics.perfect import AREA, UNIT

AP_OVERLAPS = (0.5, 0.75, 0.95)
AR_COUNTS = (5, 10, 20, 30, 50, 100)
AR_OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


class Located(NamedTuple):
    """What is proposed in a clip, (proposals, 3) from the surest on, and what is true, (segments, 2)."""

    proposals: Float[np.ndarray, "proposals 3"]
    truth: Float[np.ndarray, "segments 2"]


def located(proposals: ArrayLike, truth: ArrayLike) -> Located:
    """Check and sort what is said of one clip; ``ValueError`` for segments that end before they begin."""
    said = np.asarray(proposals, dtype=np.float32).reshape(-1, 3)
    true = np.asarray(truth, dtype=np.float32).reshape(-1, 2)
    for name, segments in (("proposal", said[:, 1:]), ("true segment", true)):
        wrong = ~(segments[:, 0] <= segments[:, 1])  # also where one of them is NaN
        if wrong.any():
            start, end = segments[wrong][0]
            raise ValueError(f"a {name} goes from {start:g} to {end:g} s; give start and end, in seconds")
    return Located(said[np.argsort(-said[:, 0], kind="stable")], true)


def overlaps(
    proposals: Float[np.ndarray, "proposals 2"], truth: Float[np.ndarray, "segments 2"]
) -> Float[np.ndarray, "proposals segments"]:
    """IoU of every proposal with every segment.

    >>> overlaps(np.array([[0.0, 1.0], [3.0, 4.0]]), np.array([[0.5, 1.0]])).tolist()
    [[0.5], [0.0]]
    """
    start, end = proposals[:, None, 0], proposals[:, None, 1]
    inner = np.minimum(end, truth[:, 1]) - np.maximum(start, truth[:, 0])
    outer = np.maximum(end, truth[:, 1]) - np.minimum(start, truth[:, 0])
    return np.divide(np.maximum(inner, 0), outer, out=np.zeros_like(outer), where=outer > 0)


# Average precision.


def average_precision(clips: Sequence[Located], overlap: float) -> float:
    """AP of all clips at one IoU; NaN where nothing is forged.

    >>> clip = located([(0.9, 0.0, 1.0), (0.8, 2.0, 3.0), (0.1, 5.0, 6.0)], [(2.0, 3.0), (5.0, 6.0)])
    >>> round(average_precision([clip], 0.5), 4)
    0.6667
    """
    return float(_Precision(clips, overlap).at(np.ones((len(clips), 1)))[0])


class _Precision:
    """All proposals from the surest on, whether each is right, and how many segments there are to be found."""

    def __init__(self, clips: Sequence[Located], overlap: float) -> None:
        right = [_hits(clip, overlap) for clip in clips]
        scores = np.concatenate([np.empty(0, np.float32), *(clip.proposals[:, 0] for clip in clips)])
        order = np.argsort(-scores, kind="stable")
        self.right = np.concatenate([np.empty(0, bool), *right])[order]
        self.clip = np.repeat(np.arange(len(clips)), [len(one) for one in right])[order]
        self.segments = np.array([len(clip.truth) for clip in clips], dtype=float)

    def at(self, weights: Float[np.ndarray, "clips replicates"]) -> Floats:
        """AP with each clip counted so often, (replicates,)."""
        counted = weights[self.clip]
        found = np.cumsum(counted * self.right[:, None], axis=0)
        said, wanted = np.cumsum(counted, axis=0), self.segments @ weights
        precision = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
        reached = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        steps = np.diff(found, axis=0, prepend=0.0)
        area = (steps * reached).sum(axis=0) - self._left_of_first(counted, reached)
        return np.divide(area, wanted, out=np.full_like(wanted, np.nan), where=wanted > 0)

    def _left_of_first(self, counted: Floats, reached: Floats) -> Floats:
        """What the package leaves out, (replicates,): one segment, where the surest proposal of all is right."""
        if not len(counted):
            return np.zeros(counted.shape[1])
        first, here = (counted > 0).argmax(axis=0), np.arange(counted.shape[1])
        return np.where((counted[first, here] > 0) & self.right[first], reached[first, here], 0.0)


def _hits(clip: Located, overlap: float) -> np.ndarray:
    """Which proposals are taken by a true segment, (proposals,)."""
    taken = np.zeros(len(clip.proposals), dtype=bool)
    near = overlaps(clip.proposals[:, 1:], clip.truth) > np.float32(overlap)
    for column in near.T:
        free = np.flatnonzero(column & ~taken)
        taken[free[:1]] = True
    return taken


# Average recall.


def average_recall(clips: Sequence[Located], count: int) -> float:
    """Mean recall over :data:`AR_OVERLAPS` with at most ``count`` proposals a clip; 0 with nothing to find.

    >>> clip = located([(0.9, 0.0, 1.0), (0.8, 2.0, 3.0)], [(2.0, 3.0), (5.0, 6.0)])
    >>> average_recall([clip], 1), average_recall([clip], 2)
    (0.0, 0.5)
    """
    return float(_Recall(clips, count).at(np.ones((len(clips), 1)))[0])


class _Recall:
    """Segments of every clip that are found at each IoU, and segments that count."""

    def __init__(self, clips: Sequence[Located], count: int) -> None:
        self.found = np.array([_found(clip, count) for clip in clips], dtype=float).reshape(-1, len(AR_OVERLAPS))
        self.counted = np.array([len(clip.truth) if len(clip.proposals) else 0 for clip in clips], dtype=float)

    def at(self, weights: Float[np.ndarray, "clips replicates"]) -> Floats:
        """AR with each clip counted so often, (replicates,)."""
        wanted = self.counted @ weights
        found = (self.found.T @ weights).mean(axis=0)
        return np.divide(found, wanted, out=np.zeros_like(wanted), where=wanted > 0)


def _found(clip: Located, count: int) -> Int[np.ndarray, " overlaps"]:
    best = overlaps(clip.proposals[:count, 1:], clip.truth).max(axis=0, initial=0)
    return (best[:, None] > np.array(AR_OVERLAPS, dtype=np.float32)).sum(axis=0)


# Frames, and everything with its interval.


_LEVELS = 4096


class FrameScores(NamedTuple):
    """Scores of the frames of a clip and whether each is forged, both (frames,)."""

    scores: Floats
    forged: np.ndarray


def judge_localisation(
    clips: Sequence[Located],
    frames: Sequence[FrameScores],
    identity: ArrayLike,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Every measure of where forgeries lie, with 95 % intervals by drawing identities again.

    Args:
        clips: what is proposed and what is true, genuine clips too.
        frames: of the same clips.
        identity: (clips,) who is seen or heard.
        replicates: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.

    Returns:
        ``ap@0.5`` ..., ``ar@5`` ... and ``frame_auc`` → ``{"value", "low", "high"}``, with ``"reason"`` where one
        of them is null.
    """
    codes = identity_codes(identity)
    is_fake = np.array([len(clip.truth) > 0 for clip in clips], dtype=np.int64)
    resampler = IdentityResampler(codes, is_fake)
    precision = precision_of(resampler)
    measures: dict[str, Any] = {f"ap@{overlap}": _Precision(clips, overlap) for overlap in AP_OVERLAPS}
    measures |= {f"ar@{count}": _Recall(clips, count) for count in AR_COUNTS}
    area = _FrameArea(frames, codes)

    def system(draw: Floats) -> Mapping[str, Floats]:
        weights = draw[codes]
        return {**{name: measure.at(weights) for name, measure in measures.items()}, "frame_auc": area.at(draw)}

    drawn = bootstrap(system, resampler, replicates=replicates if precision.reason is None else 0, seed=seed)
    return {
        name: interval(*found, precision, bounds=AREA if name == "frame_auc" else UNIT).as_json()
        for name, found in drawn.items()
    }


class _FrameArea:
    """Frames forged and genuine by identity and score, for the area under their ROC curve.

    Scores are taken in at most :data:`_LEVELS` steps of equal count: corpora have millions of frames.
    """

    def __init__(self, frames: Sequence[FrameScores], codes: Int[np.ndarray, " clips"]) -> None:
        scores = np.concatenate([np.empty(0), *(one.scores for one in frames)])
        forged = np.concatenate([np.empty(0, bool), *(one.forged.astype(bool) for one in frames)])
        owner = np.repeat(codes, [len(one.scores) for one in frames])
        distinct = np.unique(scores)
        if len(distinct) > _LEVELS:
            distinct = np.unique(np.quantile(scores, np.linspace(0, 1, _LEVELS)))
        level = np.searchsorted(distinct, scores)
        place = owner * len(distinct) + level
        size = (codes.max(initial=-1) + 1) * len(distinct)
        self.fake, self.real = (
            np.bincount(place[kind], minlength=size).reshape(-1, len(distinct)).astype(float)
            for kind in (forged, ~forged)
        )

    def at(self, draw: Float[np.ndarray, "identities replicates"]) -> Floats:
        """Area with each identity counted so often, ties half, (replicates,); NaN without both kinds of frames."""
        fake, real = self.fake.T @ draw, self.real.T @ draw
        won = (fake * (np.cumsum(real, axis=0) - real / 2)).sum(axis=0)
        pairs = fake.sum(axis=0) * real.sum(axis=0)
        return np.divide(won, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
