"""Where a face lies in the picture that it is painted on, and the face coordinates of its pixels.

Face coordinates are in half face heights: the origin in the middle of the face, x right, y down.
"""

from typing import NamedTuple

import numpy as np

#: Everything is painted at this many times the size of the picture and reduced by area.
OVERSAMPLING = 2
_LAYER_SIDE, _FACE_HALF_HEIGHT = 1.36, 0.34
_FACE_CENTRE = (0.5, 0.45)
#: The part of a head that the features move in: left, top, right, bottom, in half face heights.
_REGION = (-0.76, -0.62, 0.76, 0.96)

Box = tuple[int, int, int, int]


class Grid(NamedTuple):
    """Face coordinates of the pixels: x (1, width), y (height, 1), and the size of a pixel."""

    x: np.ndarray
    y: np.ndarray
    pixel: float


class Canvas:
    """The layer that a head is painted on, a little larger than the frame so that the head can move.

    ``side`` is the layer's side and ``half_height`` half a face, in pixels; ``centre`` (x, y) is the middle of
    the face and ``region`` (left, top, right, bottom) the part that holds the features, in pixels of the layer.
    """

    def __init__(self, frame_size: int) -> None:
        self.frame_size = frame_size
        self.side = round(_LAYER_SIDE * frame_size)
        self.half_height = _FACE_HALF_HEIGHT * frame_size
        self.centre = (_FACE_CENTRE[0] * self.side, _FACE_CENTRE[1] * self.side)
        left, top, right, bottom = (round(edge * self.half_height) for edge in _REGION)
        x, y = round(self.centre[0]), round(self.centre[1])
        self.region: Box = (x + left, y + top, x + right, y + bottom)

    def layer_grid(self) -> Grid:
        """Grid of the whole layer, oversampled."""
        return self._grid((0, 0, self.side, self.side), OVERSAMPLING)

    def region_grid(self, oversampling: int = OVERSAMPLING) -> Grid:
        """Grid of the region, oversampled or (1) at the size of the picture."""
        return self._grid(self.region, oversampling)

    def region_slices(self) -> tuple[slice, slice]:
        """Rows and columns of the region in the oversampled layer."""
        left, top, right, bottom = (edge * OVERSAMPLING for edge in self.region)
        return slice(top, bottom), slice(left, right)

    def _grid(self, box: Box, oversampling: int) -> Grid:
        left, top, right, bottom = box
        pixel = 1 / (self.half_height * oversampling)
        columns = np.arange((right - left) * oversampling, dtype=np.float32) + 0.5
        rows = np.arange((bottom - top) * oversampling, dtype=np.float32) + 0.5
        x = columns * pixel + (left - self.centre[0]) / self.half_height
        y = rows * pixel + (top - self.centre[1]) / self.half_height
        return Grid(x[None, :], y[:, None], pixel)
