"""Labels and splits that folders state by their names, for corpora that are sorted into real and fake."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.folder.labelled import SPLITS
from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.walk import walk_files

_LABELS = {"real": 0, "fake": 1, "training_real": 0, "training_fake": 1}


class LabelledFile(NamedTuple):
    """A file whose label its folders state: 1 for fake, 0 for real; ``split`` is train, val, test or None."""

    path: str
    size_bytes: int
    fake: int
    split: str | None


class Place(NamedTuple):
    """What a folder says of the files in it, or the problem that leaves them without a label."""

    fake: int | None
    split: str | None
    problem: str = ""


def walk_labelled(root: Path, report: ScanReport, *, suffixes: Collection[str]) -> Iterator[LabelledFile]:
    """Every file below a folder that is called real or fake; ``report`` is told of all others.

    The label comes from the folders above a file, in any case of letters; where they disagree there is none. The
    split comes from the nearest folder that is called train, val, test or the like.
    """
    places: dict[str, Place] = {}
    for path, size_bytes in walk_files(root, report, suffixes=suffixes):
        folder = path[: path.rfind("/") + 1]
        place = places.get(folder)
        if place is None:
            place = places[folder] = place_of(folder)
        if place.fake is None:
            report.skip(place.problem, path)
        else:
            yield LabelledFile(path, size_bytes, place.fake, place.split)


def place_of(folder: str) -> Place:
    """What the names of a folder and of those above it say.

    >>> place_of("Dataset/Validation/Fake/")
    Place(fake=1, split='val', problem='')
    """
    names = folder.lower().split("/")
    labels = {_LABELS[name] for name in names if name in _LABELS}
    split = next((SPLITS[name] for name in reversed(names) if name in SPLITS), None)
    if len(labels) > 1:
        return Place(None, split, "below a real and a fake folder, so its label is not certain")
    if not labels:
        return Place(None, split, "below no folder that says real or fake")
    return Place(labels.pop(), split)
