"""What names of files and folders say: copies, labels and splits, and whether they agree with the corpus.

:func:`stem_of` takes off what copying left, :func:`warn_of_unparsed` tells of names without a grammar,
:class:`NameCheck` holds names against labels, :func:`compare_counts` counts of one variant of a corpus against the
whole, and :func:`walk_labelled` reads corpora that are sorted into real and fake.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import ScanReport
from multimodal.corpora.folder.labelled import SPLITS
from multimodal.corpora.manifest import Clip, lies_in_generated
from multimodal.corpora.walk import walk_files

#: Flag of a clip whose name does not follow the grammar of its corpus; nobody in it is known.
NAME_UNPARSED = "name_unparsed"
#: Flag of a clip whose name says that the file is a copy of another.
COPY = "copy"

_COPY_MARK = re.compile(r"(?: ?\(\d{1,2}\)| - copy(?: ?\(\d{1,2}\))?)$", re.IGNORECASE)


class Stem(NamedTuple):
    """The stem of a file name without the mark of a copy, and whether it had one."""

    text: str
    is_copy: bool


def stem_of(path: str) -> Stem:
    """Stem of the last part of a path, which may be a folder of frames.

    >>> stem_of("original/000 (1).mp4"), stem_of("frames/000")
    (Stem(text='000', is_copy=True), Stem(text='000', is_copy=False))
    """
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    text = _COPY_MARK.sub("", stem)
    return Stem(text, text != stem)


def warn_of_unparsed(clips: Iterable[Clip], report: ScanReport) -> None:
    """One warning with the first few clips whose names follow no grammar."""
    paths = [clip.path for clip in clips if NAME_UNPARSED in clip.flags]
    if paths:
        report.warn(
            f"{len(paths):,} names do not follow the grammar, e.g. {', '.join(paths[:3])}; kept with the label of "
            "their folder, but nobody in them is known"
        )


# File names as a second witness to a label that a folder or a table states.


@dataclass
class NameCheck:
    """Compares what names say with the labels stated; where the two disagree, no label is certain.

    ``rule`` says in words which names are real and which fake, for the person who must decide. ``stated_by`` is
    where the label comes from, if not from a folder.

    >>> check, report = NameCheck("real_N is real, fake_N is fake"), ScanReport()
    >>> check.accepts("real/real_1.jpg", 0, 0, report), check.accepts("real/fake_1.jpg", 0, 1, report)
    (True, False)
    """

    rule: str
    stated_by: str = "folder"
    num_agreeing: int = 0
    num_contradicting: int = 0
    example: str = ""

    def accepts(self, path: str, fake: object, fake_by_name: object | None, report: ScanReport) -> bool:
        """Whether a file's label stands; one whose name says another is skipped. None: it says nothing."""
        if fake_by_name is None:
            return True
        if fake_by_name == fake:
            self.num_agreeing += 1
            return True
        self.num_contradicting += 1
        self.example = self.example or path
        report.skip(f"its name contradicts its {self.stated_by}, so its label is not certain", path)
        return False

    def conclude(self, report: ScanReport) -> None:
        """Warn of contradictions; ``ValueError`` where there are as many as agreements, or more."""
        if not self.num_contradicting:
            return
        total = self.num_contradicting + self.num_agreeing
        is_folder = self.stated_by == "folder"
        above = "the real or fake folder above them" if is_folder else f"their {self.stated_by}"
        found = (
            f"{self.num_contradicting:,} of {total:,} names contradict {above}, e.g. {self.example} ({self.rule})"
        )
        if self.num_contradicting >= self.num_agreeing:
            swapped = "folders seem to be swapped" if is_folder else "labels seem to be the other way round"
            raise ValueError(f"{found}. The {swapped}: compare with the download, and mend them.")
        report.warn(f"{found}; these files were left out")


# Counts of a corpus that goes round in several variants, each with its own number of files.


def compare_counts(
    title: str, root: Path, counts: Mapping[str, int], expected: Mapping[str, int], report: ScanReport
) -> None:
    """Warn, in one line, where a variant differs from its complete download; a generated one is small on purpose.

    >>> report = ScanReport()
    >>> compare_counts("DEEP-VOICE", Path("/none"), {"real": 8, "fake": 55}, {"real": 8, "fake": 56}, report)
    >>> report.warnings
    ['DEEP-VOICE: differs from the complete download: fake 55 of 56. Is the download complete?']
    """
    if lies_in_generated(root):
        return
    wrong = [
        f"{name} {counts.get(name, 0):,} of {number:,}"
        for name, number in expected.items()
        if counts.get(name, 0) != number
    ]
    if wrong:
        report.warn(f"{title}: differs from the complete download: {', '.join(wrong)}. Is the download complete?")


# Labels and splits that folders state by their names, for corpora that are sorted into real and fake.


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
