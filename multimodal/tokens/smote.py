"""SMOTE and its relatives on embeddings, by imbalanced-learn.

SMOTE (Chawla et al., JAIR 16, 2002, section 4.2) puts a new embedding between one of a rare class and one of its
nearest neighbours of that class.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from imblearn.base import BaseSampler
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE
from imblearn.under_sampling import EditedNearestNeighbours, RandomUnderSampler, TomekLinks
from jaxtyping import Float, Int

from multimodal.labels import CLASSES

Oversampler = Literal["smote", "borderline", "adasyn"]
Cleaner = Literal["tomek", "enn", "undersample"]

Embeddings = Float[np.ndarray, "windows features"]
Classes = Int[np.ndarray, " windows"]


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How rare classes are made as large as the largest.

    Args:
        oversampler: SMOTE, Borderline-SMOTE (Han et al. 2005: only near the border) or ADASYN (He et al. 2008:
            more where a class is hard to tell).
        neighbours: k, the clips of the class that a new embedding may lie towards.
        cleaner: None; Tomek links or edited nearest neighbours (both sides of the border removed, Batista et al.
            2004); or random under-sampling of all classes to the smallest.
        ratio: with under-sampling, rare classes grow to this share of the largest first.
        seed: of everything random.
    """

    oversampler: Oversampler = "smote"
    neighbours: int = 5
    cleaner: Cleaner | None = None
    ratio: float = 0.5
    seed: int = 0


def resample_embeddings(
    embeddings: Embeddings, classes: Classes, resampling: Resampling
) -> tuple[Embeddings, Classes, Int[np.ndarray, " windows"]]:
    """Oversample, then clean.

    Returns:
        Embeddings, classes, and the row that each was before; -1 for a made one.
    """
    target = {}
    if resampling.cleaner == "undersample":
        counts = Counter(classes.tolist())
        largest = max(counts.values())
        target = {name: max(count, round(resampling.ratio * largest)) for name, count in counts.items()}
    sampler = _oversampler(resampling, target or "auto")
    try:
        new, labels = sampler.fit_resample(embeddings, classes)
    except ValueError as error:
        raise ValueError(
            f"{resampling.oversampler} could make nothing of these embeddings ({error}); "
            "choose --balance-oversampler smote"
        ) from error
    origin = np.concatenate([np.arange(len(embeddings)), np.full(len(new) - len(embeddings), -1)])
    if resampling.cleaner is None:
        return new, labels, origin
    cleaner = _cleaner(resampling)
    cleaner.fit_resample(new, labels)
    kept = np.sort(cleaner.sample_indices_)
    lost = sorted(set(classes.tolist()) - set(labels[kept].tolist()))
    if lost:
        raise ValueError(
            f"cleaning by {resampling.cleaner} left no embedding of {', '.join(CLASSES[name] for name in lost)}: "
            "the classes lie on top of each other. Choose --balance smote"
        )
    return new[kept], labels[kept], origin[kept]


def _oversampler(resampling: Resampling, target: dict[int, int] | str) -> BaseSampler:
    k, seed = resampling.neighbours, resampling.seed
    if resampling.oversampler == "adasyn":
        return ADASYN(sampling_strategy=target, n_neighbors=k, random_state=seed)
    kind = BorderlineSMOTE if resampling.oversampler == "borderline" else SMOTE
    return kind(sampling_strategy=target, k_neighbors=k, random_state=seed)


def _cleaner(resampling: Resampling) -> BaseSampler:
    if resampling.cleaner == "tomek":
        return TomekLinks(sampling_strategy="all")
    if resampling.cleaner == "enn":
        return EditedNearestNeighbours(sampling_strategy="all")
    return RandomUnderSampler(random_state=resampling.seed)
