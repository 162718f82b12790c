"""Drawing identities with replacement, for the bootstrap.

Clips of one person are not independent, so persons are drawn, not clips (Field and Welsh 2007, "Bootstrapping
clustered data", J. R. Statist. Soc. B 69, randomised cluster bootstrap). Where no identity has clips of two
classes, the classes are independent samples and each is drawn from on its own (stratified); where identities
carry several classes, all identities are one sample.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multimodal.metrics.checks import Floats, Ints

#: Replicates of one chunk: keeps the arrays of 22,000 clips inside the processor's cache.
CHUNK = 32


class IdentityResampler:
    """Draws how often each identity stands in each replicate.

    Args:
        identity: (clips,) index of each clip's identity, from 0 without gaps.
        label: (clips,) index of each clip's class, from 0.
    """

    def __init__(self, identity: Ints, label: Ints) -> None:
        self.num_identities = int(identity.max()) + 1 if len(identity) else 0
        carried = np.zeros((self.num_identities, int(label.max()) + 1 if len(label) else 1), dtype=bool)
        carried[identity, label] = True
        #: (classes,) identities that have a clip of each class
        self.identities_per_class = carried.sum(axis=0)
        #: whether no identity has clips of two classes, so that the classes are drawn apart
        self.is_stratified = bool((carried.sum(axis=1) == 1).all())
        strata = carried.argmax(axis=1) if self.is_stratified else np.zeros(self.num_identities, int)
        self._strata = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]

    def draw(self, replicates: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield multiplicities (identities, up to :data:`CHUNK`) until there are ``replicates`` columns."""
        if replicates < 0 or replicates == 1:
            raise ValueError(f"replicates must be 0 (no intervals) or at least 2; got {replicates}. Give 1000")
        for start in range(0, replicates, CHUNK):
            size = min(CHUNK, replicates - start)
            multiplicities = np.empty((self.num_identities, size))
            for members in self._strata:
                multiplicities[members] = _multinomial(len(members), size, rng)
            yield multiplicities


def identity_codes(identity: ArrayLike) -> Ints:
    """Number the identities from 0 without gaps; a clip without one (null) is an identity of its own.

    >>> identity_codes(["ann", "bob", None, "ann", None]).tolist()
    [0, 1, 2, 0, 3]
    """
    codes, names = pd.factorize(pd.Series(identity, dtype=object))
    unknown = codes < 0
    return np.where(unknown, len(names) - 1 + np.cumsum(unknown), codes).astype(np.int64)


def _multinomial(num_items: int, replicates: int, rng: np.random.Generator) -> Floats:
    """(num_items, replicates) how often each item comes in ``num_items`` draws with replacement."""
    drawn = rng.integers(0, num_items, size=(replicates, num_items))
    flat = (drawn + np.arange(replicates)[:, None] * num_items).ravel()
    return np.bincount(flat, minlength=replicates * num_items).reshape(replicates, num_items).T.astype(float)
