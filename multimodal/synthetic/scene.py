"""Films a person: background, moving head, light and sensor noise, and what a forger laid over the picture."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from multimodal.synthetic.face import OVERSAMPLING, Box, Canvas, Expression, draw_face, paint_head
from multimodal.synthetic.identity import Face
from multimodal.synthetic.performance import Performance

_NOISE = 2.2
_BACKGROUND_MARGIN = 0.2
_PAN_STEPS = 4
_Affine = tuple[float, float, float, float, float, float]


class Actor:
    """One person under one light: the head painted once, the features anew for each frame."""

    def __init__(self, face: Face, light: tuple[float, float], canvas: Canvas) -> None:
        self.face, self.canvas = face, canvas
        large = paint_head(face, light, canvas)
        self._skin = Image.fromarray(np.ascontiguousarray(large[canvas.region_slices()][..., :3]))
        layer = Image.fromarray(large).reduce(OVERSAMPLING)
        self._layer, self._opacity = layer.convert("RGB"), layer.getchannel("A")

    def paint(self, expression: Expression) -> tuple[Image.Image, Image.Image]:
        """The head at one moment, RGB, and how opaque it is: two pictures of the canvas's side."""
        layer = self._layer.copy()
        layer.paste(draw_face(self._skin, self.face, expression, self.canvas), self.canvas.region[:2])
        return layer, self._opacity


class Overlay(NamedTuple):
    """A patch of a painted face that a forger blends into every frame.

    ``face`` on ``skin`` (the canvas's region, oversampled) is painted in the pose of the filmed head, with the
    lips of ``mouth`` (frames,). ``mask`` (height, width of the region) float in [0, 1] says where it covers.
    ``coarseness`` >= 1 is the factor by which its resolution falls, ``paleness`` in [0, 1] how far its colours
    go to that of the skin, ``colour`` (RGB) multiplies it, ``offset`` (frames, 2) moves it in pixels, ``flicker``
    (frames,) multiplies its light, ``noise_share`` is how much of the camera's noise it keeps, and ``seam`` how
    much darker the picture is where the mask is half.
    """

    face: Face
    skin: Image.Image
    mouth: np.ndarray
    mask: np.ndarray
    coarseness: float
    paleness: float
    colour: np.ndarray
    offset: np.ndarray
    flicker: np.ndarray
    noise_share: float
    seam: float


class _Moment(NamedTuple):
    """One frame's pose, light (RGB factors) and camera noise (height, width, 3)."""

    number: int
    pose: _Affine
    light: np.ndarray
    noise: np.ndarray


def film(
    actor: Actor,
    performance: Performance,
    mouth: np.ndarray,
    overlays: Sequence[Overlay] = (),
    during: range | None = None,
) -> Iterator[np.ndarray]:
    """Film a clip; overlays are blended in their order, into the frames ``during`` which they are there, or all.

    Shape: mouth (frames,) in [0, 1] → yields (frame_size, frame_size, 3) uint8 RGB, one for each frame.
    """
    canvas, size = actor.canvas, actor.canvas.frame_size
    noise_rng = np.random.default_rng(performance.noise_seed)
    noise_pool = _noise_pool(noise_rng, 2 * size)
    background = _phases(paint_background(actor.face, size))
    tint = np.array(performance.tint, dtype=np.float32)
    for index in range(len(mouth)):
        row, column = noise_rng.integers(size, size=2)
        moment = _Moment(
            number=index,
            pose=_pose(canvas, performance, index),
            light=tint * np.float32(performance.gain[index]),
            noise=noise_pool[row : row + size, column : column + size],
        )
        room = _pan(background, performance.pan[index] * canvas.half_height, size)
        frame = _composite(room, actor.paint(_expression(performance, index, mouth)), moment)
        for overlay in overlays if during is None or index in during else ():
            patch = _patch(overlay, _expression(performance, index, overlay.mouth), canvas)
            _blend(frame, patch, overlay, moment, canvas)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def paint_background(face: Face, frame_size: int) -> np.ndarray:
    """Paint the room in which a person is always filmed: their colour, with soft blotches and a slope of light.

    Shape: → (frame_size, wider than frame_size, 3) float32.
    """
    rng = np.random.default_rng(face.texture_seed + 2)
    width = round(frame_size * (1 + 2 * _BACKGROUND_MARGIN))
    blotches = [
        sigma * gaussian_filter(rng.standard_normal((frame_size, width), dtype=np.float32), sigma)
        for sigma in (frame_size / 9, frame_size / 40)
    ]
    slope = np.linspace(-0.12, 0.12, width, dtype=np.float32) * rng.uniform(-1, 1)
    room = 1 + 0.32 * blotches[0] + 0.12 * blotches[1] + slope
    return np.clip(room[..., None] * np.array(face.background, dtype=np.float32), 5, 250)


def _expression(performance: Performance, index: int, mouth: np.ndarray) -> Expression:
    return Expression(
        mouth=float(mouth[index]),
        blink=float(performance.blink[index]),
        yaw=float(performance.yaw[index]),
        gaze=float(performance.gaze[index]),
        brow=float(performance.brow[index]),
    )


def _pose(canvas: Canvas, performance: Performance, index: int) -> _Affine:
    """Where in the canvas's layer each pixel of the frame is found, as Pillow's affine data."""
    cosine = np.cos(performance.roll[index]) / performance.zoom[index]
    sine = np.sin(performance.roll[index]) / performance.zoom[index]
    x = canvas.frame_size / 2 + performance.shift_x[index] * canvas.half_height
    y = canvas.frame_size / 2 + performance.shift_y[index] * canvas.half_height
    middle_x, middle_y = canvas.centre
    return (cosine, sine, middle_x - cosine * x - sine * y, -sine, cosine, middle_y + sine * x - cosine * y)


def _phases(background: np.ndarray) -> list[np.ndarray]:
    """The background moved left by each fraction of a pixel that a pan can stop at."""
    near, far = background[:, :-1], background[:, 1:]
    return [near + np.float32(step / _PAN_STEPS) * (far - near) for step in range(_PAN_STEPS)]


def _pan(phases: list[np.ndarray], shift: float, frame_size: int) -> np.ndarray:
    """The part of the background in sight, moved sideways by fractions of a pixel."""
    margin = phases[0].shape[1] - frame_size
    steps = round(float(np.clip(margin / 2 + shift, 0, margin)) * _PAN_STEPS)
    left = min(steps // _PAN_STEPS, margin)
    return phases[steps % _PAN_STEPS][:, left : left + frame_size]


def _composite(room: np.ndarray, head: tuple[Image.Image, Image.Image], moment: _Moment) -> np.ndarray:
    frame, opacity = (_moved(part, moment.pose, (room.shape[1], room.shape[0])) for part in head)
    opacity *= np.float32(1 / 255)
    frame -= room
    frame *= opacity[..., None]
    frame += room
    frame *= moment.light
    frame += moment.noise
    return frame


def _patch(overlay: Overlay, expression: Expression, canvas: Canvas) -> Image.Image:
    """The overlay's colours at one moment, RGB, of the size of the region."""
    return _coarsen(draw_face(overlay.skin, overlay.face, expression, canvas), overlay.coarseness)


def _blend(frame: np.ndarray, patch: Image.Image, overlay: Overlay, moment: _Moment, canvas: Canvas) -> None:
    """Blend an overlay's patch into the frame, in place, touching only the box that it can reach."""
    a, b, c, d, e, f = moment.pose
    left, top, right, bottom = _reach(canvas.region, moment.pose, canvas.frame_size)
    move_x, move_y = np.array(canvas.region[:2]) - overlay.offset[moment.number]
    corner = (a, b, a * left + b * top + c - move_x, d, e, d * left + e * top + f - move_y)
    size, there = (right - left, bottom - top), (slice(top, bottom), slice(left, right))
    mask = Image.fromarray((255 * overlay.mask).astype(np.uint8))
    colours, cover = _moved(patch, corner, size), _moved(mask, corner, size)
    colours += np.float32(overlay.paleness) * (np.array(overlay.face.skin, dtype=np.float32) - colours)
    colours *= (moment.light * overlay.colour * overlay.flicker[moment.number]).astype(np.float32)
    colours += np.float32(overlay.noise_share) * moment.noise[there]
    colours -= frame[there]
    cover *= np.float32(1 / 255)
    colours *= cover[..., None]
    frame[there] += colours
    frame[there] *= (1 - np.float32(4 * overlay.seam) * cover * (1 - cover))[..., None]


def _moved(picture: Image.Image, pose: _Affine, size: tuple[int, int]) -> np.ndarray:
    moved = picture.transform(size, Image.Transform.AFFINE, pose, Image.Resampling.BILINEAR)
    return np.array(moved, dtype=np.float32)


def _reach(box: Box, pose: _Affine, frame_size: int) -> Box:
    """The box of the frame that shows a box of the layer, with a margin for jitter."""
    a, b, c, d, e, f = pose
    corners = np.array([(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]) - (c, f)
    points = np.linalg.solve(np.array([[a, b], [d, e]]), corners.T)
    low = np.clip(np.floor(points.min(axis=1)).astype(int) - 2, 0, frame_size - 1)
    high = np.clip(np.ceil(points.max(axis=1)).astype(int) + 2, low + 1, frame_size)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _coarsen(patch: Image.Image, factor: float) -> Image.Image:
    """Lower the resolution by a factor and bring the size back, as a generator of small pictures does."""
    small = (max(2, round(patch.width / factor)), max(2, round(patch.height / factor)))
    if small == patch.size:
        return patch
    return patch.resize(small, Image.Resampling.BOX).resize(patch.size, Image.Resampling.BICUBIC)


def _noise_pool(rng: np.random.Generator, side: int) -> np.ndarray:
    """Sensor noise to cut each frame's from: mostly in brightness, a little in colour."""
    grey = rng.standard_normal((side, side, 1), dtype=np.float32)
    return _NOISE * (0.85 * grey + 0.5 * rng.standard_normal((side, side, 3), dtype=np.float32))
