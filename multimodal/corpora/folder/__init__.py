"""Anybody's data: ``real`` and ``fake`` folders at any depth, or a CSV whose columns are named by options.

The root is the folder that is given, whatever it holds; nothing is looked for above or below it. Whatever is
easily got wrong here:

* A number is no polarity: a CSV that says 0 and 1 needs ``fake_value`` and ``real_value``. Words (fake, spoof;
  real, bonafide, genuine ...) are understood.
* A video in a ``fake`` folder is fake as a whole; whether its picture or its sound is, nobody said. Unless
  ``modality`` says it, such clips count for "any" and are unknown for video and audio.
* Images are clips of their own. Where folders hold the frames of videos, say ``frames true``: then each is a clip,
  and a WAV of its name its sound.
* A file below a real and a fake folder at once, or one that two rows label differently, has no certain label and
  is left out with a word.
* Without ``identity`` (or a column of that) nobody knows who is in a clip, so no split can keep people apart.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.folder.labelled import (
    SPLITS,
    Labels,
    PersonPattern,
    is_silent,
    labels_of,
    media_of,
    walk_media,
)
from multimodal.corpora.folder.listed import COLUMN_OPTIONS, read_listed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import frames_seen
from multimodal.corpora.walk import KIND_FOLDERS
from multimodal.labels import Media

# Clips whose labels are the names of folders above them.


_NO_LABEL = "below no folder that says real or fake: say which do with --options real NAME fake NAME, or csv FILE"
_MEDIA: tuple[Media, ...] = ("video", "audio", "image")


class Place(NamedTuple):
    """What a folder says of the files in it: labels by kind of media, or why there are none."""

    labels: dict[Media, Labels]
    method: str
    split: str | None
    problem: str | None = None


def read_sorted(
    root: Path,
    report: ScanReport,
    real: frozenset[str],
    fake: frozenset[str],
    modality: str,
    person: PersonPattern,
    *,
    has_frames: bool,
) -> Iterator[Clip]:
    """Every media file below a folder whose name is in ``real`` or ``fake`` (lower case)."""
    places: dict[str, Place] = {}
    for path, size_bytes in walk_media(root, report, has_frames=has_frames):
        folder = path[: path.rfind("/") + 1]
        place = places.get(folder)
        if place is None:
            place = places[folder] = _place_of(folder, real, fake, modality)
        if place.problem is not None:
            report.skip(place.problem, path)
            continue
        media = media_of(path)
        labels = place.labels[media]
        if has_frames and media == "video" and is_silent(root / path):
            labels = labels._replace(audio_fake=None)
        yield Clip(
            path,
            media,
            labels.video_fake,
            labels.audio_fake,
            place.method,
            size_bytes,
            identity=person.find(path),
            official_split=place.split,
            any_fake=labels.any_fake,
        )


def _place_of(folder: str, real: frozenset[str], fake: frozenset[str], modality: str) -> Place:
    names = folder.split("/")[:-1]
    lower = [name.lower() for name in names]
    meanings = [1 if name in fake else 0 for name in lower if name in fake or name in real]
    if not meanings:
        return Place({}, "", None, _NO_LABEL)
    if len(set(meanings)) > 1:
        return Place({}, "", None, "below a real and a fake folder, so its label is not certain")
    labels = {media: labels_of(media, meanings[0], modality) for media in _MEDIA}
    split = next((SPLITS[name] for name in reversed(lower) if name in SPLITS), None)
    return Place(labels, _method(names, lower, fake) if meanings[0] else "real", split)


def _method(names: list[str], lower: list[str], fake: frozenset[str]) -> str:
    """The folder below ``fake`` names the method, if there is one that is no split and no kind of file."""
    last = max(position for position, name in enumerate(lower) if name in fake)
    below = [name for name in names[last + 1 :] if name.lower() not in {*SPLITS, *KIND_FOLDERS}]
    return below[0] if below else "unknown"


def read_clips(
    root: Path,
    report: ScanReport,
    *,
    csv: str = "",
    real: str = "real",
    fake: str = "fake",
    modality: str = "",
    identity: str = "",
    frames: str = "",
    **columns: str,
) -> Iterator[Clip]:
    """Clips of a CSV if one is named, else of the folders whose names say real or fake."""
    if modality not in ("", "video", "audio", "both"):
        raise ValueError(f"modality must be video, audio or both; got {modality!r}")
    if frames not in ("", "true", "false"):
        raise ValueError(f"frames must be true or false; got {frames!r}")
    person, has_frames = PersonPattern(identity), frames == "true"
    if not frames and (seen := frames_seen(root)):
        report.warn(f"{seen}: then give --options frames true; frames false says that they are not")
    if csv:
        table = Path(csv).expanduser()
        return read_listed(root, report, table, modality, person, columns, has_frames=has_frames)
    if columns:
        raise ValueError(f"{next(iter(columns))} is for a CSV; name it too, e.g. --options csv labels.csv")
    real_names, fake_names = _names(real, "real"), _names(fake, "fake")
    return read_sorted(root, report, real_names, fake_names, modality, person, has_frames=has_frames)


def _names(text: str, option: str) -> frozenset[str]:
    names = frozenset(name.strip().lower() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(f"{option} must name folders, e.g. --options {option} {option},{option}_videos")
    return names


CORPUS = Corpus(
    name="folder",
    title="a folder of your own",
    summary="real/ and fake/ folders at any depth, or a CSV that names files and labels",
    licence="as its owner says",
    request_url="",
    markers=(("real/", "fake/"), ("train*/real/", "train*/fake/")),
    clips=read_clips,
    official_split="folders or values named train, val (valid, dev) and test",
    options={
        "real": "names of folders that mean real, with commas (default: real)",
        "fake": "names of folders that mean fake, with commas (default: fake)",
        "modality": "what is fake in fake videos: video, audio or both (default: not known)",
        "identity": "regular expression; what it (or its first group) finds in a path names the person",
        "frames": "true: the images of a folder are the frames of one clip (default: each is a clip)",
        "csv": "a table of files and labels instead of real and fake folders",
        **COLUMN_OPTIONS,
    },
    has_closed_groups=False,
    is_generic=True,
    takes_any_root=True,
)
