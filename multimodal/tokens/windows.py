"""Cached tokens as what training and scoring read in place of windows of crops and sound."""

from collections.abc import Sequence

import pandas as pd
from torch.utils.data import Dataset

from multimodal.data.order import SampleKey
from multimodal.data.windows import ClipWindows, Sample, label_table, labelled
from multimodal.labels import MODALITIES, Modality
from multimodal.media.store.reader import AnyStore
from multimodal.tokens.cache import TokenCache


class TrainingTokens(Dataset[Sample]):
    """Tokens of a random window of a clip, drawn as its :class:`SampleKey` says.

    Args:
        cache: tokens of the clips.
        clips: rows of a manifest.
        seed: of the draw.
    """

    def __init__(self, cache: TokenCache, clips: pd.DataFrame, *, seed: int) -> None:
        self.cache, self.seed = cache, seed
        self.clip_ids = clips["clip_id"].tolist()
        self.labels = label_table(clips)

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def num_windows(self) -> list[int]:
        """Windows that each clip can show."""
        return [self.cache.windows_of(clip_id) for clip_id in self.clip_ids]

    def __getitem__(self, key: SampleKey) -> Sample:
        clip_id = self.clip_ids[key.clip]
        window = int(key.generator(self.seed).integers(self.cache.windows_of(clip_id)))
        return labelled(self.cache.read(clip_id, window), self.labels, key.clip)


class EvaluationTokens(ClipWindows):
    """Tokens of all cached windows of every clip; ``starts[i]`` is (row of ``clips``, window) of item i.

    Args:
        cache: tokens of the clips.
        store: that they were made from.
        clips: rows of a manifest.
        modalities: what is read; the others stand as not present.
    """

    def __init__(
        self,
        cache: TokenCache,
        store: AnyStore,
        clips: pd.DataFrame,
        *,
        modalities: Sequence[Modality] = MODALITIES,
    ) -> None:
        self.cache, self.store, self.modalities = cache, store, modalities
        self.clip_ids = clips["clip_id"].tolist()
        self.labels = label_table(clips)
        self.starts = [
            (row, window)
            for row, clip_id in enumerate(self.clip_ids)
            for window in range(cache.windows_of(clip_id))
        ]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Sample:
        row, window = self.starts[index]
        tokens = self.cache.read(self.clip_ids[row], window)
        present = {name: value and name in self.modalities for name, value in tokens.present.items()}
        return labelled(tokens._replace(present=present), self.labels, row)
