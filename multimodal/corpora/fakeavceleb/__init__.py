"""FakeAVCeleb v1.2: celebrities of VoxCeleb2 with swapped faces, redrawn lips and cloned voices.

On disk: ``<type>/<race>/<gender>/<id>/<name>.mp4`` with four type folders, five races, two genders and 500 people
of 50 a cell of race and gender, beside ``meta_data.csv``. Whatever is easily got wrong here:

* **Labels come from the type folder and from nothing else.** 25 fakes carry exactly the path tail of the genuine
  clip (``FakeVideo-RealAudio/.../id00220/00027.mp4``); base names repeat 2,170 times.
* Every donor of a face or voice is from the cell of the person on screen, so the cell (``group``) is the smallest
  unit that can be split off without tearing clips apart.
* RealVideo-FakeAudio is the genuine video under a cloned voice, not synchronised: its video is real.
* Fakes begin with a short silence that alone tells them from reals; report trimmed sound too.
* Each genuine clip comes with a text file; those are counted and left out.

Identities are VoxCeleb2's (``vox2:id00017``), as in LAV-DF, AV-Deepfake1M and VoxCeleb2 itself.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.fakeavceleb.metadata import MetadataEntry, file_key, normalise_race, read_metadata
from multimodal.corpora.fakeavceleb.names import TYPES, NameRule, ParsedName, parse_name, type_of_name
from multimodal.corpora.file_names import NameCheck
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder
from multimodal.corpora.walk import walk_files

NAMESPACE = "vox2"
RACES = ("African", "Asian_East", "Asian_South", "Caucasian_American", "Caucasian_European")
GENDERS = ("men", "women")

_REAL = "RealVideo-RealAudio"
#: Reported to break face-and-mouth pipelines; kept, so that a failure is seen and not assumed.
KNOWN_PROBLEMS = frozenset(
    {
        "FakeVideo-FakeAudio/African/women/id02071/00195_id01661_SdP_Monh-_4_id04547_wavtolip.mp4",
        "FakeVideo-FakeAudio/African/women/id02071/00195_id04245_nQD_PRlBDyw_id03658_wavtolip.mp4",
        "FakeVideo-FakeAudio/African/men/id01170/00021_id01933_I5XXxgK7QpE_id00781_wavtolip.mp4",
        "RealVideo-RealAudio/Asian_East/men/id04789/002121.mp4",
    }
)


class Place(NamedTuple):
    """Where a clip lies: its type folder, the person on screen, and the cell of race and gender."""

    type_folder: str
    identity: str | None
    cell: str | None
    stem: str


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every clip in the four type folders, with methods cross-checked against ``meta_data.csv``."""
    files = dict(_belonging(_walk_types(root, report), report))
    table = _find_table(root, report)
    metadata = read_metadata(table, report) if table else {}
    reals = _clips_of_people(path for path in files if path.startswith(_REAL))
    crosstab: Counter[tuple[str, str]] = Counter()
    num_unlisted = 0
    for path, size_bytes in files.items():
        place, entry = _place_of(path), metadata.pop(file_key(path), None)
        parsed = parse_name(place.type_folder, place.stem)
        num_unlisted += entry is None
        if parsed and entry and place.type_folder == "FakeVideo-FakeAudio":
            crosstab[parsed.rule.name, "+".join(entry.methods)] += 1
        yield _clip(path, size_bytes, place, parsed, entry, reals)
    _report_metadata(metadata, num_unlisted if table else 0, len(files), crosstab, report)


def _walk_types(root: Path, report: ScanReport) -> Iterator[tuple[str, int]]:
    folders = list_folder(root).folders
    for type_folder in TYPES:
        if type_folder in folders:
            yield from walk_files(root, report, suffixes={".mp4"}, under=type_folder)
        else:
            report.warn(f"folder {type_folder} is missing under {root}")


def _belonging(files: Iterator[tuple[str, int]], report: ScanReport) -> Iterator[tuple[str, int]]:
    """Files but those whose names belong in another type folder; each folder is judged by itself.

    A folder under the name of another holds names of either kind: in the whole corpus 500 genuine clips, called
    fakes by mistake, would be few.
    """
    rule = "00109 is genuine, 00109_fake has a cloned voice, ..._wavtolip and ..._faceswap have a forged face"
    checks = {type_folder: NameCheck(rule) for type_folder in TYPES}
    for path, size_bytes in files:
        place = _place_of(path)
        named = type_of_name(place.type_folder, place.stem)
        if checks[place.type_folder].accepts(path, place.type_folder, named, report):
            yield path, size_bytes
    for check in checks.values():
        check.conclude(report)


def _place_of(path: str) -> Place:
    parts = path.split("/")
    stem = os.path.splitext(parts[-1])[0]
    if len(parts) == 5:
        type_folder, race, gender, identity, _ = parts
        if normalise_race(race) in RACES and gender in GENDERS and _is_id(identity):
            return Place(type_folder, identity, f"{normalise_race(race)}/{gender}", stem)
    people = [part for part in parts[1:-1] if _is_id(part)]
    return Place(parts[0], people[-1] if people else None, None, stem)


def _is_id(name: str) -> bool:
    return len(name) == 7 and name.startswith("id") and name[2:].isdecimal()


def _clips_of_people(paths: Iterator[str]) -> dict[tuple[str | None, str | None], dict[str, str]]:
    """(cell, id) → stem → path of the genuine clips."""
    reals: dict[tuple[str | None, str | None], dict[str, str]] = defaultdict(dict)
    for path in paths:
        place = _place_of(path)
        reals[place.cell, place.identity][place.stem] = path
    return reals


def _clip(
    path: str,
    size_bytes: int,
    place: Place,
    parsed: ParsedName | None,
    entry: MetadataEntry | None,
    reals: dict[tuple[str | None, str | None], dict[str, str]],
) -> Clip:
    video_fake, audio_fake = TYPES[place.type_folder]
    method, donors, flags = _method_and_donors(parsed, entry)
    if place.cell is None:
        flags.append("unexpected_folder")
    if file_key(path) in KNOWN_PROBLEMS:
        flags.append("known_problem")
    source_clip = None
    if place.type_folder != _REAL:
        clips = reals.get((place.cell, place.identity), {})
        source_clip, flag = _pair(clips, parsed)
        flags.extend(flag)
    return Clip(
        path=path,
        media="video",
        video_fake=video_fake,
        audio_fake=audio_fake,
        method=method,
        size_bytes=size_bytes,
        identity=place.identity and f"{NAMESPACE}:{place.identity}",
        donors=tuple(f"{NAMESPACE}:{donor}" for donor in donors),
        group=place.cell,
        source_clip=source_clip,
        flags=tuple(flags),
    )


def _method_and_donors(
    parsed: ParsedName | None, entry: MetadataEntry | None
) -> tuple[str, tuple[str, ...], list[str]]:
    """The table decides between the methods that a name allows; where the two disagree, the name does."""
    if parsed is None:
        return "unknown", entry.targets if entry else (), ["name_unparsed"]
    rule, listed = parsed.rule, entry.methods if entry else ()
    agree = len(listed) == 1 and listed[0] in rule.methods
    method = listed[0] if agree else rule.methods[0]
    donors = tuple(dict.fromkeys([*parsed.donors, *(entry.targets if entry else ())]))
    flags = ["name_without_suffix"] if rule.lacks_suffix else []
    if listed and not agree:
        flags.append("method_conflict")
    elif not listed and len(rule.methods) > 1:
        flags.append("method_from_name")
    if _lacks_face_donor(rule, method) and len(donors) == len(parsed.donors):
        flags.append("donor_unknown")
    return method, donors, flags


def _lacks_face_donor(rule: NameRule, method: str) -> bool:
    return rule.hides_donor or (rule.name == "CLIP_ID_wavtolip" and method == "faceswap-wav2lip")


def _pair(clips: dict[str, str], parsed: ParsedName | None) -> tuple[str | None, list[str]]:
    """The genuine clip with the number in the name, else the person's only one."""
    if parsed is not None and parsed.clip in clips:
        return clips[parsed.clip], []
    if len(clips) == 1:
        return next(iter(clips.values())), ["pair_other_clip"]
    return None, ["pair_missing"]


def _find_table(root: Path, report: ScanReport) -> Path | None:
    found = list_folder(root).find("meta*data.csv", is_folder=False)
    if not found:
        report.warn("no meta_data.csv beside the type folders; methods come from file names alone")
        return None
    return root / found[0]


def _report_metadata(
    left: dict[str, MetadataEntry],
    num_unlisted: int,
    num_files: int,
    crosstab: Counter[tuple[str, str]],
    report: ScanReport,
) -> None:
    if left:
        report.warn(f"meta_data.csv lists {len(left):,} files that are not on disk, e.g. {min(left)}")
    if num_unlisted:
        report.warn(
            f"meta_data.csv lacks {num_unlisted:,} of {num_files:,} files; their methods are by name alone"
        )
    for (rule, methods), count in sorted(crosstab.items()):
        report.note(f"FakeVideo-FakeAudio named {rule}: {count:,} listed as {methods or 'no method'}")


CORPUS = Corpus(
    name="fakeavceleb",
    title="FakeAVCeleb v1.2",
    summary="500 genuine and 21,044 fake talking-head videos, labelled for video and audio apart",
    licence="research use, on the terms of the request form",
    request_url="https://github.com/DASH-Lab/FakeAVCeleb",
    markers=(("RealVideo-RealAudio/", "FakeVideo-FakeAudio/"),),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={
        "folder": {
            "RealVideo-RealAudio": 500,
            "RealVideo-FakeAudio": 500,
            "FakeVideo-RealAudio": 9_709,
            "FakeVideo-FakeAudio": 10_835,
        }
    },
)
