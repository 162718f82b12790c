"""How alike a clip is to those that are known, kind by kind of its traces: a kernel machine, without training.

A thousand clips of ten sources are few for a network. Kernels ask less: a clip is compared with every known one,
in each kind of statistics by itself and in all of them, and the labels of what is alike are weighed by least
squares (Suykens and Vandewalle, "Least squares support vector machine classifiers", Neural Processing Letters
1999). Nothing is drawn, so there are no seeds.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from multimodal.media.store.reader import AnyStore
from multimodal.progress import progress

Kinds = list[Float[np.ndarray, "clips statistics"]]
Similar = Float[np.ndarray, "clips known"]
OfClips = Float[np.ndarray, " clips"]

#: How little the labels of known clips are trusted, a share of a clip's likeness to itself.
_SMOOTHING = 0.1
_LARGEST = 5.0
#: Squared distance of two clips in the middle, of statistics that are standardised and cut, a statistic.
_USUAL = 1.85


def statistics_of(store: AnyStore, clip_ids: Sequence[str]) -> Kinds:
    """The statistics of :class:`encoders.audio.traces.TraceEncoder`, of whole clips, a table a kind."""
    from encoders.audio.traces import TraceEncoder

    encoder = TraceEncoder().eval()
    rows = []
    for clip_id in progress(clip_ids, desc="traces", unit="clip"):
        sound = store.read(clip_id, modalities=("audio",)).waveform
        assert sound is not None  # clips without sound were left out
        with torch.no_grad():
            rows.append([kind[0].numpy() for kind in encoder.kinds(torch.from_numpy(sound)[None])])
    return [np.stack(kind).astype(np.float64) for kind in zip(*rows, strict=True)]


def weights_of(labels: np.ndarray, sources: np.ndarray) -> OfClips:
    """Real and fake as heavy, and of a source's reals or fakes as heavy as the root of their number; mean 1.

    >>> weights_of(np.array([0, 1, 1, 1, 1]), np.array(["a", "a", "a", "a", "a"])).round(3).tolist()
    [2.5, 0.625, 0.625, 0.625, 0.625]
    """
    table = pd.DataFrame({"label": labels, "source": sources})
    weights = 1 / np.sqrt(table.groupby(["label", "source"])["label"].transform("size"))
    return (weights / weights.groupby(labels).transform("sum") / 2 * len(labels)).to_numpy()


class KernelMachine:
    """Scores clips by those that it knows, higher for fake.

    Args:
        known: statistics of the known clips, a table a kind.
        labels: (clips,) 1 fake, 0 real.
        weights: (clips,) how much each of them counts.
    """

    def __init__(self, known: Kinds, labels: np.ndarray, weights: OfClips) -> None:
        self.means = [np.average(kind, axis=0, weights=weights) for kind in known]
        self.deviations = [
            np.sqrt(np.average((kind - mean) ** 2, axis=0, weights=weights)) + 1e-6
            for kind, mean in zip(known, self.means, strict=True)
        ]
        self.known = self._standardised(known)
        similar = self.similar(known)
        system = np.ones((len(labels) + 1, len(labels) + 1))
        system[1:, 1:] = similar + np.diag(_SMOOTHING / weights)
        system[0, 0] = 0.0
        solved = np.linalg.solve(system, np.concatenate([[0.0], 2.0 * labels - 1]))
        self.offset, self.votes = solved[0], solved[1:]

    def __call__(self, kinds: Kinds) -> OfClips:
        """Score clips by their statistics, as the known ones have them."""
        return self.similar(kinds) @ self.votes + self.offset

    def similar(self, kinds: Kinds) -> Similar:
        """Gaussian kernels of every kind, averaged, and one of all kinds, each half."""
        distances = [
            _squared_distances(kind, known)
            for kind, known in zip(self._standardised(kinds), self.known, strict=True)
        ]
        apart = np.mean([np.exp(-distance / _USUAL) for distance in distances], axis=0)
        return (apart + np.exp(-np.mean(distances, axis=0) / _USUAL)) / 2

    def _standardised(self, kinds: Kinds) -> Kinds:
        return [
            np.clip((kind - mean) / deviation, -_LARGEST, _LARGEST) / np.sqrt(kind.shape[1])
            for kind, mean, deviation in zip(kinds, self.means, self.deviations, strict=True)
        ]


def _squared_distances(a: np.ndarray, b: np.ndarray) -> Similar:
    found = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(found, 0.0)
