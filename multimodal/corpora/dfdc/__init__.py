"""DFDC, the Deepfake Detection Challenge: paid actors with sound, faces swapped and some voices replaced.

On disk: ``dfdc_train_part_0`` to ``dfdc_train_part_49``, each with its videos beside a ``metadata.json`` (Kaggle
packs each into a folder of nearly its own name), and ``test`` with ``labels.csv``. Whatever is easily got wrong
here:

* **A fake's label does not say what is fake.** A minority has a replaced voice, over a genuine or a forged
  picture; so ``any_fake`` is 1 and ``video_fake`` and ``audio_fake`` are unknown. Genuine videos are genuine in
  both.
* Nobody is named, and the same actors come in all parts. What can be held together is a genuine video and the
  fakes made from it (``original``): ``source_clip`` names it even where it is not on disk. Published work holds
  out whole parts, which shares actors.
* The train part has no official validation within; the public validation and test sets come apart.
* Videos without a label (Kaggle's ``test_videos``) are left out and counted. Test videos may have distractors
  drawn over them: text, shapes, filters.
* Names are ten letters and say nothing; the method is not published.
* Not to be confused with DFD, nor with the preview of this challenge (``dfdc_preview``).
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from multimodal.corpora.base import Corpus
from multimodal.corpora.dfdc.labels import Entry, read_labels
from multimodal.corpora.manifest import Clip
from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.walk import walk_files

NUM_PARTS = 50
_PART = re.compile(r"dfdc_train_part_0*(\d+)")
_SPLITS = (("dfdc_train_part", "train"), ("train", "train"), ("val", "val"), ("test", "test"))


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every video that a table beside it gives a label."""
    files = list(walk_files(root, report, suffixes={".mp4"}))
    tables = _read_tables(root, {_folder_of(path) for path, _ in files}, report)
    there = {path.rpartition("/")[2]: path for path, _ in files}
    for path, size_bytes in files:
        entry = tables[_folder_of(path)].get(path.rpartition("/")[2])
        if entry is None:
            report.skip("in no metadata.json or labels.csv, so its label is unknown", path)
        else:
            yield _clip(path, size_bytes, entry, there)
    _report_missing(tables, there, report)


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _read_tables(root: Path, folders: set[str], report: ScanReport) -> dict[str, dict[str, Entry]]:
    """Folder → the table in it, or in the one above if that is still in the corpus."""

    @cache
    def read(folder: str) -> dict[str, Entry]:
        return read_labels(root / folder, report)

    return {folder: read(folder) or (read(_folder_of(folder)) if folder else {}) for folder in sorted(folders)}


def _clip(path: str, size_bytes: int, entry: Entry, there: dict[str, str]) -> Clip:
    source_clip = None
    flags: tuple[str, ...] = ()
    if entry.fake and entry.original:
        source_clip = there.get(entry.original)
        if source_clip is None:
            source_clip = f"{_folder_of(path)}/{entry.original}".lstrip("/")
            flags = ("pair_missing",)
    return Clip(
        path=path,
        media="video",
        video_fake=None if entry.fake else 0,
        audio_fake=None if entry.fake else 0,
        any_fake=entry.fake,
        method="unknown" if entry.fake else "real",
        size_bytes=size_bytes,
        source_clip=source_clip,
        official_split=entry.split or _split_of(path),
        flags=flags,
    )


def _split_of(path: str) -> str | None:
    parts = path.lower().split("/")[:-1]
    return next((split for start, split in _SPLITS for part in parts if part.startswith(start)), None)


def _report_missing(tables: dict[str, dict[str, Entry]], there: dict[str, str], report: ScanReport) -> None:
    listed = {name for entries in tables.values() for name in entries}
    if missing := listed - set(there):
        report.warn(f"the tables list {len(missing):,} videos that are not on disk, e.g. {min(missing)}")
    parts = {int(found[1]) for folder in tables for found in _PART.finditer(folder)}
    absent = [number for number in range(NUM_PARTS) if number not in parts]
    if parts and absent:
        runs = [list(run) for _, run in groupby(absent, key=lambda number: number - absent.index(number))]
        spans = ", ".join(f"{run[0]} to {run[-1]}" if run[1:] else str(run[0]) for run in runs)
        report.warn(f"{len(absent)} of {NUM_PARTS} training parts are missing: {spans}")


CORPUS = Corpus(
    name="dfdc",
    title="DFDC (Deepfake Detection Challenge)",
    summary="about 119,000 videos of paid actors for training; the label of a fake is for the whole clip",
    licence="DFDC agreement, research only",
    request_url="https://ai.meta.com/datasets/dfdc/",
    markers=(
        ("dfdc_train_part*/metadata.json",),
        ("dfdc_train_part*/dfdc_train_part*/metadata.json",),
        ("train/dfdc_train_part*/",),
        ("train_sample_videos/metadata.json",),
        ("metadata.json", "*.mp4"),
    ),
    clips=read_clips,
    official_split="train parts and test, by folder and table; the public validation set comes apart",
)
