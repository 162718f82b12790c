"""The official split of FaceForensics++: pairs of sequences, published as three JSON files.

``train.json``, ``val.json`` and ``test.json`` are lists of pairs such as ``["071", "054"]`` in no order, 360, 70
and 70 of them. An original is in a part if its number is in a pair of it; a fake ``a_b`` if ``{a, b}`` is a pair.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import ScanReport
from multimodal.corpora.roots import file_named, folders_named
from multimodal.corpora.table_file import read_json_file

URL = "https://github.com/ondyari/FaceForensics/tree/master/dataset/splits"
NUM_PAIRS = {"train": 360, "val": 70, "test": 70}


class Pair(NamedTuple):
    """Where a sequence is, and with which other it swaps faces."""

    split: str
    partner: str


class OfficialSplits(dict[str, Pair]):
    """Number of a sequence → its :class:`Pair`."""

    def of_original(self, number: str) -> str | None:
        """Part of a genuine sequence."""
        return self[number].split if number in self else None

    def of_fake(self, target: str, source: str) -> str | None:
        """Part of a fake; None unless the two sequences are a pair."""
        pair = self.get(target)
        return pair.split if pair and pair.partner == source else None


def find_splits(root: Path, folder: str, report: ScanReport) -> OfficialSplits:
    """The splits in ``folder`` or, if that is empty, beside the data; without any, the result is empty.

    Raises ``ValueError`` if a file in the ``folder`` that the user gave is missing or damaged.
    """
    if folder:
        return read_splits(Path(folder).expanduser(), report)
    for place in _places(root):
        if _files_in(place):
            try:
                return read_splits(place.resolve(), report)
            except ValueError as error:
                report.warn(f"{error} These files were not used.")
    report.warn(
        f"no official split: train.json, val.json and test.json are not beside the data. Get the three from {URL} "
        "and give --options splits DIR; or use a protocol that needs none, group_disjoint."
    )
    return OfficialSplits()


def _places(root: Path) -> Iterator[Path]:
    """Where the three files may lie, nearest first: at the root and above it, and in folders of splits there."""
    for folder in (root, root / ".."):
        yield folder
        for place in ("splits", "dataset/splits"):
            yield from folders_named(folder, place)


def read_splits(folder: Path, report: ScanReport) -> OfficialSplits:
    """The three files in a folder; ``ValueError`` where one is missing, damaged or at odds with another."""
    files = _files_in(folder)
    if not files:
        raise ValueError(f"no train.json, val.json and test.json together in {folder}. Get the three from {URL}")
    splits = OfficialSplits()
    for split, path in files.items():
        pairs = _read_pairs(path)
        for one, other in pairs:
            if one in splits or other in splits:
                raise ValueError(f"{path} names sequence {one if one in splits else other} for the second time.")
            splits[one], splits[other] = Pair(split, other), Pair(split, one)
        if len(pairs) != NUM_PAIRS[split]:
            report.warn(f"{path} holds {len(pairs):,} pairs; the official one holds {NUM_PAIRS[split]}")
    return splits


def _files_in(folder: Path) -> dict[str, Path]:
    found = {split: file_named(folder, f"{split}.json") for split in NUM_PAIRS}
    files = {split: path for split, path in found.items() if path is not None}
    return files if len(files) == len(found) else {}


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    wanted = f'a JSON list of pairs such as ["071", "054"], as in {URL}.'
    try:
        return [_pair(entry) for entry in read_json_file(path)]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not {wanted}") from error


def _pair(entry: object) -> tuple[str, str]:
    if not (isinstance(entry, list) and len(entry) == 2 and entry[0] != entry[1]):
        raise ValueError(f"not a pair of sequences: {entry!r}")
    return _number(entry[0]), _number(entry[1])


def _number(value: object) -> str:
    """A sequence's number with three digits; some tools lose the leading zeros."""
    text = str(value).zfill(3) if isinstance(value, (str, int)) else ""
    if not (len(text) == 3 and text.isascii() and text.isdecimal()):
        raise ValueError(f"not the number of a sequence: {value!r}")
    return text
