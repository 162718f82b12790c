"""Prepared windows for a loop of one's own: a plain ``torch.utils.data`` dataset, its labels and its masks.

>>> from torch.utils.data import DataLoader
>>> from multimodal import Windows, open_store                                         # doctest: +SKIP
>>> windows = Windows(open_store("store"), "manifest.parquet", split="split.parquet")   # doctest: +SKIP
>>> for batch in DataLoader(windows, batch_size=8, shuffle=True):                       # doctest: +SKIP
...     output = detector(batch["inputs"], batch["present"], batch["lengths"])
"""

from pathlib import Path
from typing import Any

import pandas as pd
from torch.utils.data import Dataset

from multimodal.catalog import unknown
from multimodal.corpora.manifest import Manifest
from multimodal.data.augment import Augmentation
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import collate, to_device
from multimodal.data.options import SilentEnds
from multimodal.data.order import SampleKey, StepBatches, shuffled
from multimodal.data.windows import EvaluationWindows, Sample, TrainingWindows
from multimodal.media.store.reader import Store
from multimodal.splits import SPLITS, Split


def open_store(folder: str | Path) -> Store:
    """The prepared clips that ``prepare`` wrote; ``ValueError`` if the folder holds none."""
    return Store.open(folder)


class Windows(Dataset[dict[str, Any]]):
    """Every window of prepared clips, numbered from 0, as PyTorch's loaders and samplers expect.

    Torch's default collation turns its items into what a detector takes: ``inputs`` by modality, video
    ``(B, T, 3, H, W)`` in [0, 1] and audio ``(B, samples)`` in [-1, 1]; ``present`` by modality ``(B,)``, False
    where the clip lacks it; ``lengths`` by modality ``(B,)``, frames or samples that are no padding at the end;
    ``labels`` for ``class``, ``video`` and ``audio`` ``(B,)``, 1 fake, 0 real, -1 unknown; ``row`` ``(B,)``, which
    row of ``clips`` it is.

    Args:
        store: prepared clips.
        clips: a manifest, its file, or rows of one; those that are not in the store are left out
            (``left_out`` counts them).
        split: a split or its file, of which only ``part`` is taken.
        part: train, val or test.
        num_frames: crops of a window; the sound of the same interval goes with them.
        frame_size: side of a crop in pixels, as the video encoder wants it; None for that of the store.
        windows_per_clip: at most so many of each clip, spread evenly; None for all.
        silent_ends: whether windows are cut from silence at the ends of a clip too.
        augmentation: of windows that :meth:`batches` draws.
        seed: of that draw.

    Raises:
        ValueError: no clip of these is in the store, or the split lacks them.
    """

    def __init__(
        self,
        store: Store,
        clips: Manifest | pd.DataFrame | str | Path,
        *,
        split: Split | str | Path | None = None,
        part: str = "train",
        num_frames: int = 16,
        frame_size: int | None = None,
        windows_per_clip: int | None = None,
        silent_ends: SilentEnds = "trim",
        augmentation: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        if num_frames < 1:
            raise ValueError(f"num_frames must be at least 1; got {num_frames}. The default is 16.")
        rows = _rows(clips)
        if part not in SPLITS:
            raise ValueError(unknown("part", part, SPLITS))
        if split is not None:
            chosen = split if isinstance(split, Split) else Split.read(split)
            rows = rows[(chosen.of(rows) == part).to_numpy(dtype=bool, na_value=False)]
        is_stored = rows["clip_id"].isin(store.index["clip_id"])
        self.clips, self.left_out = rows[is_stored].reset_index(drop=True), int((~is_stored).sum())
        if self.clips.empty:
            raise ValueError(
                f"none of {len(rows)} clips is in {store.folder}; prepare them first, or mend the split"
            )
        shape = WindowShape(
            num_frames=num_frames,
            frame_size=frame_size or store.options.crop_size,
            frame_rate=store.options.frame_rate,
            sample_rate=store.options.sample_rate,
            silent_ends=silent_ends,
        )
        limit = windows_per_clip or int(store.index["num_frames"].max()) or 1
        self._judged = EvaluationWindows(store, self.clips, shape, windows_per_clip=limit)
        self._drawn = TrainingWindows(store, self.clips, shape, seed=seed, augmentation=augmentation)
        self.seed = seed

    def __len__(self) -> int:
        return len(self._judged)

    def __getitem__(self, item: int | SampleKey) -> dict[str, Any]:
        """Window number ``item``, the same at every call; for a key of :meth:`batches` a random one, augmented."""
        if isinstance(item, SampleKey):
            return _plain(self._drawn[item])
        if not -len(self) <= item < len(self):
            raise IndexError(f"there are {len(self)} windows; got {item}")
        return _plain(self._judged[item % len(self)])

    def batches(self, batch_size: int, *, steps: int, start_step: int = 0) -> StepBatches:
        """The order in which our own training draws, as ``DataLoader(windows, batch_sampler=...)``.

        Every clip once an epoch, at a random place; step s is a function of seed and s, so that a training goes on
        at ``start_step`` as if it had never stopped.
        """
        order = shuffled(len(self.clips), seed=self.seed).order
        return StepBatches(order, batch_size=batch_size, start_step=start_step, end_step=steps)


def _rows(clips: Manifest | pd.DataFrame | str | Path) -> pd.DataFrame:
    if isinstance(clips, pd.DataFrame):
        return clips
    return (clips if isinstance(clips, Manifest) else Manifest.read(clips)).clips


def _plain(sample: Sample) -> dict[str, Any]:
    batch = to_device(collate([sample]), "cpu")
    tensors = sample.tensors
    return {
        "inputs": {name: value[0] for name, value in batch["inputs"].items()},
        "present": tensors.present,
        "lengths": tensors.lengths,
        "labels": sample.labels,
        "row": sample.row,
    }
