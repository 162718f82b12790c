"""One answer: from scores and operating points to words, so that the whole is never less fake than a part of it.

Conventions: a score at or above its threshold speaks for "fake". A threshold is itself an estimate from the people
of the validation split: drawn again, they give another one. Between the bounds that hold so many of those
thresholds (the *band of doubt*) the word is "cannot say": as good a threshold would have said the other word.
A clip is fake as soon as a part of it is, so the word for ``any`` is the strongest of its own and its parts'.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from multimodal.metrics.checks import Floats, check_share

Word = Literal["fake", "real", "cannot say"]

#: From the weakest to the strongest claim about a whole of which it is said of a part.
_STRENGTH: tuple[Word, ...] = ("real", "cannot say", "fake")


class DecisionPoint(NamedTuple):
    """A threshold with its band of doubt; the bounds are None where there is none, all where nothing decides."""

    threshold: float | None = None
    low: float | None = None
    high: float | None = None

    def word(self, score: float | None) -> Word:
        """What a score says at this point.

        >>> point = DecisionPoint(0.6, 0.5, 0.7)
        >>> point.word(0.49), point.word(0.6), point.word(0.7), DecisionPoint(0.6).word(0.6)
        ('real', 'cannot say', 'fake', 'fake')
        """
        if score is None or self.threshold is None:
            return "cannot say"
        if self.low is not None and self.high is not None and self.low <= score < self.high:
            return "cannot say"
        return "fake" if score >= self.threshold else "real"


def decision_point(entry: Mapping[str, Any], doubt: float) -> DecisionPoint:
    """The point of an entry of ``thresholds.json``, with the band that holds a share ``doubt`` of its draws.

    A threshold outside all of its draws was set by hand, and has no band; nor has one that was not drawn again.

    Args:
        entry: with ``threshold`` and, where identities were drawn again, ``draws``.
        doubt: from 0 (no band) to below 1.
    """
    threshold, draws = entry.get("threshold"), entry.get("draws")
    check_share("doubt", doubt)
    if threshold is None or not draws or doubt == 0 or not draws[0] <= threshold <= draws[-1]:
        return DecisionPoint(threshold)
    low, high = np.interp([(1 - doubt) / 2, (1 + doubt) / 2], np.linspace(0, 1, len(draws)), draws)
    return DecisionPoint(threshold, min(float(low), threshold), max(float(high), threshold))


def strongest(words: Iterable[Word]) -> Word:
    """The word for a whole: fake where a part is, real where all are.

    >>> strongest(["real", "cannot say"]), strongest(["cannot say", "fake"]), strongest(["real", "real"])
    ('cannot say', 'fake', 'real')
    """
    return max(words, key=_STRENGTH.index)


def no_less_than_parts(whole: Floats, parts: Floats) -> Floats:
    """Probabilities of a whole, (clips,), raised to the largest of its parts', (clips, parts).

    That one of several things happened is at least as probable as each of them; a calibration of its own for each
    does not keep that. Unknown stays what is, and what is unknown of the parts raises nothing.

    >>> no_less_than_parts(np.array([0.3, 0.9]), np.array([[0.7, np.nan], [0.1, 0.2]])).tolist()
    [0.7, 0.9]
    """
    return np.maximum(whole, np.where(np.isnan(parts), 0.0, parts).max(axis=1))
