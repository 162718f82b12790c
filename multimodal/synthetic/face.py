"""The moving features of a face: eyes, brows, nose and mouth, drawn at twice the size of the picture."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from multimodal.synthetic.identity import Colour, Face

# Where a face lies in the picture that it is painted on, and the face coordinates of its pixels.


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


_HALF_TURN = np.linspace(0, np.pi, 13)
_COSINE, _SINE = np.cos(_HALF_TURN), np.sin(_HALF_TURN)
_TURN = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE_X, _CIRCLE_Y = np.cos(_TURN), np.sin(_TURN)
#: The bow of the upper lip.
_CUPID = _SINE * (1 - 0.25 * np.exp(-((_COSINE / 0.2) ** 2)))
_TEETH_SHOW = 0.03


class Expression(NamedTuple):
    """One moment of a face: ``mouth`` 0 = closed to 1 = wide, ``blink`` 0 = open; the others in [-1, 1]."""

    mouth: float
    blink: float
    yaw: float
    gaze: float
    brow: float


def draw_face(skin: Image.Image, face: Face, now: Expression, canvas: Canvas) -> Image.Image:
    """Draw the features of one moment onto the skin of the canvas's region.

    ``skin`` is the region, oversampled, and stays as it is; the result has the size of the picture.
    """
    drawing = skin.copy()
    pen = _Pen(drawing, canvas)
    _draw_nose(pen, face, now)
    for side in (-1, 1):
        _draw_eye(pen, face, now, side)
        _draw_brow(pen, face, now, side)
    _draw_mouth(pen, face, now)
    return drawing.reduce(OVERSAMPLING)


class _Pen:
    """Draws polygons given in face coordinates."""

    def __init__(self, picture: Image.Image, canvas: Canvas) -> None:
        self._draw = ImageDraw.Draw(picture)
        self._scale = canvas.half_height * OVERSAMPLING
        self._left = (canvas.centre[0] - canvas.region[0]) * OVERSAMPLING
        self._top = (canvas.centre[1] - canvas.region[1]) * OVERSAMPLING

    def polygon(self, x: np.ndarray, y: np.ndarray, colour: Colour) -> None:
        points = np.empty(2 * len(x))
        points[0::2] = x * self._scale + self._left
        points[1::2] = y * self._scale + self._top
        self._draw.polygon(points.tolist(), fill=_bytes(colour))

    def band(self, x: np.ndarray, upper: np.ndarray, lower: np.ndarray, colour: Colour) -> None:
        """Fill between two lines over the same x."""
        self.polygon(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]]), colour)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour) -> None:
        self.polygon(x + radius_x * _CIRCLE_X, y + radius_y * _CIRCLE_Y, colour)


def _draw_eye(pen: _Pen, face: Face, now: Expression, side: int) -> None:
    size = face.eye_size
    x = side * face.eye_x + 0.05 * now.yaw
    slant = face.eye_y - side * face.eye_tilt * size * _COSINE
    opened = slant - _SINE * size * 0.55
    upper = opened + _SINE * size * 0.93 * now.blink
    lower = slant + _SINE * size * 0.38
    along = x + _COSINE * size
    pen.band(along, upper, lower, (232, 228, 224))
    if now.blink < 0.75:
        iris_x = x + 0.3 * size * now.gaze + 0.15 * size * now.yaw
        iris = size * 0.44
        height = min(iris, size * 0.55 * (1 - now.blink))
        pen.ellipse(iris_x, face.eye_y - 0.03 * size, iris, height, face.iris)
        pen.ellipse(iris_x, face.eye_y - 0.03 * size, iris * 0.5, height * 0.5, (8, 8, 10))
        pen.ellipse(iris_x - iris * 0.3, face.eye_y - height * 0.4, iris * 0.18, height * 0.18, (250, 250, 250))
    pen.band(along, opened - 0.32 * size, upper, _shade(face.skin, 0.72))
    pen.band(along, upper - 0.16 * size, upper, _shade(face.skin, 0.22))
    pen.band(along, lower, lower + 0.06 * size, _shade(face.skin, 0.5))


def _draw_brow(pen: _Pen, face: Face, now: Expression, side: int) -> None:
    x = side * face.eye_x + 0.05 * now.yaw + _COSINE * face.eye_size * 1.25
    middle = face.eye_y - face.brow_gap - 0.025 * now.brow - 0.05 * _SINE - side * face.brow_tilt * _COSINE
    thick = face.brow_thickness * (0.6 + 0.7 * _SINE)
    colour = _mix(face.hair, face.skin, 0.25)
    pen.band(x, middle - thick, middle + thick, colour)


def _draw_nose(pen: _Pen, face: Face, now: Expression) -> None:
    top, tip = face.eye_y + 0.05, face.eye_y + face.nose_length
    x, width = 0.1 * now.yaw, face.nose_width
    bridge = np.array([-0.25, 0.25, 0.9, -0.9]) * width
    lean = np.array([0.3, 0.3, 1, 1]) * x
    pen.polygon(lean + bridge, np.array([top, top, tip, tip]), _shade(face.skin, 0.95))
    pen.polygon(lean + 0.45 * bridge, np.array([top, top, tip, tip]) - 0.02, _shade(face.skin, 1.06))
    pen.ellipse(x, tip, width, 0.07, _shade(face.skin, 0.88))
    pen.ellipse(x, tip - 0.02, 0.62 * width, 0.075, _shade(face.skin, 1.04))
    for side in (-1, 1):
        pen.ellipse(x + side * 0.5 * width, tip + 0.035, 0.24 * width, 0.022, _shade(face.skin, 0.35))


def _draw_mouth(pen: _Pen, face: Face, now: Expression) -> None:
    x, y = 0.07 * now.yaw, face.mouth_y
    width = face.mouth_width * (1 - 0.16 * now.mouth)
    gap, lip = 0.17 * now.mouth, face.lip_thickness
    across, ceiling = x + _COSINE * width, y - 0.25 * gap * _SINE
    top, bottom = ceiling - lip * _CUPID, y + (1.15 * lip + gap) * _SINE
    pen.band(across, top, bottom, face.lips)
    pen.band(across, top, 0.4 * top + 0.6 * y, _shade(face.lips, 0.86))
    pen.ellipse(x, y + 0.75 * lip + gap, 0.45 * width, 0.2 * lip, _shade(face.lips, 1.12))
    inner = x + _COSINE * width * 0.88
    pen.band(inner, ceiling, y + (0.012 + gap) * _SINE, (58, 20, 22))
    if gap > _TEETH_SHOW:
        pen.band(inner * 0.86 + 0.14 * x, ceiling, ceiling + 0.32 * gap * _SINE, (226, 220, 208))
        pen.ellipse(x, y + 0.8 * gap, 0.5 * width, 0.2 * gap, (150, 66, 66))
    pen.ellipse(x, y + 1.9 * lip + 1.1 * gap, 0.6 * width, 0.02, _shade(face.skin, 0.82))


def _shade(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def _bytes(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, round(value))) for value in colour)
    return (red, green, blue)


# The parts of a head that keep their shape within a clip: hair, skin, ears, neck and shoulders.


_EDGE_PIXELS = 2.0


def paint_head(face: Face, light: tuple[float, float], canvas: Canvas) -> np.ndarray:
    """Paint a head without features, oversampled.

    Shape: → (height, width, 4) uint8: RGB, and how opaque (255 = the head hides what is behind it).
    """
    grid = canvas.layer_grid()
    height, width = grid.y.shape[0], grid.x.shape[1]
    picture = np.zeros((height, width, 4), dtype=np.float32)
    picture[..., :3] = np.where(grid.y[..., None] < 1.05, face.hair, face.clothes)
    strands = _strands(face, width)
    oval = face_distance(face, grid)
    if face.hair_length > 0:
        curtain = np.abs(grid.x) / (face.half_width * face.hair_volume * 1.05)
        _lay(picture, face.hair, _under(1.0, curtain, grid) * _band(-0.2, face.hair_length, grid), strands)
    _lay(picture, face.clothes, _under(1.0, np.hypot(grid.x / 1.5, (grid.y - 2.0) / 0.8), grid))
    neck = _under(0.55 * face.half_width, np.abs(grid.x), grid) * _band(0.4, 1.4, grid)
    _lay(picture, face.skin, neck, 0.62 + 0.2 * np.clip(grid.y - 0.8, 0, 0.8))
    skull = np.hypot(grid.x / (face.half_width * face.hair_volume), (grid.y + 0.1) / 1.02)
    _lay(picture, face.hair, _under(1.0, skull, grid) * _under(max(face.hair_length, 0.0), grid.y, grid), strands)
    for side in (-1, 1):
        ear = np.hypot((grid.x - side * face.half_width * 0.98) / 0.1, (grid.y + 0.02) / 0.2)
        _lay(picture, face.skin, _under(1.0, ear, grid), 0.82)
    _lay(picture, face.skin, _under(1.0, oval, grid), _shading(face, light, grid, canvas))
    fringe = _under(1.0, oval, grid) * _under(0.0, grid.y - face.hairline - 0.35 * grid.x**2, grid)
    _lay(picture, face.hair, fringe, strands)
    return np.clip(picture, 0, 255).astype(np.uint8)


def paint_skin(face: Face, light: tuple[float, float], canvas: Canvas) -> np.ndarray:
    """Paint the skin of the region alone, as if no hair hung into it; oversampled.

    Shape: → (height, width, 3) uint8 RGB.
    """
    shading = _shading(face, light, canvas.region_grid(), canvas)
    return np.clip(np.multiply.outer(shading, np.array(face.skin, dtype=np.float32)), 0, 255).astype(np.uint8)


def face_distance(face: Face, grid: Grid, *, roundness: float = 2.0) -> np.ndarray:
    """How far each pixel is from the middle of the face: 1 on its outline.

    ``roundness`` 2 is an ellipse (with a narrower jaw); higher is closer to a rectangle.
    """
    width = face.half_width * (1 - face.jaw * np.clip(grid.y, 0, 1))
    return (np.abs(grid.x / width) ** roundness + np.abs(grid.y) ** roundness) ** (1 / roundness)


def _shading(face: Face, light: tuple[float, float], grid: Grid, canvas: Canvas) -> np.ndarray:
    """Brightness of the skin: a lit ellipsoid, darker toward its rim, with the person's own texture."""
    x, y = grid.x / face.half_width, grid.y
    depth = np.sqrt(np.clip(1 - 0.8 * (x * x + y * y), 0.05, 1))
    shape = 0.68 + 0.36 * depth + light[0] * x + light[1] * y
    for side in (-1, 1):
        shape *= 1 - 0.16 * _spot(grid, side * face.eye_x, face.eye_y - 0.03, 0.17, 0.12)
        shape *= 1 + 0.05 * _spot(grid, side * 0.36, 0.2, 0.16, 0.15)
    return shape * (1 + face.texture_contrast * _texture(face, shape.shape, canvas))


def _spot(grid: Grid, x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
    return np.exp(-(((grid.x - x) / radius_x) ** 2)) * np.exp(-(((grid.y - y) / radius_y) ** 2))


def _texture(face: Face, shape: tuple[int, ...], canvas: Canvas) -> np.ndarray:
    """Pores and blotches, noise at two scales, fixed to the person; outside the region it repeats."""
    rows, columns = canvas.region_slices()
    height, width = rows.stop - rows.start, columns.stop - columns.start
    noise = np.random.default_rng(face.texture_seed).standard_normal((height, width), dtype=np.float32)
    fine = gaussian_filter(noise, 1.0, mode="wrap")
    coarse = gaussian_filter(noise, height / 40, mode="wrap")
    tile = 0.85 * fine / fine.std() + 0.4 * coarse / coarse.std()
    if shape == tile.shape:
        return tile
    y, x = np.arange(shape[0]) - rows.start, np.arange(shape[1]) - columns.start
    return tile[np.ix_(y % height, x % width)]


def _strands(face: Face, width: int) -> np.ndarray:
    noise = np.random.default_rng(face.texture_seed + 1).standard_normal(width, dtype=np.float32)
    return 1 + 0.25 * gaussian_filter(noise, 1.5)[None, :]


def _under(limit: float, values: np.ndarray, grid: Grid) -> np.ndarray:
    """Cover where ``values`` (about in half face heights) lie below ``limit``, with an edge of some pixels."""
    return np.clip((limit - values) / (_EDGE_PIXELS * grid.pixel) + 0.5, 0, 1)


def _band(top: float, bottom: float, grid: Grid) -> np.ndarray:
    return _under(bottom, grid.y, grid) * _under(-top, -grid.y, grid)


def _lay(picture: np.ndarray, colour: Colour, cover: np.ndarray, shading: np.ndarray | float = 1.0) -> None:
    """Lay a shaded colour over the picture where ``cover`` is 1, working only in the box that it reaches."""
    cover = np.broadcast_to(cover, picture.shape[:2])
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not len(rows):
        return
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    part, cover = picture[box], cover[box]
    shade = np.broadcast_to(np.asarray(shading, dtype=np.float32), picture.shape[:2])[box]
    opacity = np.maximum(part[..., 3], 255 * cover)
    share = 255 * cover / np.maximum(opacity, 1)
    for channel, value in enumerate(colour):
        part[..., channel] += share * (shade * np.float32(value) - part[..., channel])
    part[..., 3] = opacity
