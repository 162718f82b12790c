"""The moving features of a face: eyes, brows, nose and mouth, drawn at twice the size of the picture."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from multimodal.corpora.synthetic.canvas import OVERSAMPLING, Canvas
from multimodal.corpora.synthetic.identity import Colour, Face

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
