"""Clips whose labels are the names of folders above them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import ScanReport
from multimodal.corpora.folder.labelled import SPLITS, SUFFIXES, Labels, PersonPattern, labels_of
from multimodal.corpora.manifest import Clip, Media
from multimodal.corpora.walk import walk_files

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
) -> Iterator[Clip]:
    """Every media file below a folder whose name is in ``real`` or ``fake`` (lower case)."""
    places: dict[str, Place] = {}
    for path, size_bytes in walk_files(root, report, suffixes=SUFFIXES):
        folder = path[: path.rfind("/") + 1]
        place = places.get(folder)
        if place is None:
            place = places[folder] = _place_of(folder, real, fake, modality)
        if place.problem is not None:
            report.skip(place.problem, path)
            continue
        media = SUFFIXES[path[path.rfind(".") :].lower()]
        labels = place.labels[media]
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
        return Place({}, "", None, "below no folder that says real or fake")
    if len(set(meanings)) > 1:
        return Place({}, "", None, "below a real and a fake folder, so its label is not certain")
    labels = {media: labels_of(media, meanings[0], modality) for media in _MEDIA}
    split = next((SPLITS[name] for name in reversed(lower) if name in SPLITS), None)
    return Place(labels, _method(names, lower, fake) if meanings[0] else "real", split)


def _method(names: list[str], lower: list[str], fake: frozenset[str]) -> str:
    """The folder below ``fake`` names the method, if there is one that is not a split."""
    last = max(position for position, name in enumerate(lower) if name in fake)
    below = [name for name in names[last + 1 :] if name.lower() not in SPLITS]
    return below[0] if below else "unknown"
