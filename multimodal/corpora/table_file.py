"""Tables and lists that somebody made: text in whatever encoding, rows of cells, and records of a JSON list.

:func:`read_text` gives the text of a file, :func:`read_lines` its lines, :func:`read_cells` its rows whatever the
separator, :func:`read_rows` the same by the names of the columns, :func:`read_json_file` what a file of JSON says,
and :func:`iterate_json_list` the records of a JSON list too long for memory. A fault is a ``ValueError`` of one
line: the file, the line in it, what to do.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from multimodal.artefacts import must_be_plain, reading

_SEPARATORS = ",;\t|"
_NUM_SNIFFED = 20
_QUOTED = re.compile(r'"[^"]*"')
#: Marks at the beginning of a file; that of UTF-32 begins with that of UTF-16 and is looked for first.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8 or, as spreadsheets save it, UTF-16, without the mark of its encoding.

    Raises ``ValueError`` with the line where a byte is no text. NUL bytes are refused here, because Python's own
    ``csv`` answers them in a different way in every version: 3.10 with a traceback, later ones not at all.
    """
    must_be_plain(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}. Make it readable.") from error
    marked = (name for mark, name in _MARKS.items() if data.startswith(mark))
    encoding = next(marked, None) or _wide(data) or "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        name = encoding.upper().removesuffix("-SIG")
        raise ValueError(f"{path}, line {line:,} is no {name} text ({error.reason}). Save it as UTF-8.") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{path}, line {line:,} holds a NUL byte, as damaged files do. Get the file again.")
    return text


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark shows in every second byte of plain letters being zero."""
    sample = data[:4096]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) * 2 > len(zeros):
            return encoding
    return None


def read_lines(path: str | Path) -> Iterator[str]:
    """Lines without the blanks around them; empty ones are passed over.

    Lines end as any system ends them, and nowhere else: a cell may hold what Python also calls the end of a line.
    """
    return (line.strip() for line in io.StringIO(read_text(path), newline=None) if line.strip())


def read_cells(path: str | Path) -> Iterator[list[str]]:
    """Yield every row as its cells, stripped of blanks; rows without any text are passed over.

    The separator is the one of comma, semicolon, tab and bar that the first lines hold most of, or the one that a
    first line ``sep=;`` names, as Excel writes it. Raises ``ValueError`` for a quotation mark that is never
    closed: it would swallow all rows below it.
    """
    file = io.StringIO(read_text(path), newline=None)
    first = "".join(islice(file, _NUM_SNIFFED))
    separator = max(_SEPARATORS, key=_QUOTED.sub("", first).count)
    file.seek(0)
    if first[:4].lower() == "sep=" and first[4:5] in _SEPARATORS:
        separator = file.readline()[4]
    num_above = int(first[:4].lower() == "sep=")
    rows = csv.reader(file, delimiter=separator, strict=True)
    line = 1
    try:
        for row in rows:
            line = rows.line_num + 1
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield cells
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {line + num_above:,} is no row of a table ({error}). Look for a quotation mark there."
        ) from error


def read_rows(path: str | Path) -> Iterator[dict[str, str]]:
    """Yield each row below the header as column → text.

    A column without a name is ``column 3`` (from 1), and one whose name came before too. Repeated headers are
    passed over. Raises ``ValueError`` where there is no header.
    """
    rows = read_cells(path)
    header = next(rows, [])
    if not header:
        raise ValueError(f"{path} has no header; its first line must name the columns")
    names = [
        cell if cell and cell not in header[:position] else f"column {position + 1}"
        for position, cell in enumerate(header)
    ]
    for cells in rows:
        if cells != header:
            yield dict(zip(names, cells, strict=False))


def read_json_file(path: str | Path) -> Any:
    """What a file of JSON says, whatever its encoding; ``ValueError`` where it is none or too deep."""
    text = read_text(path)
    with reading(path, "JSON", "is perhaps cut off"):
        return json.loads(text)


# Records of a JSON list one at a time, so that a file of gigabytes takes the memory of one record.


_CHUNK = 2**20
#: No record of any corpus comes near; beyond it the text is damaged, and reading on would not mend it.
_LONGEST_RECORD = 2**26


def iterate_json_list(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file that holds one JSON list of objects.

    Raises ``ValueError``, naming the file, where it holds anything else or ends too early.
    """
    must_be_plain(path)
    with reading(path, "JSON"), open(path, encoding="utf-8-sig") as file:
        try:
            yield from _records(path, file)
        except UnicodeDecodeError as error:
            raise ValueError(f"not JSON: {path} is no UTF-8 text ({error.reason})") from error


def _records(path: str | Path, file: TextIO) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
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


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position
