"""Notes that travel inside a safetensors file: its header is written anew, its tensors are copied as they are.

Format: 8 bytes with the header's length (little endian), the header as JSON with the texts under ``__metadata__``,
then the tensors, whose offsets count from the end of the header
(https://huggingface.co/docs/safetensors/index#format).
"""

import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multimodal.files import atomic_path

_KEY = "__metadata__"
_LENGTH = struct.Struct("<Q")
#: The library refuses longer headers.
_LONGEST_HEADER = 100_000_000


def read_metadata(path: str | Path) -> dict[str, str]:
    """The notes of a safetensors file by name; ``ValueError`` where it is none."""
    header, _ = _read_header(Path(path))
    return header.get(_KEY, {})


def write_metadata(path: str | Path, notes: Mapping[str, str]) -> None:
    """Add notes to a safetensors file, or replace those of the same name; the file is the old or the new one.

    Raises:
        ValueError: the file is not there or is no safetensors file.
    """
    path = Path(path)
    header, start = _read_header(path)
    header[_KEY] = {**header.get(_KEY, {}), **notes}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic_path(path) as temporary, path.open("rb") as source, temporary.open("wb") as target:
        target.write(_LENGTH.pack(len(text)))
        target.write(text)
        source.seek(start)
        shutil.copyfileobj(source, target)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The header, and where the tensors begin."""
    if not path.is_file():
        raise ValueError(f"weights not found: {path}")
    with path.open("rb") as file:
        start = file.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
        text = file.read(length) if 0 < length <= _LONGEST_HEADER else b""
    try:
        header = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a safetensors file: {path}") from error
    if len(text) != length or not isinstance(header, dict):
        raise ValueError(f"not a safetensors file: {path}")
    return header, _LENGTH.size + length
