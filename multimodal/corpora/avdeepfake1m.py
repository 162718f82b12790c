"""AV-Deepfake1M: utterances of VoxCeleb2 with words replaced, deleted or inserted, in picture, sound or both.

On disk: ``{train,val}/<id>/<YouTube id>/<utterance>/`` with up to four files, ``real.mp4`` and three fakes made of
it, beside ``train_metadata.json`` and ``val_metadata.json``. AV-Deepfake1M++ has one folder more in between,
``vox_celeb_2``, ``lrs3`` or ``silent_videos``, and is read too. Whatever is easily got wrong here:

* ``modify_type`` is written ``both_modified`` in the data and ``both-modified`` in the authors' loader, whose two
  labels therefore both stay real; here a hyphen and an underscore are the same.
* The published ``test`` part has no labels. Its files are counted and left out; published work takes ``val`` (or
  a part of it) for test and cuts its own validation part out of ``train``.
* Fakes are edits of single words: most of a fake is genuine, hence the flag ``partly_fake``.
* Fakes begin with a short silence that alone tells them from reals; report trimmed sound too.
* Without the two tables labels come from file names alone, which is said.
* In ``lrs3`` a folder is a talk and stands for its speaker; ``silent_videos`` have no speech.
* A file name repeats in every folder: only the whole path tells files apart.

Identities are VoxCeleb2's (``vox2:id00012``), as in FakeAVCeleb, LAV-DF and VoxCeleb2 itself.
"""

import os
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import NameCheck
from multimodal.corpora.manifest import Clip, Segments, read_segments
from multimodal.corpora.roots import has, list_folder
from multimodal.corpora.table_file import iterate_json_list
from multimodal.corpora.walk import walk_files

NAMESPACE = "vox2"
SPLITS = ("train", "val")
#: modify_type → (video_fake, audio_fake), and the same of the four file names.
TYPES = {"real": (0, 0), "visual_modified": (1, 0), "audio_modified": (0, 1), "both_modified": (1, 1)}
NAMES = {
    "real": "real",
    "fake_video_real_audio": "visual_modified",
    "real_video_fake_audio": "audio_modified",
    "fake_video_fake_audio": "both_modified",
}

#: The folders of AV-Deepfake1M++ below train and val, and whose people those are.
_PARTS = {"vox_celeb_2": NAMESPACE, "lrs3": "lrs3", "silent_videos": "avdeepfake1m_silent"}
_UNLABELLED = ("test", "testa", "testb")
_FOLDER = re.compile(
    rf"(?:train|val)/(?:(?P<part>{'|'.join(_PARTS)})/(?P<name>[^/]+)(?:/[^/]+)*|(?P<person>id\d{{5}})/[^/]+/\d+)",
    re.IGNORECASE,
)
_TAIL = re.compile(rf"(?:{'|'.join(_PARTS)}|id\d{{5}})/.*", re.IGNORECASE)


class Entry(NamedTuple):
    """What a record says: a key of :data:`TYPES`, the method with the voice's model, and what was forged when.

    A record that does not tell picture from sound gives both the same stretches.
    """

    type: str
    method: str
    video_segments: Segments | None = None
    audio_segments: Segments | None = None


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Labelled files of train and val; names and metadata must agree on a label."""
    listing = list_folder(root)
    for split in SPLITS:
        folders = listing.find(split, is_folder=True)
        for folder in folders:
            yield from _read_split(root, split, folder, report)
        if not folders:
            report.note(f"folder {split} is missing under {root}")
    for folder in listing.folders:
        if folder.lower() in _UNLABELLED:
            for path, _ in walk_files(root, report, suffixes={".mp4"}, under=folder):
                report.skip("published without a label", path)


def _read_split(root: Path, split: str, under: str, report: ScanReport) -> Iterator[Clip]:
    if any(has(list_folder(root / under), f"{part}/") for part in _PARTS):
        report.warn(f"{under} is laid out as AV-Deepfake1M++: the numbers of clips of AV-Deepfake1M do not apply")
    entries = _read_metadata(root, split, report)
    has_metadata = bool(entries)
    check = NameCheck("real.mp4 is real, fake_video_real_audio.mp4 visual_modified, and so on", "record")
    files = walk_files(root, report, suffixes={".mp4"}, under=under)
    for folder, group in groupby(files, key=lambda file: os.path.dirname(file[0])):
        found = list(group)
        real = next((path for path, _ in found if path.lower().endswith("/real.mp4")), None)
        parsed = _FOLDER.fullmatch(folder)
        person = parsed and _person(parsed)
        for path, size_bytes in found:
            type_by_name = NAMES.get(path[len(folder) + 1 : -len(".mp4")].lower()) if parsed else None
            entry = entries.pop(path.lower(), None)
            if entry is None and type_by_name is None:
                report.skip("neither its name nor the metadata give a label", path)
            elif entry is None or check.accepts(path, entry.type, type_by_name, report):
                flags = ["name_unparsed"] if type_by_name is None else []
                flags += ["not_in_metadata"] if has_metadata and entry is None else []
                known = entry or Entry(str(type_by_name), str(type_by_name))
                yield _clip(path, size_bytes, split, known, person, real, flags)
    check.conclude(report)
    if entries:
        report.warn(f"{split}_metadata.json: {len(entries):,} of its files are not on disk, e.g. {min(entries)}")


def _person(folder: re.Match[str]) -> str:
    """Who is in the clips of a folder, in the namespace of the corpus that they come from."""
    if folder["part"]:
        return f"{_PARTS[folder['part'].lower()]}:{folder['name'].lower()}"
    return f"{NAMESPACE}:{folder['person'].lower()}"


def _clip(
    path: str, size_bytes: int, split: str, entry: Entry, person: str | None, real: str | None, flags: list[str]
) -> Clip:
    video_fake, audio_fake = TYPES[entry.type]
    is_fake = entry.type != "real"
    if is_fake:
        flags = [*flags, "partly_fake", *([] if real else ["pair_missing"])]
    return Clip(
        path=path,
        media="video",
        video_fake=video_fake,
        audio_fake=audio_fake,
        method=entry.method,
        size_bytes=size_bytes,
        identity=person,
        # the record's "original" is this file, and is named even where only a part was downloaded
        source_clip=(real or f"{path.rpartition('/')[0]}/real.mp4") if is_fake and person else None,
        official_split=split,
        flags=tuple(flags),
        video_segments=entry.video_segments if video_fake else (),
        audio_segments=entry.audio_segments if audio_fake else (),
    )


def _read_metadata(root: Path, split: str, report: ScanReport) -> dict[str, Entry]:
    """Records by path from the root in lower case, whatever folder the record's own path begins with."""
    found = list_folder(root).find(f"{split}_metadata.json", is_folder=False)
    if not found:
        report.warn(f"no {split}_metadata.json under {root}; labels of {split} come from file names alone")
        return {}
    path = root / found[0]
    entries: dict[str, Entry] = {}
    known: dict[Entry, Entry] = {}  # the quarter that is genuine shares one
    num_unread = 0
    for record in iterate_json_list(path):
        tail = _TAIL.search(str(record.get("file", "")).replace("\\", "/"))
        kind = str(record.get("modify_type", "")).replace("-", "_")
        if tail is None or kind not in TYPES:
            num_unread += 1
            continue
        model = str(record.get("audio_model") or "").lower() if TYPES[kind][1] else ""
        either = record.get("fake_segments")
        entry = Entry(
            kind,
            f"{kind}-{model}" if model else kind,
            read_segments(record.get("visual_fake_segments", either)),
            read_segments(record.get("audio_fake_segments", either)),
        )
        entries[f"{split}/{tail.group()}".lower()] = known.setdefault(entry, entry)
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} records lack a file or a modify_type of {', '.join(TYPES)}")
    return entries


CORPUS = Corpus(
    name="avdeepfake1m",
    title="AV-Deepfake1M",
    summary="286,721 genuine and 860,039 fake videos of 2,068 people; the fakes are edits of single words",
    licence="research only, on the terms of an agreement",
    request_url="https://github.com/ControlNet/AV-Deepfake1M",
    markers=(
        ("train_metadata.json", "train/id*/"),
        ("val_metadata.json", "val/id*/"),
        *((f"{split}/id*/*/*/*real*.mp4",) for split in SPLITS),
        *((f"{split}/{part}/",) for split in SPLITS for part in _PARTS),
    ),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"official_split": {"train": 746_180, "val": 57_340}},
    official_split="train and val by folder; the test part is published without labels",
)
