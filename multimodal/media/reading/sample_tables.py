"""How many samples the tables of an MP4 or MOV name without a byte for each: 20 bytes can stand for 4,000 million.

FFmpeg makes a table of 24 bytes a sample of them when it opens the file, before anybody can ask how long it is.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

#: Boxes of boxes on the way to the tables, of whole files and of those in fragments (ISO/IEC 14496-12, section 6).
_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
#: Fields that a fragment has for each sample: duration, size, flags, place in time.
_OWN_FIELDS = 0xF00
#: How deep they lie in one another.
_DEEPEST = 6
#: A day of 60 pictures a second; and what sound without compression has in a file so large, cut off in the middle.
_MOST, _MOST_A_BYTE = 24 * 3600 * 60, 8


def untold_samples(path: Path) -> int:
    """How many samples the file names in tables of one size for all, if that is more than can be in it; else 0."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        named = sum(_samples(file, 0, size)) if file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"free") else 0
    return named if named > max(_MOST, _MOST_A_BYTE * size) else 0


def _samples(file: BinaryIO, start: int, end: int, depth: int = 0) -> Iterator[int]:
    for kind, first, last in _boxes(file, start, end):
        if kind in _HOLDERS and depth < _DEEPEST:
            yield from _samples(file, first, last, depth + 1)
        elif kind == b"stsz":
            file.seek(first + 4)
            size, count = _numbers(file)
            yield count if size else 0
        elif kind == b"trun":
            file.seek(first)
            flags, count = _numbers(file)
            yield count if not flags & _OWN_FIELDS else 0


def _numbers(file: BinaryIO) -> tuple[int, int]:
    one, other = struct.unpack(">II", file.read(8).ljust(8, b"\0"))
    return one, other


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box, and where its content begins and ends."""
    while start + 8 <= end:
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            length, head = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))[0], 16
        if length == 0:  # to the end of the file
            length = end - start
        if length < head:
            return
        yield kind, start + head, min(start + length, end)
        start += length
