"""A still image as an upright RGB picture, by Pillow."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from multimodal.media.errors import MediaError, why_no_file
from multimodal.media.reading.probe import MOST_PIXELS

#: Formats that only hold pixels. Pillow knows others: for PostScript it starts Ghostscript on the stranger's file.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")


def open_image(path: str | Path) -> Image.Image:
    """Read the header of an image of one of :data:`FORMATS`; ``MediaError`` (stage "open") where it cannot be."""
    path = Path(path)
    if (why := why_no_file(path)) is not None:
        raise MediaError("open", why)
    if path.stat().st_size == 0:
        raise MediaError("open", "the file is empty")
    try:
        image = Image.open(path, formats=FORMATS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError("open", f"no image that Pillow can open ({type(error).__name__})") from error
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise MediaError("open", f"the image has {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}")
    return image


def read_image(path: str | Path) -> UInt8[np.ndarray, "height width 3"]:
    """The picture turned as its EXIF data say; ``MediaError`` for a file that is no whole image."""
    try:
        with open_image(path) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except MediaError:
        raise
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError("decode", f"the image is damaged ({error})") from error
