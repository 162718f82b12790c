"""Scores sorted once and weighted many times: what makes thousands of bootstrap replicates cheap.

A bootstrap replicate draws identities with replacement, so it is the same clips with another integer weight
each. Sorting does not depend on weights; a replicate costs one cumulative sum. Replicates are the last axis,
so that one NumPy call serves a whole chunk of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from multimodal.metrics.checks import Floats, Ints, as_scores


class Points(NamedTuple):
    """Every decision that a threshold can make on a set of clips.

    Point 0 flags nothing; point j flags every clip whose score is at least the j-th largest *distinct* score, so
    that tied scores are never separated; the last point flags all.

    ``fake_flagged`` and ``real_flagged``, (points,), are how many clips each flags. ``fake_steps`` and
    ``real_steps`` are the points that flag a fake (a real) more than the point before.
    """

    fake_flagged: Ints
    real_flagged: Ints
    fake_steps: Ints
    real_steps: Ints

    @property
    def last(self) -> int:
        """Index of the point that flags all."""
        return len(self.fake_flagged) - 1


class Counts(NamedTuple):
    """Weighted numbers of clips flagged as fake, in each replicate.

    ``fake_running`` (num_fake + 1, replicates) is the weight of the k highest-scored fakes, from k = 0;
    ``real_running`` likewise.
    """

    points: Points
    fake_running: Floats
    real_running: Floats

    @property
    def num_fake(self) -> Floats:
        """Weighted number of fake clips in each replicate, (replicates,)."""
        return self.fake_running[-1]

    @property
    def num_real(self) -> Floats:
        """Weighted number of real clips in each replicate, (replicates,)."""
        return self.real_running[-1]

    def fake(self, points: int | Ints | slice = slice(None)) -> Floats:
        """Weight of the fakes flagged at one point, (replicates,), or at several, (points, replicates)."""
        return self.fake_running[self.points.fake_flagged[points]]

    def real(self, points: int | Ints | slice = slice(None)) -> Floats:
        """Weight of the reals flagged at one point, (replicates,), or at several, (points, replicates)."""
        return self.real_running[self.points.real_flagged[points]]

    def each(self, point: Ints) -> tuple[Floats, Floats]:
        """Weights of fakes and reals flagged at a point of its own in each replicate, (replicates,) both."""
        replicate = np.arange(len(point))
        return (
            self.fake_running[self.points.fake_flagged[point], replicate],
            self.real_running[self.points.real_flagged[point], replicate],
        )


class SortedScores:
    """The scores of one target, sorted once.

    Args:
        fake_scores: (num_fake,) higher = more likely fake.
        real_scores: (num_real,)
        fake_identity: (num_fake,) row of each fake clip's identity in the multiplicities; every clip its own
            where None, fakes first.
        real_identity: (num_real,) likewise.
    """

    def __init__(
        self,
        fake_scores: ArrayLike,
        real_scores: ArrayLike,
        fake_identity: ArrayLike | None = None,
        real_identity: ArrayLike | None = None,
    ) -> None:
        fake, real = as_scores(fake_scores, "fake_scores"), as_scores(real_scores, "real_scores")
        fake_rows = np.arange(len(fake)) if fake_identity is None else np.asarray(fake_identity, dtype=np.int64)
        real_rows = (
            np.arange(len(real)) + len(fake)
            if real_identity is None
            else np.asarray(real_identity, dtype=np.int64)
        )
        fake_order, real_order = np.argsort(fake, kind="stable")[::-1], np.argsort(real, kind="stable")[::-1]
        #: (clips,) identities of fakes and of reals, by falling scores
        self.fake_rows, self.real_rows = fake_rows[fake_order], real_rows[real_order]
        #: (points - 1,) the distinct scores, falling
        self.distinct = np.unique(np.concatenate([fake, real]))[::-1]
        fake_flagged = _num_at_least(fake[fake_order[::-1]], self.distinct)
        real_flagged = _num_at_least(real[real_order[::-1]], self.distinct)
        self.points = Points(
            fake_flagged,
            real_flagged,
            np.flatnonzero(np.diff(fake_flagged)) + 1,
            np.flatnonzero(np.diff(real_flagged)) + 1,
        )

    def counts(self, multiplicities: Floats | None = None, *, same_reals: Counts | None = None) -> Counts:
        """Count with the multiplicities (identities, replicates), or every clip once where None.

        ``same_reals``: counts of the same real clips with the same multiplicities, to save time.
        """
        if multiplicities is None:
            each = (np.arange(len(rows) + 1.0)[:, None] for rows in (self.fake_rows, self.real_rows))
            return Counts(self.points, *each)
        return Counts(
            self.points,
            _running(multiplicities, self.fake_rows),
            same_reals.real_running if same_reals is not None else _running(multiplicities, self.real_rows),
        )

    def point_of(self, threshold: float) -> int:
        """Index of the point that flags the scores at or above ``threshold``."""
        return int(np.searchsorted(-self.distinct, -threshold, side="right"))

    def cut(self, first: ArrayLike, last: ArrayLike | None = None) -> Floats:
        """Threshold in the middle of the gap of points ``first`` to ``last``, which flag alike.

        It lies halfway between the lowest score that is flagged and the highest that is not. For point 0 it is
        the next number above the highest score, for the last point the lowest score.
        """
        lowest = np.append(self.distinct, self.distinct[-1])
        highest = np.insert(self.distinct, 0, np.nextafter(self.distinct[0], np.inf))
        above, below = highest[np.asarray(first)], lowest[np.asarray(first if last is None else last)]
        middle = below + (above - below) / 2
        return np.where(np.asarray(first) == 0, above, np.where(middle > below, middle, above))


def _num_at_least(rising: Floats, thresholds: Floats) -> Ints:
    """(points,) how many of the rising scores reach each threshold, with 0 in front."""
    return np.insert(len(rising) - np.searchsorted(rising, thresholds, side="left"), 0, 0)


def _running(multiplicities: Floats, rows: Ints) -> Floats:
    """(clips + 1, replicates) running total of the weights of clips in falling order of score, from 0."""
    running = np.zeros((len(rows) + 1, multiplicities.shape[1]))
    np.cumsum(np.take(multiplicities, rows, axis=0), axis=0, out=running[1:])
    return running
