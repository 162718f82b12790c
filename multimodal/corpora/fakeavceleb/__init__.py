"""FakeAVCeleb v1.2: celebrities of VoxCeleb2 with swapped faces, redrawn lips and cloned voices.

On disk: ``<type>/<race>/<gender>/<id>/<name>.mp4`` with four type folders, five races, two genders and 500 people
of 50 a cell of race and gender, beside ``meta_data.csv``. Whatever is easily got wrong here:

* **Labels come from the type folder and from nothing else.** 25 fakes carry exactly the path tail of the genuine
  clip (``FakeVideo-RealAudio/.../id00220/00027.mp4``); base names repeat 2,170 times.
* Every donor of a face or voice is from the cell of the person on screen, so the cell (``group``) is the smallest
  unit that can be split off without tearing clips apart.
* RealVideo-FakeAudio is the genuine video under a cloned voice, not synchronised: its video is real.
* Fakes begin with a short silence that alone tells them from reals; report trimmed sound too.
* A folder of frames called like a clip is read in its place, and a WAV beside it as its sound. Without one the
  sound is not labelled: what is left of a genuine video under a cloned voice is genuine.
* Each genuine clip comes with a text file; those are counted and left out.
* A row of the table that names another type than the folder leaves its clip out; a method that the name cannot
  mean is no label, and only a flag.
* Flattened copies put the person before the name (``id00018_00181_0.mp4``). They are read below a type folder, but
  know no cell, and clips of one name took each other's place when the copy was made.

Identities are VoxCeleb2's (``vox2:id00017``), as in LAV-DF, AV-Deepfake1M and VoxCeleb2 itself.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.fakeavceleb.metadata import (
    RACES,
    MetadataEntry,
    file_key,
    normalise_race,
    read_metadata,
    type_of,
)
from multimodal.corpora.fakeavceleb.names import TYPES, NameRule, ParsedName, parse_name, type_of_name
from multimodal.corpora.file_names import NameCheck
from multimodal.corpora.folder.labelled import is_silent
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder
from multimodal.corpora.walk import walk_clips

NAMESPACE = "vox2"
GENDERS = ("men", "women")

_REAL = "RealVideo-RealAudio"
#: Flag of a clip whose person stands in its name and not in a folder above it.
FLATTENED = "flattened_name"
#: Flag of a clip whose frames were taken out without its sound.
NO_SOUND = "no_sound"
_FLAT = re.compile(r"(id\d{5})_(.+)", re.IGNORECASE)
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
    """Where a clip lies: its type folder, the person on screen, and the cell of race and gender.

    ``stem`` is the name by the grammar, without the person that a flattened copy puts before it.
    """

    type_folder: str
    identity: str | None
    cell: str | None
    stem: str
    is_flattened: bool = False


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every clip in the four type folders, with methods cross-checked against ``meta_data.csv``."""
    table = _find_table(root, report)
    metadata = read_metadata(table, report) if table else {}
    files = dict(_belonging(_walk_types(root, report), report))
    for path in _contradicted(files, metadata, report):
        del files[path]
    reals = _clips_of_people(files)
    crosstab: Counter[tuple[str, str]] = Counter()
    num_unlisted = 0
    silent = {path for path in files if not path.lower().endswith(".mp4") and is_silent(root / path)}
    for path, size_bytes in files.items():
        place, entry = _place_of(path), metadata.pop(_key_of(path), None)
        parsed = parse_name(place.type_folder, place.stem)
        num_unlisted += entry is None
        if parsed and entry and place.type_folder == "FakeVideo-FakeAudio":
            crosstab[parsed.rule.name, "+".join(entry.methods)] += 1
        clip = _clip(path, size_bytes, place, parsed, entry, reals)
        yield _without_sound(clip) if path in silent else clip
    _report_metadata(metadata, num_unlisted if table else 0, len(files), crosstab, report)
    if silent:
        report.warn(
            f"no WAV belongs to the frames of {len(silent):,}, e.g. {min(silent)}: their sound is not labelled"
        )
    if flat := [path for path in files if _place_of(path).is_flattened]:
        report.warn(
            f"{len(flat):,} names are those of a flattened copy, e.g. {flat[0]}: race and gender are not known, "
            "and clips of one person and name are one file there"
        )


def _walk_types(root: Path, report: ScanReport) -> Iterator[tuple[str, int]]:
    listing = list_folder(root)
    for type_folder in TYPES:
        found = listing.find(type_folder, is_folder=True)
        for folder in found:
            yield from walk_clips(root, report, is_clip=_is_named_as_clip, under=folder)
        if not found:
            report.warn(f"folder {type_folder} is missing under {root}")


def _is_named_as_clip(path: str) -> bool:
    place = _place_of(path)
    return type_of_name(place.type_folder, place.stem) is not None


def _key_of(path: str) -> str:
    """What the table calls a file, or the video whose frames lie in a folder."""
    return file_key(path if path.lower().endswith(".mp4") else f"{path}.mp4")


def _contradicted(files: Collection[str], metadata: Mapping[str, MetadataEntry], report: ScanReport) -> list[str]:
    """Files for which table and folder name different types: no label is certain, so they are left out.

    Raises ``ValueError`` where that holds for half of the files that the table lists, or more.
    """
    types = {path: metadata[_key_of(path)].types for path in files if _key_of(path) in metadata}
    stated = {path: named for path, named in types.items() if named}
    wrong = [path for path, named in stated.items() if named != {_place_of(path).type_folder}]
    if not wrong:
        return []
    found = f"meta_data.csv names another type than the folder for {len(wrong):,} of {len(stated):,} files"
    if len(wrong) * 2 >= len(stated):
        raise ValueError(f"{found}, e.g. {wrong[0]}. Folders or rows are swapped: compare with the download.")
    report.warn(f"{found}, e.g. {wrong[0]}; these files were left out")
    for path in wrong:
        report.skip("its row in meta_data.csv contradicts its folder, so its label is not certain", path)
    return wrong


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
    type_folder = type_of(parts[0]) or parts[0]
    if len(parts) == 5:
        race, gender, identity = normalise_race(parts[1]), parts[2].lower(), parts[3].lower()
        if race in RACES and gender in GENDERS and _is_id(identity):
            return Place(type_folder, identity, f"{race}/{gender}", stem)
    people = [part.lower() for part in parts[1:-1] if _is_id(part.lower())]
    if not people and (flat := _FLAT.fullmatch(stem)):
        return Place(type_folder, flat[1].lower(), None, flat[2], is_flattened=True)
    return Place(type_folder, people[-1] if people else None, None, stem)


def _is_id(name: str) -> bool:
    return len(name) == 7 and name.startswith("id") and name[2:].isdecimal()


def _clips_of_people(paths: Iterable[str]) -> dict[tuple[str | None, str | None], dict[str, str]]:
    """(cell, id) → stem → path of the genuine clips."""
    reals: dict[tuple[str | None, str | None], dict[str, str]] = defaultdict(dict)
    for path in paths:
        place = _place_of(path)
        if place.type_folder == _REAL:
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
        flags.append(FLATTENED if place.is_flattened else "unexpected_folder")
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


def _without_sound(clip: Clip) -> Clip:
    """What is left of a clip whose frames alone are there."""
    method = clip.method if clip.video_fake else "real"
    return clip._replace(audio_fake=None, method=method, flags=(*clip.flags, NO_SOUND))


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
    markers=(
        ("RealVideo-RealAudio/", "FakeVideo-FakeAudio/"),
        ("RealVideo-*Audio/", "FakeVideo-*Audio/"),
        ("RealVideo-RealAudio/", "RealVideo-FakeAudio/"),
        ("FakeVideo-RealAudio/", "FakeVideo-FakeAudio/"),
    ),
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
