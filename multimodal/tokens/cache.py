"""The files in which tokens are kept, and the key that keeps a stale one from being used.

``header.json``              what the tokens depend on: the encoders' weights, the store, the clips, the windows
``encoders.safetensors``     the encoders themselves, so that a run can be put together from here
``learnt_from.safetensors``  what the encoders learnt from, as hashes, where that is known
``tokens-NNNNN.safetensors`` windows of :data:`CLIPS_PER_SHARD` clips: tokens by modality, number of the clip
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from encoders.base import Encoder
from encoders.folders import must_be_readable
from encoders.learnt_from import LearntFrom
from multimodal.artefacts import inside, one_line
from multimodal.data.cutting import WindowShape
from multimodal.data.order import SampleKey
from multimodal.data.windows import ClipWindows, Sample, WindowTensors, label_table, labelled
from multimodal.files import atomic_path, read_json
from multimodal.labels import MODALITIES, Modality
from multimodal.media.store.reader import AnyStore

#: A stopped embedding repeats at most so many clips, and a cache has not a file for every clip.
CLIPS_PER_SHARD = 64
HEADER, ENCODERS = "header.json", "encoders.safetensors"


class _Place(NamedTuple):
    """Where a window stands."""

    shard: int
    row: int


class TokenCache:
    """Tokens of every window of a list of clips, read from disk as they are asked for.

    Shards are mapped into memory, not copied: what the operating system keeps of them is its business.

    Args:
        folder: that :func:`multimodal.tokens.embedding.embed` filled.
        facts: what the tokens must depend on.
        clip_ids: in the order in which they were embedded.

    Raises:
        ValueError: the folder holds tokens of other weights, clips or windows (says which), or is not complete.
    """

    def __init__(self, folder: Path, facts: dict[str, Any], clip_ids: Sequence[str]) -> None:
        self.folder = folder
        check_header(folder, facts)
        self.clip_ids = list(clip_ids)
        self._number_of = {clip_id: number for number, clip_id in enumerate(self.clip_ids)}

    @property
    def encoders(self) -> Path:
        """The weights of the encoders."""
        return self.folder / ENCODERS

    @property
    def learnt_from(self) -> LearntFrom | None:
        """What the encoders have learnt from; None where nobody wrote it down."""
        return LearntFrom.read(self.folder)

    def windows_of(self, clip_id: str) -> int:
        """How many windows are kept of a clip."""
        return len(self._places[self._number_of[clip_id]])

    def read(self, clip_id: str, window: int) -> WindowTensors:
        """Tokens ``(T, D)`` of each modality, zeros where it is absent; windows count from 0."""
        place = self._places[self._number_of[clip_id]][window]
        shard = self._shards[place.shard]
        present: dict[str, bool] = {name: bool(shard[f"present_{name}"][place.row]) for name in MODALITIES}
        tokens: dict[str, Tensor] = {name: shard[name][place.row] for name in MODALITIES}
        return WindowTensors(tokens, present, {name: len(value) for name, value in tokens.items()})

    def __getstate__(self) -> dict[str, Any]:
        kept = ("folder", "clip_ids", "_number_of")  # each process maps the shards anew
        return {name: self.__dict__[name] for name in kept}

    @cached_property
    def _shards(self) -> list[dict[str, Tensor]]:
        return [_load(shard_path(self.folder, number)) for number in range(num_shards(len(self.clip_ids)))]

    @cached_property
    def _places(self) -> list[list[_Place]]:
        places: list[list[_Place]] = [[] for _ in self.clip_ids]
        for number, shard in enumerate(self._shards):
            for row, clip in enumerate(shard["clip"].tolist()):
                if not 0 <= clip < len(places):
                    path = shard_path(self.folder, number)
                    raise ValueError(
                        f"tokens of another list of clips: {path}. Delete {self.folder} and call again"
                    )
                places[clip].append(_Place(number, row))
        return places


def num_shards(num_clips: int) -> int:
    """Shards of a cache."""
    return -(-num_clips // CLIPS_PER_SHARD)


def shard_path(folder: Path, number: int) -> Path:
    """A shard by its number."""
    return folder / f"tokens-{number:05d}.safetensors"


def write_shard(path: Path, tokens: dict[str, Tensor], present: dict[str, Tensor], clips: np.ndarray) -> None:
    """Write tokens ``(windows, T, D)`` and presence ``(windows,)`` by modality, and the clip of each window."""
    state = {name: value.contiguous() for name, value in tokens.items()}
    state |= {f"present_{name}": value.contiguous() for name, value in present.items()}
    with atomic_path(path) as temporary:
        save_file({**state, "clip": torch.from_numpy(clips)}, temporary)


def check_header(folder: Path, facts: dict[str, Any]) -> None:
    """Refuse tokens that depend on something else than ``facts``; names what differs."""
    if not (folder / HEADER).is_file():
        raise ValueError(f"{folder} holds no tokens; it has no {HEADER}. Give the folder that `train` made")
    found = read_json(folder / HEADER)
    if not isinstance(found, dict):
        raise ValueError(f"{folder / HEADER} does not say what its tokens depend on. Use another folder")
    wanted = json.loads(json.dumps(facts))
    differing = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    if differing:
        what = "; ".join(f"{name} {_short(found.get(name))}, now {_short(wanted.get(name))}" for name in differing)
        raise ValueError(f"the tokens in {folder} were made from something else: {what}. Use another folder")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _load(path: Path) -> dict[str, Tensor]:
    try:
        shard = load_file(inside(path.parent, path.name))
    except (KeyError, OSError, RuntimeError, SafetensorError, ValueError) as error:  # KeyError: an unknown type
        must_be_readable(path)
        raise ValueError(
            f"cannot read tokens from {path}: {one_line(error)}. Delete {path.parent} and call again"
        ) from error
    wanted: dict[str, tuple[int, torch.dtype | None]] = {"clip": (1, torch.int64)}
    for modality in MODALITIES:
        wanted |= {f"{modality}": (3, None), f"present_{modality}": (1, None)}
    for name, (num_axes, dtype) in wanted.items():
        value = shard.get(name)
        rows = len(shard["clip"]) if "clip" in shard and shard["clip"].ndim else None
        if value is None or value.ndim != num_axes or len(value) != rows or dtype not in (None, value.dtype):
            raise ValueError(f"not tokens: {path} has no fitting {name!r}. Delete {path.parent} and call again")
    return shard


# Cached tokens as what training and scoring read in place of windows of crops and sound.


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


# What tokens depend on, as plain values: equal facts mean equal tokens.


FORMAT_VERSION = 1
#: Columns of a store's index that tell whether a clip was prepared anew from another file.
_CONTENT = ["clip_id", "num_frames", "num_samples", "start_seconds", "num_bytes"]


def token_facts(
    encoders: Mapping[str, Encoder],
    store: AnyStore,
    clip_ids: Sequence[str],
    shape: WindowShape,
    windows_per_clip: int,
) -> dict[str, Any]:
    """Everything that the tokens of some clips depend on.

    Args:
        encoders: by modality.
        store: prepared clips.
        clip_ids: in the order in which they are embedded.
        shape: of the windows.
        windows_per_clip: at most so many, spread evenly.
    """
    rows = store.index.set_index("clip_id", drop=False).loc[list(clip_ids), _CONTENT]
    return {
        "format_version": FORMAT_VERSION,
        **{f"{name} encoder": encoder.name for name, encoder in encoders.items()},
        # a hop or a number of heads is in no weight
        **{f"{name} options": encoder.arguments() for name, encoder in encoders.items()},
        **{f"{name} weights": weights_hash(encoder) for name, encoder in encoders.items()},
        "cropper": store.fingerprint,
        "clips": hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest(),
        "window": asdict(shape),
        "windows a clip": windows_per_clip,
    }


def digest(facts: Mapping[str, Any]) -> str:
    """A name for the folder of these tokens."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def weights_hash(module: nn.Module) -> str:
    """SHA-256 of all parameters and buffers, with their names."""
    total = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        total.update(name.encode())
        total.update(value.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
