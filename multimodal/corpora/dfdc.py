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
* Many people have the public test part alone: ``test`` with ``labels.csv``, or with a ``metadata.json`` that says
  ``is_fake``. It is read, with a warning that there is nothing to train on.
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
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import file_named
from multimodal.corpora.table_file import read_json_file, read_rows
from multimodal.corpora.walk import walk_files

# Labels of DFDC: ``metadata.json`` beside training videos, ``labels.csv`` beside test videos (1 is fake).


_FAKE = {"real": 0, "fake": 1, "0": 0, "1": 1}
_SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class Entry(NamedTuple):
    """What a table says of one file; ``split`` counts before that of the folder, ``else_split`` after it."""

    fake: int
    original: str | None = None
    split: str | None = None
    else_split: str | None = None


def read_labels(folder: Path, report: ScanReport) -> dict[str, Entry]:
    """Entries by file name in lower case, of the table in a folder; empty if there is none.

    A table that is damaged is a warning, and as if it were not there: other parts can still be read. Raises
    ``ValueError`` where the labels of a table are the other way round.
    """
    for name, read in (("metadata.json", _read_json), ("labels.csv", _read_csv)):
        path = file_named(folder, name)
        if path is not None:
            try:
                entries = read(path, report)
            except (ValueError, OSError) as error:
                report.warn(f"{error}; the videos beside it have no label")
                return {}
            return _without_contradictions(path, entries, report)
    return {}


def fake_of(label: object) -> int | None:
    """1 for fake, 0 for real, None for anything else.

    >>> fake_of("FAKE"), fake_of("real"), fake_of(1), fake_of("maybe")
    (1, 0, 1, None)
    """
    return None if isinstance(label, bool) else _FAKE.get(str(label).strip().lower())


def read_json_object(path: Path) -> dict[str, dict[str, object]]:
    """A JSON file with one object of objects; ``ValueError`` in one line if it is anything else."""
    content = read_json_file(path)
    if not isinstance(content, dict) or not all(isinstance(value, dict) for value in content.values()):
        raise ValueError(f"{path} is not a JSON object with an entry a video")
    return content


def _read_json(path: Path, report: ScanReport) -> dict[str, Entry]:
    entries = {}
    content = read_json_object(path)
    for name, value in content.items():
        original = value.get("original")
        fake = fake_of(value.get("label", value.get("is_fake")))
        if fake is not None:
            split = _SPLIT_NAMES.get(str(value.get("split")).lower())
            else_split = "test" if "is_fake" in value else None
            source = _base_name(str(original)) if original else None
            entries[_base_name(name)] = Entry(fake, source, split, else_split)
    if len(entries) < len(content):
        report.warn(f"{path}: {len(content) - len(entries):,} entries have no label of REAL and FAKE")
    return entries


def _read_csv(path: Path, report: ScanReport) -> dict[str, Entry]:
    rows = list(read_rows(path))
    names = list(dict.fromkeys(column for row in rows for column in row))
    if any(name.lower().endswith(".mp4") for name in names):
        raise ValueError(f"{path} has no header; its first line must be filename,label")
    label = _label_column(path, names, rows)
    entries: dict[str, Entry] = {}
    contradicted = set()
    num_unread = 0
    for row in rows:
        file = next((cell for cell in row.values() if cell.lower().endswith(".mp4")), None)
        fake = fake_of(row.get(label))
        if file is None or fake is None:
            num_unread += 1
        # labels.csv comes with test videos only, whatever their folder is called
        elif entries.setdefault(_base_name(file), Entry(fake, else_split="test")).fake != fake:
            contradicted.add(_base_name(file))
    if num_unread:
        report.warn(f"{path}: {num_unread:,} rows lack a file or a label")
    if contradicted:
        report.warn(f"{path} gives {len(contradicted):,} files two labels, e.g. {min(contradicted)}; left out")
    return {name: entry for name, entry in entries.items() if name not in contradicted}


def _label_column(path: Path, names: list[str], rows: list[dict[str, str]]) -> str:
    """The column called label, else the only one that holds nothing but labels."""
    called = [name for name in names if name.lower() == "label"]
    fitting = [name for name in names if all(fake_of(row.get(name)) is not None for row in rows)]
    found = called or fitting
    if len(found) != 1:
        raise ValueError(f"{path} has no column called label, and the columns {', '.join(names)} do not tell")
    return found[0]


def _without_contradictions(path: Path, entries: dict[str, Entry], report: ScanReport) -> dict[str, Entry]:
    """Only fakes are made from an original; an entry that is called real and names one has no certain label."""
    made = [name for name, entry in entries.items() if entry.original]
    wrong = [name for name in made if not entries[name].fake]
    if wrong and len(wrong) * 2 >= len(made):
        raise ValueError(
            f"{path} calls {len(wrong):,} of {len(made):,} videos REAL that name an original, as only fakes do. "
            "Its labels seem to be the other way round: compare with the download."
        )
    if wrong:
        report.warn(f"{path} calls {len(wrong):,} videos REAL that name an original, e.g. {wrong[0]}; left out")
    return {name: entry for name, entry in entries.items() if entry.fake or not entry.original}


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].lower()


NUM_PARTS = 50
#: A name of the corpus as a pattern; ``labels.csv`` alone may be anybody's.
_NAME = "??????????.mp4"
_PART = re.compile(r"dfdc_train_part_0*(\d+)", re.IGNORECASE)
_SPLITS = (("dfdc_train_part", "train"), ("train", "train"), ("val", "val"), ("test", "test"))


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every video that a table beside it gives a label."""
    files = list(walk_files(root, report, suffixes={".mp4"}))
    tables = _read_tables(root, {_folder_of(path) for path, _ in files}, report)
    there = {_base_name(path): path for path, _ in files}
    splits = set()
    for path, size_bytes in files:
        entry = tables[_folder_of(path)].get(_base_name(path))
        if entry is None:
            report.skip("in no metadata.json or labels.csv, so its label is unknown", path)
        else:
            clip = _clip(path, size_bytes, entry, there)
            splits.add(clip.official_split)
            yield clip
    if splits == {"test"}:
        report.warn("the test part alone: judge on it, do not train; dfdc_train_part_0 to 49 come apart")
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
        official_split=entry.split or _split_of(path) or entry.else_split,
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
        ("test/labels.csv", "test/*.mp4"),
        ("test/metadata.json", "test/*.mp4"),
        ("labels.csv", _NAME),
    ),
    clips=read_clips,
    official_split="train parts and test, by folder and table; the public validation set comes apart",
)
