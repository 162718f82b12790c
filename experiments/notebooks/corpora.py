"""Corpora where they lie, and a generated copy of each that is not there."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora import Manifest, ScanReport, scan
from multimodal.corpora.manifest import is_generated
from multimodal.labels import CLASSES, FAKE, REAL
from multimodal.media.prepared import PreparedClip
from multimodal.media.store.reader import Store
from multimodal.splits import SPLITS, make_split
from multimodal.synthetic import GENERATORS, LayoutOptions, SyntheticOptions

#: The one corpus of the notebook that labels picture and sound apart.
LEARNT_FROM = "fakeavceleb"


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
    workers: int = 1,
) -> dict[str, Found]:
    """Read every corpus where it lies; where it cannot be read there, generate a copy of its layout and say why.

    Args:
        roots: where each corpus should lie, by its name in the catalog.
        stand_ins: folder of the generated copies.
        talking_heads: FakeAVCeleb's copy, which is learnt from.
        layouts: all other copies.
        workers: processes that draw.
    """
    found = {}
    for name, root in roots.items():
        options = talking_heads if name == LEARNT_FROM else layouts
        try:
            found[name] = _read(name, Path(root))
        except ValueError as error:
            GENERATORS[name](stand_ins / name, options, workers=workers, progress=lambda files: files)
            found[name] = Found(scan(name, stand_ins / name, report=ScanReport()), True, str(error))
    return found


def few_of_each_class(manifest: Manifest, clips_per_class: int, *, seed: int = 0) -> Manifest:
    """At most so many clips of each audio-visual class, drawn at random; clips without a class are left out."""
    clips = manifest.clips.dropna(subset=["av_class"]).sample(frac=1, random_state=seed)
    few = clips.groupby("av_class", observed=True).head(clips_per_class)
    return replace(manifest, clips=few.sort_values("clip_id", ignore_index=True))


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


def _read(name: str, root: Path) -> Found:
    if not root.exists():
        raise ValueError(f"there is no folder {root}")
    report = ScanReport()
    manifest = scan(name, root, report=report)
    if name == LEARNT_FROM:
        _require_enough(manifest)
    else:
        _require_both_sides(manifest)
    return Found(manifest, is_generated(manifest.clips), "; ".join([f"read in {root}", *report.lines()]))


def _require_both_sides(manifest: Manifest) -> None:
    """Every corpus of the notebook has real and fake clips; without a side its ratio means nothing."""
    clips = manifest.clips[manifest.clips["size_bytes"] > 0]
    sides = {"real": REAL, "fake": FAKE}
    missing = [f"no {side}" for side, label in sides.items() if not (clips["any_fake"] == label).any()]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} clip among the {len(clips):,} files that are not empty; half downloaded?"
        )


def _require_enough(manifest: Manifest) -> None:
    """A corpus that was downloaded in part can be read, but not be learnt from."""
    clips = manifest.clips[manifest.clips["size_bytes"] > 0].reset_index(drop=True)
    part = make_split(Manifest(clips, manifest.roots), "group_out").of(clips)
    for name in SPLITS:
        missing = [one for one in CLASSES if one not in set(clips["av_class"][part == name])]
        if missing:
            raise ValueError(
                f"no clip of {', '.join(missing)} for {name}: {len(clips):,} are here; half downloaded?"
            )
