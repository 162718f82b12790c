"""The tables of 140k Real and Fake Faces (``train.csv``, ``valid.csv``, ``test.csv``): a witness, not the source.

As published they have an index without a name, ``original_path`` (on the author's machine), ``id``, ``label``
(**1 = real**), ``label_str`` and ``path`` (``train/real/31355.jpg``). Columns are found by what they hold, because
edited copies call them otherwise, and label 1 is taken for whatever most rows of a table mean by it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.markers import list_folder
from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.table_file import read_rows

TABLES = ("train.csv", "valid.csv", "test.csv")
_PATH = re.compile(r"(?:.*/)?(train|valid|val|test)/(real|fake)/([^/]+\.\w+)", re.IGNORECASE)
_NUM_SNIFFED = 50


def file_key(path: str) -> str:
    """Split, label and name in one spelling; the empty text where a path has no such ending.

    >>> file_key("C:\\\\data\\\\VALID\\\\Real\\\\31355.jpg")
    'valid/real/31355.jpg'
    """
    found = _PATH.fullmatch(path.replace("\\", "/"))
    if not found:
        return ""
    split, label, name = found[1].lower(), found[2].lower(), found[3]
    return f"{'valid' if split == 'val' else split}/{label}/{name}"


def read_tables(root: Path, report: ScanReport) -> dict[str, bool]:
    """:func:`file_key` of every row → whether all cells of the row agree with the folder in its path.

    Tables are looked for at the root, in the folder above it and in the one with the images.
    """
    listed: dict[str, bool] = {}
    for path in _find(root):
        try:
            rows = list(read_rows(path))
            if not rows:
                raise ValueError(f"{path} has no row below its first line")
        except ValueError as error:
            report.warn(f"{error}; the table was not used")
            continue
        _read(path, rows, listed, report, is_ours=path.parent != root.parent)
    if not listed:
        report.note("no train.csv, valid.csv and test.csv to compare with; labels and splits come from folders")
    return listed


def _find(root: Path) -> Iterator[Path]:
    taken: set[str] = set()
    for folder in (root, root / "real-vs-fake", root.parent):
        try:
            names = list_folder(folder).files
        except OSError:
            continue
        for name in names:
            if name.lower() in TABLES and name.lower() not in taken:
                taken.add(name.lower())
                yield folder / name


def _read(
    path: Path, rows: list[dict[str, str]], listed: dict[str, bool], report: ScanReport, *, is_ours: bool
) -> None:
    column = _path_column(rows)
    if column is None:
        if is_ours:
            report.warn(f"{path.name} names no image as in train/real/31355.jpg; the table was not used")
        return
    word, number = _column_of(rows, "label_str", {"real", "fake"}), _column_of(rows, "label", {"0", "1"})
    real_number = _number_of_real(path, rows, column, number, report)
    num_unread = 0
    for row in rows:
        key = file_key(row.get(column, ""))
        if not key:
            num_unread += 1
            continue
        is_real = key.split("/")[1] == "real"
        agrees = word is None or row.get(word, "").lower() == ("real" if is_real else "fake")
        agrees &= number is None or (row.get(number) == real_number) == is_real
        listed[key] = agrees and listed.get(key, True)
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} rows name no image as in train/real/31355.jpg")


def _path_column(rows: list[dict[str, str]]) -> str | None:
    """The column whose cells end in split, label and name, the shortest if several do."""
    sample = rows[:_NUM_SNIFFED]
    columns = {name for row in sample for name in row}
    fitting = [
        name for name in columns if sum(bool(file_key(row.get(name, ""))) for row in sample) * 2 > len(sample)
    ]
    return min(fitting, key=lambda name: (sum(len(row.get(name, "")) for row in sample), name), default=None)


def _column_of(rows: list[dict[str, str]], usual: str, values: set[str]) -> str | None:
    """The column of the usual name, else the last one that holds only these values."""
    columns = list(rows[0])
    fitting = [name for name in columns if {row.get(name, "").lower() for row in rows} <= values]
    return usual if usual in fitting else fitting[-1] if fitting else None


def _number_of_real(
    path: Path, rows: list[dict[str, str]], column: str, number: str | None, report: ScanReport
) -> str:
    """What most rows of the table call real, ``"1"`` as published or ``"0"``; the latter is a warning."""
    if number is None:
        return "1"
    pairs = [(row.get(number), file_key(row.get(column, "")).split("/")[1:2]) for row in rows]
    num_published = sum(pair in (("1", ["real"]), ("0", ["fake"])) for pair in pairs)
    if num_published * 2 >= len(pairs):
        return "1"
    report.warn(
        f"{path.name}: {number} is 1 for fake, as published it is 1 for real; folders decide, not the table"
    )
    return "0"
