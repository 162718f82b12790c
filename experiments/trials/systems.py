"""What a trial's detector is shown beside: published detectors, and systems that do not listen at all."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from experiments.runs.device import accelerator_on
from multimodal.labels import Modality
from multimodal.media.store.reader import AnyStore
from multimodal.progress import progress
from multimodal.zoo import ZOO, Adapter, load_detector


def published_scores(
    folder: Path, store: AnyStore, clips: pd.DataFrame, modality: Modality
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and scores ``(clips,)`` of each published detector of a modality whose file is there, higher for fake.

    Args:
        folder: holds the files under the names that their authors gave them.
        store: prepared clips.
        clips: rows of a manifest.
        modality: what the detectors judge.

    Raises:
        ValueError: none of the files is there, or one is not the published one.
    """
    known = {name: entry for name, entry in ZOO.items() if entry.modality == modality}
    there = [name for name, entry in known.items() if (folder / entry.file).is_file()]
    if not there:
        names = ", ".join(entry.file for entry in known.values())
        raise ValueError(f"{folder} has none of {names}; give the folder of published weights")
    for name in there:
        yield name, _scores_of(load_detector(name, folder), store, clips["clip_id"].tolist())


def _scores_of(detector: Adapter, store: AnyStore, clip_ids: list[str]) -> np.ndarray:
    shown, device = progress(clip_ids, desc="published detector", unit="clip"), accelerator_on().device
    detector.to(device)
    return np.array([float(detector(_whole(store, one, detector.modality)[None].to(device))) for one in shown])


def _whole(store: AnyStore, clip_id: str, modality: Modality) -> torch.Tensor:
    """All of a clip, sound ``(samples,)`` in [-1, 1] or crops ``(time, 3, height, width)`` in [0, 1]."""
    clip = store.read(clip_id, modalities=(modality,))
    found = clip.waveform if modality == "audio" else clip.frames
    assert found is not None  # clips without this modality were left out
    whole = torch.from_numpy(found)
    return whole if modality == "audio" else whole.permute(0, 3, 1, 2) / 255


def deaf_scores(store: AnyStore, clips: pd.DataFrame) -> Mapping[str, np.ndarray]:
    """Properties of the files that tell something without listening, by name, ``(clips,)`` each."""
    index = store.index.set_index("clip_id").loc[clips["clip_id"]]
    frames = index["num_frames"].to_numpy(float)
    return {"duration alone": frames, "bytes per second alone": clips["size_bytes"].to_numpy(float) / frames}
