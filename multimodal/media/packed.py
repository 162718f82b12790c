"""Face crops as differences of rows, packed by LZ4 or Zstandard: lossless, read faster than any codec of images.

A crop is three planes, green, red less green and blue less green, each row less the row above it, all modulo 256.
Colours differ little from row to row, so that red's and blue's differences share one byte, of four bits each: it
is bytes that unpacking takes time for, and of these there are a third fewer. The few differences that need more
than four bits (in real crops up to 3 in 100) follow in a list; where they are many, and in older stores, the three
planes stand as they are. Each crop is a file of its own, so that any can be read alone: an LZ4 block after its
length in four bytes, as ``lz4.block`` of PyPI's lz4 has it, or one Zstandard frame.

Kilobytes, and milliseconds of packing and unpacking, of a crop of 224 pixels (128 crops of four recordings, one
core that others used too), of the bytes alone: LZ4 64.4, 0.28 and 0.06, Zstandard 48.3, 0.40 and 0.15. LZ4's
second level has 58.1 and takes 0.64 to pack. With three planes Zstandard has as much and takes a third longer; of
codecs that were tried with these, MagicYUV 42, 0.9 and 0.7; FFV1 and PNG read in 2 and more, QOI takes 71 and 0.9.
Each pixel less the one before it, too, is a tenth smaller and half slower.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import UInt8, UInt16

Packing = Literal["lz4", "zstd"]

_LZ4 = pa.Codec("lz4_raw")
#: The fastest level that codes what does not repeat, too; the next are 1 % smaller, and take a third longer.
_ZSTD = pa.Codec("zstd", compression_level=1)
#: Of an LZ4 block: bytes that say how long its content is, and the least that it ends with as they are.
_LENGTH_BYTES, _LZ4_LITERALS = 4, 5
#: Crops whose rows are added up together: fewer, longer rows take less of Python, and 16 stay in a core's cache.
_TOGETHER = 16

#: Added to differences of colours: those from -8 to 7 then have four bits; others have the rest in a list.
_MIDDLE = 8
_LOW, _HIGH = 15, 240
#: Planes are packed in pairs where at most one colour in so many needs more than four bits.
_MOST = 16
#: The list: how many there are in each row of red and of blue, the column of each, and its upper four bits.
_COUNT = np.dtype("<u2")
_LISTED_BYTES = _COUNT.itemsize + 1

Crop = UInt8[np.ndarray, "size size 3"]
Plane = UInt8[np.ndarray, "size size"]


def encode(crop: Crop, packing: Packing = "lz4") -> bytes:
    """One LZ4 block or Zstandard frame with a crop."""
    rows = crop.copy()
    rows[1:] -= crop[:-1]
    green, red, blue = (np.ascontiguousarray(rows[:, :, colour]) for colour in (1, 0, 2))
    colours = np.stack([red - green, blue - green])
    return _CODECS[packing].pack(_paired(green, colours))


def _paired(green: Plane, colours: UInt8[np.ndarray, "2 size size"]) -> UInt8[np.ndarray, " bytes"]:
    """Green, a plane of both colours' lower bits, a list of the upper ones; if that is long, three planes."""
    above = (colours + np.uint8(_MIDDLE)).reshape(-1, len(green))
    places = np.flatnonzero(above > _LOW)
    num_bytes = len(above) * (len(green) + _COUNT.itemsize) + len(places) * _LISTED_BYTES
    if len(places) > above.size // _MOST or num_bytes >= 3 * green.size:  # lengths tell the two ways apart
        return np.concatenate([green.ravel(), colours.ravel()])
    red, blue = np.split(above & _LOW, 2)
    rows, columns = np.divmod(places, len(green))
    counts = np.bincount(rows, minlength=len(above))
    listed = [values.astype(_COUNT).view(np.uint8) for values in (counts, columns)]
    return np.concatenate([green.ravel(), (red << 4 | blue).ravel(), *listed, above.ravel()[places] & _HIGH])


def decode(
    contents: Sequence[bytes | memoryview], size: int, packing: Packing = "lz4"
) -> UInt8[np.ndarray, "crops size size 3"]:
    """What :func:`encode` made crops of; ``ValueError`` for anything but crops of one size.

    In memory each colour is a plane, and rows of several crops lie beside each other: a stack of them is a copy.
    """
    groups = [contents[first : first + _TOGETHER] for first in range(0, max(len(contents), 1), _TOGETHER)]
    rows = [_added_up(_differences(group, size, _CODECS[packing])) for group in groups]
    return (rows[0] if len(rows) == 1 else np.concatenate(rows, axis=2)).transpose(2, 0, 3, 1)


class _Unpacked(NamedTuple):
    """Differences of a crop: green, a plane of pairs and its list; without ``counts``, all three planes."""

    planes: UInt8[np.ndarray, "planes size size"]
    counts: UInt16[np.ndarray, " 2*size"] | None = None
    columns: UInt16[np.ndarray, " listed"] | None = None
    upper: UInt8[np.ndarray, " listed"] | None = None


def _unpacked(content: bytes | memoryview, size: int, codec: "_Codec") -> _Unpacked:
    area, counts_end = size * size, 2 * size * (size + _COUNT.itemsize)
    try:
        length = codec.content_size(content)
        num_listed, rest = divmod(length - counts_end, _LISTED_BYTES)
        is_plain = length == 3 * area
        if not is_plain and (rest or not 0 <= num_listed <= 2 * area // _MOST):
            raise ValueError(f"{length} bytes")
        packed = codec.unpack(content, length)
        if is_plain:
            return _Unpacked(packed.reshape(3, size, size))
        planes = packed[: 2 * area].reshape(2, size, size)
        counts = packed[2 * area : counts_end].view(_COUNT)
        columns = packed[counts_end : length - num_listed].view(_COUNT)
        if num_listed and (counts.sum() != num_listed or columns.max() >= size):
            raise ValueError("a list that does not fit")
    except (OSError, ValueError, IndexError) as error:
        raise ValueError(f"a crop that is not {size} pixels square, or is packed otherwise") from error
    return _Unpacked(planes, counts, columns, packed[length - num_listed :])


class _Codec(NamedTuple):
    """Packs bytes, says how many a piece holds before memory is taken for them, and unpacks it."""

    pack: Callable[[np.ndarray], bytes]
    content_size: Callable[[bytes | memoryview], int]
    unpack: Callable[[bytes | memoryview, int], UInt8[np.ndarray, " bytes"]]


def _pack_lz4(raw: UInt8[np.ndarray, " bytes"]) -> bytes:
    block: bytes = _LZ4.compress(raw, asbytes=True)
    return len(raw).to_bytes(_LENGTH_BYTES, "little") + block


def _lz4_content_size(piece: bytes | memoryview) -> int:
    return int.from_bytes(piece[:_LENGTH_BYTES], "little")


def _unpack_lz4(piece: bytes | memoryview, length: int) -> UInt8[np.ndarray, " bytes"]:
    """The content; ``ValueError`` if it is not as long, which Arrow does not say: the ends differ then."""
    block = memoryview(piece)[_LENGTH_BYTES:]
    raw = np.frombuffer(_LZ4.decompress(block, length), dtype=np.uint8)
    last = min(_LZ4_LITERALS, length)
    if bytes(raw[-last:]) != bytes(block[-last:]):
        raise ValueError(f"a block that does not end after {length} bytes")
    return raw


def _pack_zstd(raw: UInt8[np.ndarray, " bytes"]) -> bytes:
    frame: bytes = _ZSTD.compress(raw, asbytes=True)
    return frame


def _zstd_content_size(frame: bytes | memoryview) -> int:
    """How many bytes a Zstandard frame says that it holds (RFC 8878, section 3.1.1.1)."""
    flags = frame[4]
    is_single, width = flags >> 5 & 1, 1 << (flags >> 6)
    first = 6 - is_single  # after the magic number, the flags and, unless all is one segment, the window's size
    return int.from_bytes(frame[first : first + width], "little") + 256 * (width == 2)


def _unpack_zstd(frame: bytes | memoryview, length: int) -> UInt8[np.ndarray, " bytes"]:
    return np.frombuffer(_ZSTD.decompress(frame, length), dtype=np.uint8)


_CODECS: dict[Packing, _Codec] = {
    "lz4": _Codec(_pack_lz4, _lz4_content_size, _unpack_lz4),
    "zstd": _Codec(_pack_zstd, _zstd_content_size, _unpack_zstd),
}


Rows = UInt8[np.ndarray, "size 3 crops size"]


def _differences(contents: Sequence[bytes | memoryview], size: int, codec: _Codec) -> Rows:
    """Red, green and blue row by row of all crops; red's and blue's differences have :data:`_MIDDLE` added."""
    rows = np.empty((size, 3, len(contents), size), dtype=np.uint8)
    red, green, blue = rows.swapaxes(0, 1)
    crops = []
    for number, content in enumerate(contents):
        crop = _unpacked(content, size, codec)
        green[:, number], blue[:, number] = crop.planes[:2]
        crops.append(crop)
    np.right_shift(blue, 4, out=red)
    blue &= _LOW
    flat, line = rows.reshape(-1), len(contents) * size
    starts = line * np.concatenate([3 * np.arange(size), 3 * np.arange(size) + 2])  # of red's rows, then blue's
    for number, crop in enumerate(crops):
        if crop.counts is None or crop.columns is None:
            np.add(crop.planes[1], _MIDDLE, out=red[:, number])
            np.add(crop.planes[2], _MIDDLE, out=blue[:, number])
        elif len(crop.columns):
            flat[np.repeat(starts + number * size, crop.counts) + crop.columns] += crop.upper
    return rows


def _added_up(rows: Rows) -> Rows:
    """The colours, of their differences; in place."""
    size = len(rows)
    for before, row in pairwise(rows.reshape(size, -1)):
        row += before
    red, green, blue = rows.swapaxes(0, 1)
    added = (_MIDDLE * np.arange(1, size + 1)).astype(np.uint8)
    less = green - added[:, None, None]
    red += less
    blue += less
    return rows
