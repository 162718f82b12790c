"""ASVspoof's protocols: which recordings are trials, who speaks, by what attack, and the key.

The challenges differ in their columns, but in each a row names the speaker, then the file, and has the attack just
before the key. Fields stand between blanks (also in the ``.tsv`` files of ASVspoof 5), without a header. The key
is ``bonafide`` or ``spoof``; most code for these corpora turns it into 1 for bona fide, which here is 0. Bona fide
rows can say ``bonafide`` for the attack too, and again for the vocoder in a later column.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import NamedTuple

from multimodal.corpora.base import ScanReport
from multimodal.corpora.roots import Listing, list_folder
from multimodal.corpora.table_file import read_lines
from multimodal.corpora.walk import walk_files

AUDIO_SUFFIXES = frozenset({".flac", ".wav"})

_KEYS = {"bonafide": 0, "bona-fide": 0, "genuine": 0, "spoof": 1}
_NO_ATTACK = frozenset({"-", "bonafide", "bona-fide", "genuine", ""})
_OTHER_SEPARATORS = str.maketrans(",;|", "   ")


class Trial(NamedTuple):
    """One row of a protocol.

    ``attack`` is ``"real"`` for bona fide speech. ``before`` holds the columns between the file's name and the
    attack, ``after`` those behind the key.
    """

    name: str
    speaker: str
    fake: int
    attack: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def is_consistent(self) -> bool:
        """Whether there is an attack exactly if the key says spoof."""
        return (self.attack == "real") == (self.fake == 0)


def read_trials(path: Path, pattern: re.Pattern[str], report: ScanReport) -> dict[str, Trial]:
    """Trials of a protocol by file name in capitals; ``pattern`` is what such a name looks like.

    A row whose attack contradicts its key, or that contradicts an earlier row, leaves its trial without a label;
    it is left out with a warning. Raises ``ValueError`` where no row is understood, or most contradict themselves.
    """
    trials: dict[str, Trial] = {}
    contradicted: set[str] = set()
    num_unread = 0
    first = ""
    for line in read_lines(path):
        first = first or line
        trial = _parse(line.translate(_OTHER_SEPARATORS).split(), pattern)
        if trial is None:
            num_unread += 1
        elif not trial.is_consistent or trials.setdefault(trial.name, trial).fake != trial.fake:
            contradicted.add(trial.name)
    if contradicted and len(contradicted) * 2 >= len(trials.keys() | contradicted):
        raise ValueError(
            f"{path}: {len(contradicted):,} trials are called bona fide with an attack, or spoof without one, "
            f"e.g. {min(contradicted)}. Its keys seem to be swapped; take the challenge's own protocol."
        )
    if not trials:
        raise ValueError(
            f"{path}: no line reads SPEAKER FILE ... ATTACK bonafide|spoof; the first is {first[:80]!r}. "
            "Give the challenge's own protocol of countermeasure trials."
        )
    if contradicted:
        report.warn(f"{path.name}: {len(contradicted):,} trials contradict themselves, e.g. {min(contradicted)}")
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} lines name no trial and key")
    return {name: trial for name, trial in trials.items() if name not in contradicted}


def index_audio(
    root: Path, folders: Iterable[str], pattern: re.Pattern[str], report: ScanReport
) -> dict[str, tuple[str, int]]:
    """Name in capitals → (path, size in bytes) of recordings below some folders; copies are told to ``report``."""
    files: dict[str, tuple[str, int]] = {}
    for folder in folders:
        for path, size_bytes in walk_files(root, report, suffixes=AUDIO_SUFFIXES, under=folder):
            name = path[path.rfind("/") + 1 : path.rfind(".")].upper()
            if not pattern.fullmatch(name):
                report.skip("name is not that of a recording of the challenge", path)
            elif name in files:
                report.skip("second copy of a recording", path)
            else:
                files[name] = path, size_bytes
    return files


def match_trials(
    trials: Mapping[str, Trial], files: dict[str, tuple[str, int]], part: str, report: ScanReport
) -> Iterator[tuple[Trial, str, int]]:
    """Trials with their files, taken out of ``files``; trials without a file are one warning."""
    missing = []
    for name, trial in trials.items():
        file = files.pop(name, None)
        if file is None:
            missing.append(name)
        else:
            yield trial, *file
    if missing:
        report.warn(f"{part}: {len(missing):,} of {len(trials):,} trials have no file on disk, e.g. {missing[0]}")


def skip_rest(files: Mapping[str, tuple[str, int]], report: ScanReport) -> None:
    """Tell of recordings that no protocol lists: they enrol speakers, or belong to another task."""
    for path, _ in files.values():
        report.skip("listed in no protocol, so it has no label", path)


def _parse(cells: list[str], pattern: re.Pattern[str]) -> Trial | None:
    """A row by its content: the file's name, the speaker before it, and the first key or the second of two.

    Words that many rows share are kept once, so that a million rows fit in memory.
    """
    place = next((number for number, cell in enumerate(cells) if pattern.fullmatch(cell.upper())), 0)
    keys = [number for number in range(place + 2, len(cells)) if cells[number].lower() in _KEYS]
    if not place or not keys:
        return None
    key = keys[1] if keys[1:] and keys[1] == keys[0] + 1 else keys[0]
    attack = cells[key - 1]
    return Trial(
        cells[place].upper(),
        intern(cells[place - 1]),
        _KEYS[cells[key].lower()],
        "real" if attack.lower() in _NO_ATTACK else intern(attack),
        tuple(map(intern, cells[place + 1 : key - 1])),
        tuple(map(intern, cells[key + 1 :])),
    )


# Finding protocols and keys, which people unpack beside the recordings in one way or another.


_MAX_DEPTH = 4


def find_files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Files in ``folder`` or up to four levels below whose names match a pattern, nearest and first pattern first.

    Folders of recordings are not looked into.
    """
    listings = list(_listings(folder))
    return [
        Path(listing.path) / name
        for pattern in patterns
        for listing in listings
        for name in listing.find(pattern, is_folder=False)
    ]


def _listings(folder: Path) -> Iterator[Listing]:
    level = [folder]
    for _ in range(_MAX_DEPTH + 1):
        below: list[Path] = []
        for path in level:
            try:
                listing = list_folder(path)
            except OSError:
                continue
            yield listing
            below.extend(path / name for name in listing.folders if not name.lower().startswith("flac"))
        level = below
