"""Rows of a table that somebody made, whatever its separator, with or without a mark of its encoding."""

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

_SEPARATORS = ",;\t|"


def read_rows(path: str | Path) -> Iterator[dict[str, str]]:
    """Yield each row below the header as column → text, stripped of blanks.

    The separator is the one of comma, semicolon, tab and bar that the first lines hold most of. A column without
    a name is ``column 3`` (from 1), and one whose name came before too. Repeated headers and rows without any
    text are passed over. Raises ``ValueError`` where there is no header or the text is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = "".join(islice(file, 20))
            separator = max(_SEPARATORS, key=first.count)
            file.seek(0)
            rows = csv.reader(file, delimiter=separator)
            header = [cell.strip() for cell in next(rows, [])]
            if not any(header):
                raise ValueError(f"{path} has no header; its first line must name the columns")
            names = [
                cell if cell and cell not in header[:position] else f"column {position + 1}"
                for position, cell in enumerate(header)
            ]
            for row in rows:
                cells = [cell.strip() for cell in row]
                if any(cells) and cells != header:
                    yield dict(zip(names, cells, strict=False))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text ({error.reason}); save it as UTF-8") from error
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except csv.Error as error:
        raise ValueError(f"{path} is no table: {error}") from error


# Records of a JSON list one at a time, so that a file of gigabytes takes the memory of one record.


_CHUNK = 2**20
#: No record of any corpus comes near; beyond it the text is damaged, and reading on would not mend it.
_LONGEST_RECORD = 2**26


def iterate_json_list(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file that holds one JSON list of objects.

    Raises ``ValueError``, naming the file, where it holds anything else or ends too early.
    """
    decoder = json.JSONDecoder()
    with open(path, encoding="utf-8-sig") as file:
        try:
            text = file.read(_CHUNK).lstrip()
            if not text.startswith("["):
                raise ValueError(f"not a JSON list of objects: {path}")
            position = 1
            while True:
                position = _skip(text, position)
                if text[position : position + 1] == "]":
                    return
                try:
                    record, position = decoder.raw_decode(text, position)
                except json.JSONDecodeError as error:
                    more = file.read(max(_CHUNK, len(text) - position))
                    text, position = text[position:] + more, 0
                    if not more or len(text) > _LONGEST_RECORD:
                        raise ValueError(f"not a whole JSON list of objects: {path} ({error.msg})") from error
                    continue
                if not isinstance(record, dict):
                    raise ValueError(f"not a JSON list of objects: {path} holds {str(record)[:60]!r}")
                yield record
        except UnicodeDecodeError as error:
            raise ValueError(f"not JSON: {path} is no UTF-8 text ({error.reason})") from error


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position
