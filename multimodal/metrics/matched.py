"""Fakes compared only with reals of the same source or scene, so that room, voice and coding tell nothing.

Where sources hold real and fake in unlike shares, a system that knows the source alone ranks fakes above reals.
Two remedies: rank within each source and average (:func:`within_sources`), beside the :func:`source_floor` of
knowing the source alone; or compare a fake with its own original (:func:`paired_accuracy`).

A higher score = more likely fake.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from multimodal.metrics.bootstrap import IdentityResampler, Interval, bootstrap, interval, precision_of
from multimodal.metrics.checks import Floats, ratio
from multimodal.metrics.perfect import AREA, EQUAL_ERROR_RATE
from multimodal.metrics.ranking import equal_error_rate, roc_auc

# Within sources that hold both labels.


class WithinSource(NamedTuple):
    """Counts, ROC area and equal error rate of one source's own clips."""

    num_real: int
    num_fake: int
    auc: float
    eer: float


class WithinSources(NamedTuple):
    """Means over the sources that hold both labels, each counting the same, and these sources by name."""

    auc: Interval
    eer: Interval
    sources: Mapping[str, WithinSource]


def within_sources(
    labels: ArrayLike, scores: ArrayLike, sources: ArrayLike, *, replicates: int = 1000, seed: int = 0
) -> WithinSources:
    """Rank the clips of each source apart, and average.

    Intervals come from drawing sources, so they speak of other sources like these: of four they are wide.

    Args:
        labels: (clips,) 1 fake, 0 real.
        scores: (clips,)
        sources: (clips,) where each clip comes from.
        replicates: of the bootstrap over sources; 0 for no intervals.
        seed: of the bootstrap.

    >>> found = within_sources([1, 0, 1, 0, 1], [0.9, 0.1, 0.3, 0.4, 0.8], ["a", "a", "b", "b", "c"], replicates=0)
    >>> found.auc.value, sorted(found.sources)
    (0.5, ['a', 'b'])
    """
    table = pd.DataFrame({"label": labels, "score": scores, "source": sources})
    found = {
        str(name): _within(rows)
        for name, rows in table.groupby("source", sort=True)
        if rows["label"].nunique() > 1
    }
    if not found:
        nothing = Interval(None, reason="no source holds both labels")
        return WithinSources(nothing, nothing, found)
    values = {name: np.array([getattr(one, name) for one in found.values()]) for name in ("auc", "eer")}
    resampler = IdentityResampler(np.repeat(np.arange(len(found)), 2), np.tile([0, 1], len(found)))

    def means(multiplicities: Floats) -> dict[str, Floats]:
        drawn = multiplicities.sum(axis=0)
        return {name: ratio(value @ multiplicities, drawn) for name, value in values.items()}

    precision = precision_of(resampler)
    drawn = bootstrap(means, resampler, replicates=replicates, seed=seed)
    auc = interval(*drawn["auc"], precision, bounds=AREA)
    eer = interval(*drawn["eer"], precision, bounds=EQUAL_ERROR_RATE)
    return WithinSources(auc, eer, found)


def _within(rows: pd.DataFrame) -> WithinSource:
    fake, real = (rows.loc[rows["label"] == label, "score"].to_numpy(float) for label in (1, 0))
    return WithinSource(len(real), len(fake), roc_auc(fake, real), equal_error_rate(fake, real).rate)


def source_floor(labels: ArrayLike, sources: ArrayLike) -> WithinSource:
    """What the best system reaches that knows the source of a clip and nothing else, on these clips.

    It says the share of fakes of the source. Within a source it ranks nothing: 0.5.

    >>> source_floor([1, 1, 0, 0], ["a", "a", "a", "b"]).auc
    0.75
    """
    table = pd.DataFrame({"label": np.asarray(labels, dtype=float), "source": sources})
    return _within(table.assign(score=table.groupby("source")["label"].transform("mean")))


# Pairs of a fake and its own original.


class PairedAccuracy(NamedTuple):
    """Share of pairs whose fake scores above its original, a tie counting as a miss.

    ``low`` and ``high`` are the exact 95 % interval (Clopper and Pearson, 1934) of independent pairs.
    """

    accuracy: float
    low: float
    high: float
    num_pairs: int


def paired_accuracy(fake_scores: ArrayLike, real_scores: ArrayLike) -> PairedAccuracy:
    """Judge pairs: ``fake_scores[i]`` is of the fake that was made of the clip of ``real_scores[i]``.

    >>> paired_accuracy([0.9, 0.8, 0.4], [0.1, 0.8, 0.2])[::3]
    (0.6666666666666666, 3)

    Raises:
        ValueError: no pair, or another number of fakes than of reals.
    """
    fake, real = np.asarray(fake_scores, dtype=float), np.asarray(real_scores, dtype=float)
    if fake.shape != real.shape or not len(fake):
        raise ValueError(f"pairs want as many fakes as reals, at least one; got {len(fake)} and {len(real)}")
    won = int((fake > real).sum())
    exact = scipy.stats.binomtest(won, len(fake)).proportion_ci(0.95, "exact")
    return PairedAccuracy(won / len(fake), float(exact.low), float(exact.high), len(fake))
