"""A still image as an upright RGB picture."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from multimodal.media.errors import MediaError


def read_image(path: str | Path) -> UInt8[np.ndarray, "height width 3"]:
    """Read with Pillow, turned as its EXIF data say; ``MediaError`` for a file that is no whole image."""
    path = Path(path)
    if not path.is_file():
        raise MediaError("open", "no such file")
    try:
        image = Image.open(path)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError("open", f"no image that Pillow can open ({type(error).__name__})") from error
    try:
        with image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError("decode", f"the image is damaged ({error})") from error
