"""Records of a JSON list one at a time, so that a file of gigabytes takes the memory of one record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
