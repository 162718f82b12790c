"""Crops and sound as the bytes of files that any tool opens: WebP or JPEG, and WAV."""

import io
import wave

import numpy as np
import torch
from jaxtyping import Int16, UInt8
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg, decode_webp

from multimodal.media.prepared import FrameFormat, PrepareOptions

#: Bytes before the samples in the WAV files written here.
WAV_HEADER_BYTES = 44


def encode_crop(crop: UInt8[np.ndarray, "size size 3"], options: PrepareOptions) -> bytes:
    """Compress one crop in the format of ``options``; WebP without any loss, at its fastest setting."""
    buffer = io.BytesIO()
    image = Image.fromarray(crop)
    if options.frame_format == "webp":
        image.save(buffer, "webp", lossless=True, quality=0, method=0)
    else:
        image.save(buffer, "jpeg", quality=options.jpeg_quality)
    return buffer.getvalue()


def decode_crop(content: bytes | memoryview, frame_format: FrameFormat) -> UInt8[np.ndarray, "size size 3"]:
    """Pixels of a crop that :func:`encode_crop` compressed.

    torchvision decodes: on a CPU in a third less time than Pillow, which copies the pixels twice more.
    """
    data = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    decode = decode_webp if frame_format == "webp" else decode_jpeg
    return decode(data, ImageReadMode.RGB).permute(1, 2, 0).numpy()


def encode_sound(samples: Int16[np.ndarray, " samples"], sample_rate: int) -> bytes:
    """A WAV file of mono 16-bit samples, which start at byte :data:`WAV_HEADER_BYTES`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()
