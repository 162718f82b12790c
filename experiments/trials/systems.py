"""What a trial's detector is shown beside: published detectors, and systems that do not listen at all."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from multimodal.media.store.reader import AnyStore
from multimodal.progress import progress
from multimodal.zoo import ZOO, Adapter, load_detector


def published_scores(folder: Path, store: AnyStore, clips: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Name and scores ``(clips,)`` of each published detector of sound whose file is there, higher for fake.

    Args:
        folder: holds the files under the names that their authors gave them.
        store: prepared clips.
        clips: rows of a manifest.

    Raises:
        ValueError: none of the files is there, or one is not the published one.
    """
    there = [name for name, entry in ZOO.items() if (folder / entry.file).is_file()]
    if not there:
        names = ", ".join(entry.file for entry in ZOO.values())
        raise ValueError(f"{folder} has none of {names}; give the folder of published weights")
    for name in there:
        yield name, _scores_of(load_detector(name, folder), store, clips["clip_id"].tolist())


def _scores_of(detector: Adapter, store: AnyStore, clip_ids: list[str]) -> np.ndarray:
    scores = []
    for clip_id in progress(clip_ids, desc="published detector", unit="clip"):
        sound = store.read(clip_id, modalities=("audio",)).waveform
        assert sound is not None  # clips without sound were left out
        scores.append(float(detector(torch.from_numpy(sound)[None])))
    return np.array(scores)


def deaf_scores(store: AnyStore, clips: pd.DataFrame) -> Mapping[str, np.ndarray]:
    """Properties of the files that tell something without listening, by name, ``(clips,)`` each."""
    index = store.index.set_index("clip_id").loc[clips["clip_id"]]
    frames = index["num_frames"].to_numpy(float)
    return {"duration alone": frames, "bytes per second alone": clips["size_bytes"].to_numpy(float) / frames}
