"""Rows of a table that somebody made, whatever its separator, with or without a mark of its encoding."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

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
