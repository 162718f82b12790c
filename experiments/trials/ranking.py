"""Which of two clips was blended: a linear ranking of fixed statistics, learnt from self-blended pairs in minutes.

Eighty genuine clips are few for a network: it learns who they show. A genuine picture and its blend of the same
draw differ by the blend alone, and so do their statistics: person, camera, light and coding cancel. They are 24
numbers, means over the middle of the face: told cell by cell, where in a blend detail is lost is learnt, too, and
blends of people who were not learnt from are told no better (0.90 of pairs both ways). The ranking is
the ridge regression of these differences on 1 (ranking by pairs: Joachims, "Optimizing search engines using
clickthrough data", KDD 2002), and scores a clip by the mean of its crops.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import Ridge
from torchvision.transforms.v2 import functional as transforms

from multimodal.data.pseudo_fakes import Pair, SelfBlending
from multimodal.media.store.reader import AnyStore
from multimodal.metrics.matched import paired_accuracy
from multimodal.metrics.ranking import roc_auc
from multimodal.progress import progress

Statistics = Float[np.ndarray, "rows statistics"]

#: How little a difference is trusted, a share of the mean square of all of them.
_SMOOTHING = 10.0
#: JPEG qualities and sides on the way, in pixels: how pictures are coded and shrunk before anybody sees them.
_QUALITIES, _SIDES, _SHRUNK = (40, 100), (80, 224), 0.6
_CROP = 224
#: Rows and columns of the cells of 32 pixels that a face fills in a crop, whatever its pose.
_MIDDLE = (slice(2, 6), slice(1, 6))


class Blends(NamedTuple):
    """Statistics of genuine crops, and of their blends in the same order."""

    genuine: Statistics
    forged: Statistics


def blends_of(store: AnyStore, clip_ids: Sequence[str], *, times: int, seed: int) -> Blends:
    """Blend a crop of every clip so many times, code both of a pair alike, and take their statistics.

    Args:
        store: holds the crops; those of another size than 224 pixels are resized.
        clip_ids: of genuine clips.
        times: blends of a clip.
        seed: of all that is drawn.
    """
    generator, forge = np.random.default_rng(seed), SelfBlending(lost_detail=1.0)
    pairs = [
        _statistics(torch.cat(list(_coded(forge(_one_of(crops, generator), generator), generator))))
        for crops in (_crops(store, one) for one in progress(clip_ids, desc="blends", unit="clip"))
        for _ in range(times)
    ]
    genuine, forged = np.stack(pairs, axis=1)
    return Blends(genuine, forged)


def statistics_of(store: AnyStore, clip_ids: Sequence[str]) -> Statistics:
    """The mean over each clip's crops."""
    shown = progress(clip_ids, desc="detail", unit="clip")
    return np.stack([_statistics(_crops(store, one)).mean(axis=0) for one in shown])


def _one_of(crops: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    return crops[generator.integers(len(crops))][None]


def _coded(pair: Pair, generator: np.random.Generator) -> Iterator[torch.Tensor]:
    """Both of a pair through one chain: shrunk or not, JPEG, and back at their size."""
    quality = int(generator.integers(*_QUALITIES))
    side = int(generator.integers(*_SIDES)) if generator.random() < _SHRUNK else _CROP
    for one in pair:
        small = transforms.resize((one * 255).round().to(torch.uint8), [side, side], antialias=True)
        yield transforms.resize(transforms.jpeg(small, quality), [_CROP, _CROP], antialias=True) / 255


def _crops(store: AnyStore, clip_id: str) -> torch.Tensor:
    """All crops of a clip, ``(time, 3, 224, 224)`` in [0, 1]."""
    frames = store.read(clip_id, modalities=("video",)).frames
    assert frames is not None  # clips without a face were left out
    crops = torch.from_numpy(frames).permute(0, 3, 1, 2)
    return transforms.resize(crops, [_CROP, _CROP], antialias=True) / 255


@torch.no_grad()
def _statistics(pictures: torch.Tensor) -> Statistics:
    from encoders.video.residuals import detail_statistics

    side = _CROP // 32
    cells = detail_statistics(pictures).double().numpy().reshape(len(pictures), -1, side, side)
    found: Statistics = cells[(..., *_MIDDLE)].mean(axis=(2, 3))
    return found


class Ranking:
    """Scores statistics, higher for what is blended.

    Args:
        blends: what is learnt from.
    """

    def __init__(self, blends: Blends) -> None:
        self.deviations = blends.genuine.std(axis=0) + 1e-6
        self.means = blends.genuine.mean(axis=0)
        differences = (blends.forged - blends.genuine) / self.deviations
        power = float(np.square(differences).sum(axis=1).mean())
        ridge = Ridge(alpha=_SMOOTHING * power, fit_intercept=False)
        self.weights = ridge.fit(differences, np.ones(len(differences))).coef_

    def __call__(self, statistics: Statistics) -> Float[np.ndarray, " rows"]:
        """Score rows of statistics."""
        return (statistics - self.means) / self.deviations @ self.weights


def learnt(ranking: Ranking, blends: Blends) -> dict[str, Any]:
    """Paired accuracy and ROC area on blends, of people who were not learnt from."""
    genuine, forged = ranking(blends.genuine), ranking(blends.forged)
    accuracy = paired_accuracy(forged, genuine)
    return {"paired_accuracy": accuracy._asdict(), "auc": roc_auc(forged, genuine)}
