"""Square face crops with a margin, made of pixels of the picture only."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image


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
    side = float(max(box[2] - box[0], box[3] - box[1]) * (1 + margin))
    side = min(max(side, 1.0), float(min(width, height)))
    x, y = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    return Square(float(np.clip(x, 0, width - side)), float(np.clip(y, 0, height - side)), side)


def crop_picture(
    picture: UInt8[np.ndarray, "height width 3"], square: Square, crop_size: int
) -> UInt8[np.ndarray, "size size 3"]:
    """Cut a square out, exact to a fraction of a pixel, resized by an antialiased bicubic filter."""
    left, top = int(square.x), int(square.y)
    right, bottom = int(np.ceil(square.x + square.side)), int(np.ceil(square.y + square.side))
    region = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right]))
    x, y = square.x - left, square.y - top
    box = (x, y, min(x + square.side, region.width), min(y + square.side, region.height))
    return np.asarray(region.resize((crop_size, crop_size), Image.Resampling.BICUBIC, box=box))
