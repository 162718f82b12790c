"""Drawing from several corpora with a stated share for each corpus and for its fakes.

The order of an epoch is a function of (seed, epoch), as in :mod:`multimodal.data.order`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from multimodal.data.order import Draw


def mixture_shares(
    corpora: pd.Series,
    labels: Int[np.ndarray, " clips"],
    *,
    weights: Mapping[str, float] | None = None,
    fake_share: float | None = None,
) -> Float[np.ndarray, " clips"]:
    """Share of an epoch that each clip has; they sum to 1.

    Args:
        corpora: corpus of each clip.
        labels: 1 fake, 0 real, for each clip.
        weights: how often a corpus is drawn, relative to the others; for every corpus, or None for as often as it
            has clips.
        fake_share: share of fakes in what is drawn of a corpus; None takes them as they come. A corpus that has
            one label only gives that.

    Raises:
        ValueError: weights that name other corpora than there are, are negative or all 0, or an impossible share.
    """
    if fake_share is not None and not 0 < fake_share < 1:
        raise ValueError(f"the share of fakes must be between 0 and 1; got {fake_share}")
    table = pd.DataFrame({"corpus": corpora.to_numpy(), "label": labels})
    of_corpus = table.groupby("corpus")["label"].transform("size")
    shares = _corpus_weights(table["corpus"], weights) / of_corpus
    if fake_share is not None:
        of_label = table.groupby(["corpus", "label"])["label"].transform("size")
        both = table.groupby("corpus")["label"].transform("nunique") > 1
        wanted = table["label"].map({0: 1 - fake_share, 1: fake_share})
        shares = shares.where(~both, shares * of_corpus * wanted / of_label)
    return (shares / shares.sum()).to_numpy(float)


def mixed(shares: Float[np.ndarray, " clips"], *, seed: int) -> Draw:
    """Draw each clip as often as its share says; an epoch has as many clips as there are.

    Systematic sampling (Madow, 1949) from a shuffled list: what is drawn of clips of one share differs from its
    expectation by at most one, and none of them comes twice before all have come once.

    Args:
        shares: of an epoch, for each clip; they sum to 1.
        seed: of the draw.
    """

    def order(epoch: int) -> np.ndarray:
        generator = np.random.default_rng([seed, epoch])
        clips = generator.permutation(len(shares))
        clips = clips[np.argsort(shares[clips], kind="stable")]  # clips of one share side by side
        edges = np.floor(np.cumsum(shares[clips]) * len(shares) + generator.random())
        times = np.diff(edges, prepend=0.0).astype(int)
        drawn = np.repeat(clips, np.maximum(times, 0))
        return generator.permutation(np.resize(drawn, len(shares)))

    return Draw(order, shares)


def _corpus_weights(corpora: pd.Series, weights: Mapping[str, float] | None) -> pd.Series:
    if not weights:
        return corpora.groupby(corpora).transform("size").astype(float)
    there = sorted(corpora.unique())
    if sorted(weights) != there:
        raise ValueError(f"shares must name every corpus: {', '.join(there)}; got {', '.join(sorted(weights))}")
    if min(weights.values()) < 0 or not any(weights.values()):
        raise ValueError(f"shares must not be negative, nor all 0; got {dict(weights)}")
    return corpora.map(dict(weights)).astype(float)
