"""The files in which tokens are kept, and the key that keeps a stale one from being used.

``header.json``              what the tokens depend on: the encoders' weights, the store, the clips, the windows
``encoders.safetensors``     the encoders themselves, so that a run can be put together from here
``tokens-NNNNN.safetensors`` windows of :data:`CLIPS_PER_SHARD` clips: tokens by modality, number of the clip
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from multimodal.data.windows import WindowTensors
from multimodal.files import atomic_path, read_json
from multimodal.labels import MODALITIES

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
        folder: that :func:`multimodal.embedding.embed` filled.
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
        return load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise ValueError(
            f"cannot read tokens from {path}: {error}. Delete {path.parent} and call again"
        ) from error
