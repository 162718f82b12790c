"""A table in whatever file somebody keeps it: parquet, JSON, JSON lines, or text with or without a header.

:func:`read_table` gives its columns; :func:`column_of` finds one of them by its name or by its number, from 1.
A text table without a header has its columns named by their numbers, "1", "2", and so on: :func:`has_header` says
which of the two it is. What the columns hold is the business of :mod:`.score_files`.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from multimodal.artefacts import reading
from multimodal.corpora.table_file import read_cells, read_lines, read_text

#: What people write where they have no value.
_MISSING = frozenset({"", "nan", "na", "n/a", "none", "null"})
_SEPARATOR = re.compile(r"[,;\t|]")
_NUM_SNIFFED = 20
#: Words of a key column, as ASVspoof and its kin write it.
FAKE_WORDS = frozenset({"spoof", "spoofed", "fake", "deepfake"})
REAL_WORDS = frozenset({"bonafide", "bona-fide", "bona_fide", "bona fide", "real", "genuine", "original"})


def read_table(path: str | Path, named: frozenset[str] = frozenset()) -> pd.DataFrame:
    """The table in a file, a row a clip; missing cells are null.

    Args:
        path: parquet, JSON (a list of objects, an object of columns, or an object of scores by clip), JSON lines,
            or text in UTF-8 or UTF-16 whose cells are set apart by comma, semicolon, tab, bar or blanks.
        named: names of columns that the caller looks for; a first line that holds one of them is a header.

    Raises:
        ValueError: for a file that is not there or is no table, with what is wrong in it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no such file of scores: {path}")
    with reading(path, "a file of scores"):
        return _read_any(path, named)


def _read_any(path: Path, named: frozenset[str]) -> pd.DataFrame:
    if path.suffix.lower() in {".parquet", ".pq"}:
        return _parquet(path)
    start = read_text(path).lstrip()[:1]
    if path.suffix.lower() in {".json", ".jsonl", ".ndjson"} or start in {"{", "["}:
        return _json(path)
    return _text(path, named)


def column_of(table: pd.DataFrame, name: str, path: str | Path, option: str) -> pd.Series:
    """The column of that name, or of that number from 1; ``ValueError`` names the option that says another."""
    if name in table:
        return table[name]
    if name.isdigit() and 1 <= int(name) <= table.shape[1]:
        return table.iloc[:, int(name) - 1]
    if not has_header(table):
        raise ValueError(
            f"{path} has no header and no column {name!r}; its columns are 1 to {table.shape[1]}, "
            f"{_example(table)}. Say {option} NUMBER"
        )
    names = ", ".join(map(str, table.columns))
    raise ValueError(f"{path} has no column {name!r}; it has {names}. Say {option} NAME, or its number")


def has_header(table: pd.DataFrame) -> bool:
    """Whether the file named its columns."""
    return list(table.columns) != [str(number + 1) for number in range(table.shape[1])]


def is_number(text: object) -> bool:
    """Whether a cell is a number."""
    try:
        float(str(text).replace(",", "."))
    except ValueError:
        return False
    return str(text).strip().lower() not in _MISSING


def words_of(cells: pd.Series) -> set[str]:
    """The distinct cells of a column, in small letters."""
    known = cells.dropna()
    try:
        distinct = known.unique()
    except TypeError:  # lists and objects cannot be told apart but by their text
        distinct = known.map(str).unique()
    return {str(cell).strip().lower() for cell in distinct}


def is_key(cells: pd.Series) -> bool:
    """Whether a column says of every row whether it is bona fide, in words that can mean nothing else."""
    words = words_of(cells)
    return bool(words) and words <= FAKE_WORDS | REAL_WORDS


def _example(table: pd.DataFrame) -> str:
    return "e.g. " + " ".join(map(str, table.iloc[0])) if len(table) else "without a row"


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"cannot read {path} as .parquet: {str(error).splitlines()[0]}") from error
    if isinstance(table.index, pd.RangeIndex):
        return table
    for level, name in reversed(list(enumerate(table.index.names))):
        if (name or "clip_id") not in table:
            table.insert(0, name or "clip_id", table.index.get_level_values(level))
    return table.reset_index(drop=True)


# JSON in the four forms in which people write it.


def _json(path: Path) -> pd.DataFrame:
    text = read_text(path)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as whole:
        found = list(_json_lines(path, whole))
    if isinstance(found, dict):
        found = _from_object(found, path)
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise ValueError(
            f"{path} holds no table: want a list of objects, an object a line, an object of columns, "
            "or scores by clip"
        )
    return _without_words_for_nothing(pd.DataFrame.from_records([_flat(record) for record in found]))


def _json_lines(path: Path, whole: json.JSONDecodeError) -> Iterator[Any]:
    number = 0
    try:
        for line in read_lines(path):
            number += 1
            yield json.loads(line)
    except json.JSONDecodeError as error:
        # where the first line is no object either, what is wrong with the whole tells more
        place, fault = (number, error.msg) if number > 1 else (whole.lineno, whole.msg)
        raise ValueError(f"{path}, line {place:,} is no JSON ({fault})") from error


def _from_object(found: dict[str, Any], path: Path) -> list[Any]:
    """Records of an object: of columns (lists, or cells by row), of records or scores by clip, or of one."""
    values = list(found.values())
    if values and all(isinstance(value, list) for value in values):
        lengths = {len(value) for value in values}
        if len(lengths) > 1:
            raise ValueError(f"{path}: the columns are of different lengths, {min(lengths)} to {max(lengths)}")
        return [dict(zip(found, row, strict=True)) for row in zip(*values, strict=True)]
    if values and all(isinstance(value, dict) for value in values):
        rows = values[0].keys()
        if rows and all(row.isdecimal() for row in rows) and all(value.keys() == rows for value in values):
            return [{name: column[row] for name, column in found.items()} for row in rows]
        return [{"clip_id": clip, **record} for clip, record in found.items()]
    if values and all(isinstance(value, (int, float)) or value is None for value in values):
        return [{"clip_id": clip, "score": score} for clip, score in found.items()]
    return [found]


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    return {str(name).strip(): value for name, value in record.items()}


# Text, with a header or without.


def _text(path: Path, named: frozenset[str]) -> pd.DataFrame:
    sample = list(islice(read_lines(path), _NUM_SNIFFED))
    separated = bool(sample) and all(_SEPARATOR.search(line) for line in sample)
    rows = list(read_cells(path) if separated else (line.split() for line in read_lines(path)))
    if not rows:
        return pd.DataFrame()
    first = rows[0]
    if _is_data(first, named):
        names = [str(position + 1) for position in range(len(first))]
    else:
        names = [cell or f"column {position + 1}" for position, cell in enumerate(first)]
        rows = [row for row in rows[1:] if row != first]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path} names two columns {twice!r}; rename one")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise ValueError(
                f"{path}: row {number:,} below the header has {len(row)} cells, not {len(names)}, "
                f"{' '.join(row)[:60]!r}. Do names hold blanks? Write them apart by tabs or commas"
            )
    return _without_words_for_nothing(pd.DataFrame(rows, columns=names, dtype=object))


def _is_data(first: list[str], named: frozenset[str]) -> bool:
    """Whether the first line is a clip already: it holds a number or a key, and no name that is looked for."""
    if named & set(first):
        return False
    return any(is_number(cell) or cell.lower() in FAKE_WORDS | REAL_WORDS for cell in first[1:])


def _without_words_for_nothing(table: pd.DataFrame) -> pd.DataFrame:
    missing = table.map(lambda cell: isinstance(cell, str) and cell.strip().lower() in _MISSING)
    return table.mask(missing, None)
