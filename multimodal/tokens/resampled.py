"""Training clips whose classes are made even in the space of their tokens.

A window's tokens, flattened, are its embedding; what SMOTE makes of two embeddings are mixtures of the tokens of
two clips at the same moment of their windows. Only clips that are handed in are ever used: hand in the training
split.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from multimodal.data.order import SampleKey
from multimodal.data.windows import Sample, WindowTensors, label_table
from multimodal.labels import CLASSES, MODALITIES, UNKNOWN
from multimodal.tokens.cache import TokenCache

if TYPE_CHECKING:  # with the tests that it brings along it takes 28 MB, and most verbs need none of it
    from imblearn.base import BaseSampler

# SMOTE and its relatives on embeddings, by imbalanced-learn.


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


def _oversampler(resampling: Resampling, target: dict[int, int] | str) -> "BaseSampler":
    from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE

    k, seed = resampling.neighbours, resampling.seed
    if resampling.oversampler == "adasyn":
        return ADASYN(sampling_strategy=target, n_neighbors=k, random_state=seed)
    kind = BorderlineSMOTE if resampling.oversampler == "borderline" else SMOTE
    return kind(sampling_strategy=target, k_neighbors=k, random_state=seed)


def _cleaner(resampling: Resampling) -> "BaseSampler":
    from imblearn.under_sampling import EditedNearestNeighbours, RandomUnderSampler, TomekLinks

    if resampling.cleaner == "tomek":
        return TomekLinks(sampling_strategy="all")
    if resampling.cleaner == "enn":
        return EditedNearestNeighbours(sampling_strategy="all")
    return RandomUnderSampler(random_state=resampling.seed)


#: Most memory that resampled embeddings may take.
_MAX_BYTES = 8 * 2**30


class ResampledTokens(Dataset[Sample]):
    """Embeddings of real and of made windows, in memory; an item is drawn by the number in its key.

    Attributes:
        labels: by target, ``(items,)``.
        rows: row of the clip that an item is a window of; -1 for a made one.
    """

    def __init__(
        self,
        tokens: dict[str, Tensor],
        present: dict[str, Tensor],
        labels: dict[str, np.ndarray],
        rows: np.ndarray,
    ):
        self._tokens, self._present = tokens, present
        self.labels: dict[str, np.ndarray] = labels
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: SampleKey) -> Sample:
        item = key.clip
        tokens = {name: values[item] for name, values in self._tokens.items()}
        present = {name: bool(values[item]) for name, values in self._present.items()}
        tensors = WindowTensors(tokens, present, {name: len(value) for name, value in tokens.items()})
        return Sample(
            tensors, {name: int(values[item]) for name, values in self.labels.items()}, int(self.rows[item])
        )


def resample(cache: TokenCache, clips: pd.DataFrame, resampling: Resampling) -> ResampledTokens:
    """Resample the clips' embeddings so that the four classes are even.

    Windows are resampled by their number in the clip, first with first, so that neighbours are always other clips.
    Clips that lack a modality or whose class is not known are left as they are.

    Raises:
        ValueError: a class has fewer than ``neighbours + 1`` clips, or memory would not suffice.
    """
    labels = label_table(clips)
    clip_ids = clips["clip_id"].tolist()
    whole = [
        row
        for row, clip_id in enumerate(clip_ids)
        if labels["class"][row] != UNKNOWN and all(cache.read(clip_id, 0).present.values())
    ]
    _check_counts(labels["class"][whole], resampling)
    others = [row for row in range(len(clip_ids)) if row not in set(whole)]
    num_windows = max(cache.windows_of(clip_ids[row]) for row in whole)
    _check_memory(cache, clip_ids, labels["class"][whole], num_windows)
    parts = [
        _resample_windows(cache, clip_ids, np.array(whole), labels["class"], window, resampling)
        for window in range(num_windows)
    ]
    if others:
        parts.append(_as_they_are(cache, clip_ids, others, labels))
    return _joined(parts)


class _Part(NamedTuple):
    tokens: dict[str, Tensor]
    present: dict[str, Tensor]
    labels: dict[str, np.ndarray]
    rows: np.ndarray


def _resample_windows(
    cache: TokenCache,
    clip_ids: list[str],
    whole: np.ndarray,
    classes: np.ndarray,
    window: int,
    resampling: Resampling,
) -> _Part:
    inputs = [cache.read(clip_ids[row], window % cache.windows_of(clip_ids[row])).inputs for row in whole.tolist()]
    tokens = {name: torch.stack([one[name] for one in inputs]) for name in MODALITIES}
    scales = {name: _scale(values) for name, values in tokens.items()}
    flat = np.concatenate([(tokens[name] / scales[name]).flatten(1).numpy() for name in MODALITIES], axis=1)
    embeddings, labels, origin = resample_embeddings(flat, classes[whole], resampling)
    made: dict[str, Tensor] = {}
    start = 0
    for name in MODALITIES:
        shape = tokens[name].shape[1:]
        stop = start + shape.numel()
        made[name] = torch.from_numpy(embeddings[:, start:stop]).reshape(-1, *shape) * scales[name]
        start = stop
    rows = np.where(origin >= 0, whole[origin], -1)
    return _Part(
        made, {name: torch.ones(len(rows), dtype=torch.bool) for name in MODALITIES}, _labels_of(labels), rows
    )


def _check_counts(classes: np.ndarray, resampling: Resampling) -> None:
    counts = np.bincount(classes, minlength=len(CLASSES))
    needed = resampling.neighbours + 1
    few = [f"{name} {count}" for name, count in zip(CLASSES, counts, strict=True) if 0 < count < needed]
    if few:
        raise ValueError(
            f"SMOTE with {resampling.neighbours} neighbours needs {needed} training clips of each class; got "
            f"{', '.join(few)}. Lower --balance-neighbours, add clips, or choose --balance weighted_sampler"
        )
    if (counts > 0).sum() < 2:
        raise ValueError(
            f"SMOTE needs training clips, with both picture and sound, of two classes; got {(counts > 0).sum()}. "
            "Check the split"
        )


def _check_memory(cache: TokenCache, clip_ids: list[str], classes: np.ndarray, num_windows: int) -> None:
    counts = np.bincount(classes)
    values = sum(tokens.numel() for tokens in cache.read(clip_ids[0], 0).inputs.values())
    needed = 2 * 4 * values * num_windows * int(counts.max()) * int((counts > 0).sum())
    if needed > _MAX_BYTES:
        raise ValueError(
            f"SMOTE would take {needed / 2**30:.0f} GiB for {num_windows} windows a clip of {values:,} values; "
            f"{_MAX_BYTES / 2**30:.0f} GiB are allowed. Lower --windows-per-clip, or choose "
            "--balance weighted_sampler"
        )


def _as_they_are(cache: TokenCache, clip_ids: list[str], rows: list[int], labels: dict[str, np.ndarray]) -> _Part:
    windows = [
        (row, cache.read(clip_ids[row], window))
        for row in rows
        for window in range(cache.windows_of(clip_ids[row]))
    ]
    where = np.array([row for row, _ in windows])
    return _Part(
        {name: torch.stack([one.inputs[name] for _, one in windows]) for name in MODALITIES},
        {name: torch.tensor([one.present[name] for _, one in windows]) for name in MODALITIES},
        {name: values[where] for name, values in labels.items()},
        where,
    )


def _joined(parts: list[_Part]) -> ResampledTokens:
    return ResampledTokens(
        {name: torch.cat([part.tokens[name] for part in parts]) for name in MODALITIES},
        {name: torch.cat([part.present[name] for part in parts]) for name in MODALITIES},
        {name: np.concatenate([part.labels[name] for part in parts]) for name in parts[0].labels},
        np.concatenate([part.rows for part in parts]),
    )


def _labels_of(classes: np.ndarray) -> dict[str, np.ndarray]:
    return {"class": classes, "video": classes // 2, "audio": classes % 2}


def _scale(tokens: Tensor) -> float:
    """Divided by this, a modality counts as much as the other in a distance, however wide and loud it is."""
    return max(float(tokens.flatten(1).var(dim=0).sum().sqrt()), 1e-12)
