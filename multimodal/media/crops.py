"""Square face crops with a margin, made of pixels of the picture only."""

import io
import math
import wave
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8
from PIL import Image

from multimodal.media import packed
from multimodal.media.prepared import FrameFormat, PrepareOptions
from multimodal.media.reading.time_grid import Area


class Square(NamedTuple):
    """Upper left corner and side, in pixels, not rounded."""

    x: float
    y: float
    side: float


def crop_square(box: Float[np.ndarray, " 4"], *, margin: float, width: int, height: int) -> Square:
    """The square around a face box: the box's larger side, ``margin`` of it added.

    A square that would leave the picture is moved inside; one larger than the picture's shorter side is made that
    small. So nothing is invented at the border, which a detector could take for a trace.

    >>> crop_square(np.array([10.0, 10, 30, 50]), margin=0.5, width=100, height=80)
    Square(x=0.0, y=0.0, side=60.0)
    """
    x0, y0, x1, y1 = box.tolist()
    side = min(max(max(x1 - x0, y1 - y0) * (1 + margin), 1.0), float(min(width, height)))
    x, y = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    return Square(min(max(x, 0.0), width - side), min(max(y, 0.0), height - side), side)


def crop_area(square: tuple[float, float, float], *, width: int, height: int) -> Area:
    """The whole pixels of a picture that a square (left, top, side) covers or touches.

    >>> crop_area((-0.5, 1.5, 4), width=3, height=9)
    Area(left=0, top=1, right=3, bottom=6)
    """
    x, y, side = square
    right, bottom = math.ceil(x + side), math.ceil(y + side)
    return Area(max(0, int(x)), max(0, int(y)), min(right, width), min(bottom, height))


def crop_part(
    pixels: UInt8[np.ndarray, "height width 3"], square: Square, crop_size: int
) -> UInt8[np.ndarray, "size size 3"]:
    """Cut a square out of its :func:`crop_area`, to a fraction of a pixel, by an antialiased bicubic filter."""
    region = Image.fromarray(np.ascontiguousarray(pixels))
    x, y = square.x - int(square.x), square.y - int(square.y)
    box = (x, y, min(x + square.side, region.width), min(y + square.side, region.height))
    return np.asarray(region.resize((crop_size, crop_size), Image.Resampling.BICUBIC, box=box))


# Crops and sound as the bytes of files: packed differences, WebP or JPEG, and WAV.


#: How members of a shard are called that hold a crop of a format.
CROP_SUFFIXES: dict[FrameFormat, str] = {"lz4": "lz4", "zstd": "zst", "webp": "webp", "jpeg": "jpeg"}


#: Bytes before the samples in the WAV files written here.
WAV_HEADER_BYTES = 44


def encode_crop(crop: UInt8[np.ndarray, "size size 3"], options: PrepareOptions) -> bytes:
    """Compress one crop in the format of ``options``; all but JPEG lose nothing, WebP is at its fastest."""
    if options.frame_format in ("lz4", "zstd"):
        return packed.encode(crop, options.frame_format)
    buffer = io.BytesIO()
    image = Image.fromarray(crop)
    if options.frame_format == "webp":
        image.save(buffer, "webp", lossless=True, quality=0, method=0)
    else:
        image.save(buffer, "jpeg", quality=options.jpeg_quality)
    return buffer.getvalue()


def decode_crops(
    contents: Sequence[bytes | memoryview], options: PrepareOptions
) -> UInt8[np.ndarray, "crops size size 3"]:
    """Pixels of crops that :func:`encode_crop` compressed.

    torchvision decodes images: on a CPU in a third less time than Pillow, which copies the pixels twice more.
    """
    size = options.crop_size
    if options.frame_format in ("lz4", "zstd"):
        return packed.decode(contents, size, options.frame_format)
    from torchvision.io import ImageReadMode, decode_jpeg, decode_webp  # and torch's compiler

    # each colour a plane in memory: so decoders give them, and so models take them
    frames = np.empty((len(contents), 3, size, size), dtype=np.uint8).transpose(0, 2, 3, 1)
    decode = decode_webp if options.frame_format == "webp" else decode_jpeg
    for content, frame in zip(contents, frames, strict=True):
        crop = decode(torch.frombuffer(bytearray(content), dtype=torch.uint8), ImageReadMode.RGB)
        if crop.shape[1:] != frame.shape[:2]:  # one pixel would be spread over the whole crop without a word
            raise ValueError(f"a crop of {crop.shape[2]}x{crop.shape[1]} in a store of {size}")
        frame[:] = crop.permute(1, 2, 0).numpy()
    return frames


def as_stored(crop: UInt8[np.ndarray, "size size 3"], options: PrepareOptions) -> UInt8[np.ndarray, "size size 3"]:
    """The crop as a store gives it back: what is not stored must show the same pixels."""
    return decode_crops([encode_crop(crop, options)], options)[0] if options.frame_format == "jpeg" else crop


def encode_sound(samples: Int16[np.ndarray, " samples"], sample_rate: int) -> bytes:
    """A WAV file of mono 16-bit samples, which start at byte :data:`WAV_HEADER_BYTES`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()
