"""Corpora where they lie, and a generated copy of each that is not there."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora import Manifest, ScanReport, scan
from multimodal.corpora.manifest import is_generated
from multimodal.corpora.synthetic import GENERATORS, LayoutOptions, SyntheticOptions
from multimodal.labels import CLASSES
from multimodal.media.prepared import PreparedClip
from multimodal.media.store import Store


class Found(NamedTuple):
    """A corpus of the notebook.

    ``is_stand_in`` is whether its clips were drawn by a program; ``remark`` says why that had to be, or what the
    scan came past.
    """

    manifest: Manifest
    is_stand_in: bool
    remark: str


def find_or_generate(
    roots: Mapping[str, str | Path],
    stand_ins: Path,
    *,
    talking_heads: SyntheticOptions,
    layouts: LayoutOptions,
) -> dict[str, Found]:
    """Read every corpus where it lies; where it cannot be read there, generate a copy of its layout and say why.

    Args:
        roots: where each corpus should lie, by its name in the catalog.
        stand_ins: folder of the generated copies.
        talking_heads: FakeAVCeleb's copy.
        layouts: all other copies.
    """
    return {
        name: _find(name, Path(root), stand_ins / name, talking_heads if name == "fakeavceleb" else layouts)
        for name, root in roots.items()
    }


def few_of_each_class(manifest: Manifest, clips_per_class: int, *, seed: int = 0) -> Manifest:
    """At most so many clips of each audio-visual class, drawn at random; clips without a class are left out."""
    clips = manifest.clips.dropna(subset=["av_class"]).sample(frac=1, random_state=seed)
    few = clips.groupby("av_class", observed=True).head(clips_per_class)
    return Manifest(few.sort_values("clip_id", ignore_index=True), manifest.roots)


def folder_of(manifest: Manifest, parent: Path, *settings: object) -> Path:
    """Write a manifest into a folder of ``parent`` named after its clips and ``settings``.

    What was made of the same clips is found there again, and nothing that was made of others.
    """
    clips = manifest.clips[["clip_id", "size_bytes", "av_class"]].to_csv(index=False)
    folder = parent / hashlib.sha256(f"{settings}{clips}".encode()).hexdigest()[:8]
    manifest.write(folder / "manifest.parquet")
    return folder


class Example(NamedTuple):
    """A clip to look at: as it was prepared, and its file, relative to the working directory."""

    prepared: PreparedClip
    file: Path


def one_of_each_class(manifest: Manifest, store: Store) -> dict[str, Example]:
    """The first clip of each audio-visual class of which both picture and sound were prepared, by class."""
    whole = store.index[store.index["absent_video"].isna() & store.index["absent_audio"].isna()]
    rows = manifest.clips[manifest.clips["clip_id"].isin(whole["clip_id"])].drop_duplicates("av_class")
    clip_ids = rows.set_index("av_class")["clip_id"]
    return {
        name: Example(store.read(clip_ids[name]), Path(os.path.relpath(manifest.file_of(clip_ids[name]))))
        for name in CLASSES
        if name in clip_ids
    }


def _find(name: str, root: Path, stand_in: Path, options: SyntheticOptions | LayoutOptions) -> Found:
    report = ScanReport()
    try:
        manifest = scan(name, root, report=report)
    except ValueError as error:
        GENERATORS[name](stand_in, options, workers=1, progress=lambda files: files)
        why = str(error) if root.exists() else f"there is no folder {root}"
        return Found(scan(name, stand_in, report=ScanReport()), True, why)
    return Found(manifest, is_generated(manifest.clips), "; ".join(report.lines()) or f"read in {root}")
