"""The parts of a head that keep their shape within a clip: hair, skin, ears, neck and shoulders.

Painted once a clip, in floating point; the moving features are drawn onto it frame by frame (``face.py``).
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from multimodal.corpora.synthetic.canvas import Canvas, Grid
from multimodal.corpora.synthetic.identity import Colour, Face

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
