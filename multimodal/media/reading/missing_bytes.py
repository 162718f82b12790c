"""Whether a file is as long, in bytes, as its own structure says: the surest sign that it was cut off."""

import struct
from pathlib import Path
from typing import BinaryIO

_BOX_TYPES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx", b"pdin", b"uuid")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def missing_bytes(path: Path) -> int:
    """How many bytes the file lacks at its end: MP4 and MOV by their boxes, AVI and WAV by RIFF, Matroska by EBML.

    0 where nothing is missing, where the structure does not say (a stream written live), and for other formats.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if head[4:8] in _BOX_TYPES:
            end = _end_of_boxes(file, size)
        elif head[:4] == b"RIFF" and len(head) == 12:
            end = 8 + int(struct.unpack("<I", head[4:8])[0])
            end = 0 if end >= 0xFFFF_FFFF else end  # so a writer marks a length that it did not know
        elif head[:4] == _EBML:
            end = _end_of_segment(file)
        else:
            end = 0
    return max(0, end - size)


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last box of the top level ends (ISO/IEC 14496-12, section 4.2)."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1 and position + 16 <= size:
            length = struct.unpack(">Q", file.read(8))[0]
        if length < 8 or not kind.isascii():  # 0: to the end of the file; else no box
            return size
        position += length
    return position


def _end_of_segment(file: BinaryIO) -> int:
    """Where the one segment of a Matroska file ends (RFC 8794, section 4; RFC 9559, section 5); 0 if unknown."""
    file.seek(4)
    file.seek(_element_size(file) or 0, 1)
    if file.read(4) != _SEGMENT:
        return 0
    length = _element_size(file)
    return 0 if length is None else file.tell() + length


def _element_size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    num_bytes = 9 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0xFF >> num_bytes)]) + file.read(num_bytes - 1), "big")
    return None if value == (1 << 7 * num_bytes) - 1 else value
