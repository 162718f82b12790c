"""LAV-DF: genuine videos in which a few words were replaced, in the picture, in the sound or in both.

On disk: ``train``, ``dev`` and ``test`` with files of six digits, beside ``metadata.json`` (with transcripts) or
``metadata.min.json`` (without), a list with one record a file. Whatever is easily got wrong here:

* **Nothing in a path tells real from fake**; labels are ``modify_video`` and ``modify_audio`` of the record. A
  file that is in no record has no label and is left out.
* Fakes are edits of single words: most frames of a fake are genuine, hence the flag ``partly_fake``. A window cut
  from one need not hold anything fake. ``fake_periods`` are of whatever was forged; a record does not say which of
  them is in the picture alone.
* ``original`` names the genuine file beneath a fake and is null for genuine ones. Clips that share it must not be
  torn apart.
* ``dev`` is the validation part.
* The 153 people are of VoxCeleb2, but the records do not say who is who, so that an overlap with FakeAVCeleb,
  AV-Deepfake1M or VoxCeleb2 can neither be found nor excluded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from multimodal.artefacts import is_number
from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.manifest import Clip, Segments, read_segments
from multimodal.corpora.roots import list_folder
from multimodal.corpora.table_file import iterate_json_list
from multimodal.corpora.walk import walk_files

_TABLES = ("metadata.min.json", "metadata.json")
SPLITS = {"train": "train", "dev": "val", "test": "test"}
METHODS = {(0, 0): "real", (1, 0): "visual_modified", (0, 1): "audio_modified", (1, 1): "both_modified"}


class Entry(NamedTuple):
    """One record of the metadata; ``num_fakes`` and ``original`` must agree with the labels."""

    video_fake: int
    audio_fake: int
    num_fakes: float | None
    original: str | None
    split: str | None
    periods: Segments | None

    @property
    def is_consistent(self) -> bool:
        """Whether forged words are counted exactly in fakes, and a genuine clip has no original."""
        is_fake = bool(self.video_fake or self.audio_fake)
        counts = self.num_fakes is None or (self.num_fakes > 0) == is_fake
        return counts and (is_fake or self.original is None)


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every file that has a record, and a word on those that have none and on records without a file."""
    entries = _read_metadata(root, report)
    listing = list_folder(root)
    files: dict[str, int] = {}
    for split in SPLITS:
        folders = listing.find(split, is_folder=True)
        if not folders:
            report.warn(f"folder {split} is missing under {root}")
            entries = {path: entry for path, entry in entries.items() if not path.startswith(f"{split}/")}
        for folder in folders:
            files.update(walk_files(root, report, suffixes={".mp4"}, under=folder))
    there = {path.lower(): path for path in files}
    for path, size_bytes in files.items():
        entry = entries.pop(path.lower(), None)
        if entry is None:
            report.skip("in no record of the metadata, so its label is unknown", path)
        else:
            yield _clip(path, size_bytes, entry, there)
    if entries:
        report.warn(f"the metadata list {len(entries):,} files that are not on disk, e.g. {min(entries)}")


def _read_metadata(root: Path, report: ScanReport) -> dict[str, Entry]:
    """Records by file in lower case; the small metadata hold all that is read here."""
    listing = list_folder(root)
    (name, *_) = [found for each in _TABLES for found in listing.find(each, is_folder=False)]
    path = root / name
    entries: dict[str, Entry] = {}
    contradicted: set[str] = set()
    odd: list[str] = []
    num_unread = 0
    for record in iterate_json_list(path):
        file, entry = record.get("file"), _entry_of(record)
        if not isinstance(file, str) or entry is None:
            num_unread += 1
            continue
        file = file.replace("\\", "/").strip("/").lower()
        if not entry.is_consistent:
            odd.append(file)
        elif entries.setdefault(file, entry)[:2] != entry[:2]:
            contradicted.add(file)
    _report_odd(path, odd, len(odd) + len(entries), report)
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} records lack file or labels, or n_fakes is no number")
    if contradicted:
        report.warn(f"{path.name}: two labels for {len(contradicted):,} files; left out, e.g. {min(contradicted)}")
    left_out = contradicted.union(odd)
    return {file: entry for file, entry in entries.items() if file not in left_out}


def _report_odd(path: Path, odd: list[str], num_records: int, report: ScanReport) -> None:
    """Labels the other way round show in the genuine and the wholly forged clips, about half of all."""
    if not odd:
        return
    found = (
        f"{path.name}: {len(odd):,} of {num_records:,} records contradict themselves, e.g. {odd[0]} "
        "(modify_video and modify_audio against n_fakes and original)"
    )
    if len(odd) * 4 >= num_records:
        raise ValueError(f"{found}. The labels seem to be the other way round: take the published metadata.")
    report.warn(f"{found}; left out")


def _entry_of(record: dict[str, Any]) -> Entry | None:
    video_fake, audio_fake = record.get("modify_video"), record.get("modify_audio")
    if video_fake not in (0, 1) or audio_fake not in (0, 1):
        return None
    original, num_fakes = record.get("original"), record.get("n_fakes")
    if num_fakes is not None and not is_number(num_fakes):
        return None
    return Entry(
        int(video_fake),
        int(audio_fake),
        num_fakes,
        original.replace("\\", "/").strip("/") if isinstance(original, str) else None,
        SPLITS.get(str(record.get("split"))),
        read_segments(record.get("fake_periods")),
    )


def _clip(path: str, size_bytes: int, entry: Entry, there: dict[str, str]) -> Clip:
    is_fake = bool(entry.video_fake or entry.audio_fake)
    folder_split = SPLITS[path.partition("/")[0].lower()]
    flags = ["partly_fake"] if is_fake else []
    if is_fake and entry.original is None:
        flags.append("pair_missing")
    if entry.split not in (None, folder_split):
        flags.append("split_conflict")
    return Clip(
        path=path,
        media="video",
        video_fake=entry.video_fake,
        audio_fake=entry.audio_fake,
        method=METHODS[entry.video_fake, entry.audio_fake],
        size_bytes=size_bytes,
        source_clip=there.get(entry.original.lower(), entry.original) if is_fake and entry.original else None,
        official_split=entry.split or folder_split,
        flags=tuple(flags),
        video_segments=entry.periods if entry.video_fake else (),
        audio_segments=entry.periods if entry.audio_fake else (),
    )


_FOLDERS = ("train/", "dev/", "test/")

CORPUS = Corpus(
    name="lavdf",
    title="LAV-DF",
    summary="36,431 genuine and 99,873 fake talking-head videos whose fakes are edits of single words",
    licence="CC BY-NC 4.0, on the terms of an agreement",
    request_url="https://github.com/ControlNet/LAV-DF",
    markers=(
        ("metadata.json", *_FOLDERS),
        ("metadata.min.json", *_FOLDERS),
        *(("metadata*.json", f"{folder}??????.mp4") for folder in _FOLDERS),
    ),
    clips=read_clips,
    namespace="vox2",
    expected={
        "official_split": {"train": 78_703, "val": 31_501, "test": 26_100},
        "method": {
            "real": 36_431,
            "both_modified": 33_160,
            "visual_modified": 33_543,
            "audio_modified": 33_170,
        },
    },
    official_split="train, dev (here val) and test, by folder and record",
)
