"""What the checks look at: the rows of all manifests, their split, their files on disk, and what probing told."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols import Split

#: How far files are opened: not at all, for their sizes, or whole.
LooksAt = Literal["nothing", "sizes", "contents"]

#: In :attr:`FilesOnDisk.size_bytes`, for a file that is not there or may not be read.
MISSING, FORBIDDEN = -1, -2


@dataclass(frozen=True)
class FilesOnDisk:
    """Absolute path and size of each row's file, aligned with the clips; below zero where there is none."""

    path: np.ndarray
    size_bytes: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Clips of all manifests, with rows repeated where manifests overlap, and a column ``root`` beside the usual.

    ``split`` is aligned with the clips and holds train, val, test or null. ``probe`` has a row a clip that was
    probed, or is None.
    """

    clips: pd.DataFrame
    split: pd.Series
    probe: pd.DataFrame | None
    looks_at: LooksAt

    @cached_property
    def files(self) -> FilesOnDisk:
        """Every file, looked up once."""
        roots = self.clips["root"].astype(str).tolist()
        paths = [os.path.join(root, path) for root, path in zip(roots, self.clips["path"], strict=True)]
        sizes = np.array([_size(path) for path in paths], dtype=np.int64)
        return FilesOnDisk(np.array(paths, dtype=object), sizes)


def gather(
    manifests: Iterable[Manifest],
    *,
    split: Split | None = None,
    roots: Mapping[str, str] | None = None,
    probe: pd.DataFrame | None = None,
    looks_at: LooksAt = "contents",
) -> Evidence:
    """Put manifests side by side.

    Args:
        manifests: at least one; the same corpus may come in two.
        split: else the corpora's official splits are taken.
        roots: where corpora lie now, by name, if not where they were scanned.
        probe: rows by ``clip_id``, as probing writes them.
        looks_at: how far files are opened.
    """
    frames = []
    for manifest in manifests:
        where = {**manifest.roots, **(roots or {})}
        root = manifest.clips["corpus"].map(where).fillna("")
        frames.append(manifest.clips.assign(root=root.astype("category")))
    clips = pd.concat(frames, ignore_index=True)
    if split is None:
        part = clips["official_split"].astype(object)
    else:
        part = clips["clip_id"].map(split.assignment.set_index("clip_id")["split"]).astype(object)
    return Evidence(clips, part.where(part.notna(), None), probe, looks_at)


def folder_exists(root: str) -> bool:
    """Whether a corpus lies where it is said to."""
    return bool(root) and Path(root).is_dir()


def _size(path: str) -> int:
    try:
        size = os.stat(path).st_size
    except OSError:
        return MISSING
    return size if os.access(path, os.R_OK) else FORBIDDEN
