"""Forges pictures: a donor's face blended into a head, and a mouth drawn again to other sound.

Each function gives an :class:`Overlay` for ``scene.film``. ``strength`` in [0, 1] scales the traces that give a
forgery away (colour, resolution, missing noise, jitter); at 0 only what is shown differs, not how.
"""

from dataclasses import replace

import numpy as np
from PIL import Image

from multimodal.synthetic.face import Canvas, face_distance, paint_skin
from multimodal.synthetic.identity import Face
from multimodal.synthetic.plan import SwapMethod
from multimodal.synthetic.scene import Overlay


def swap_face(
    rng: np.random.Generator,
    target: Face,
    donor: Face,
    *,
    method: SwapMethod,
    strength: float,
    light: tuple[float, float],
    mouth: np.ndarray,
    canvas: Canvas,
) -> Overlay:
    """Blend the donor's inner face, in the target's pose and expression, into the target's head.

    ``faceswap`` imitates an autoencoder's swap: a tight mask, a harder seam, a clear colour shift, some tremor.
    ``fsgan`` imitates an adversarial one: a wide mask, a soft seam, little colour shift, lower resolution.
    Shape: mouth (frames,) in [0, 1].
    """
    tight = method == "faceswap"
    fitted = fit_face(donor, target)
    grid = canvas.region_grid(oversampling=1)
    distance = face_distance(target, grid, roundness=3.5 if tight else 2.5)
    reach, seam = (0.82, 0.08) if tight else (0.88, 0.14)
    below_hair = (grid.y - target.hairline - 0.35 * grid.x**2) / seam
    num_frames = len(mouth)
    return Overlay(
        face=fitted,
        skin=Image.fromarray(paint_skin(fitted, light, canvas)),
        mouth=mouth,
        mask=np.clip((reach - distance) / seam + 0.5, 0, 1) * np.clip(below_hair - 0.5, 0, 1),
        coarseness=1 + (1.0 if tight else 1.6) * strength,
        paleness=(0.2 if tight else 0.25) * strength,
        colour=_colour_shift(rng, (0.08 if tight else 0.05) * strength),
        offset=rng.normal(0, (0.5 if tight else 0.25) * strength, size=(num_frames, 2)),
        flicker=1 + rng.normal(0, 0.015 * strength, size=num_frames),
        noise_share=1 - 0.7 * strength,
        seam=(0.16 if tight else 0.12) * strength,
    )


def redraw_mouth(
    rng: np.random.Generator,
    face: Face,
    *,
    strength: float,
    light: tuple[float, float],
    mouth: np.ndarray,
    canvas: Canvas,
) -> Overlay:
    """Draw the lower face again with the lips of other sound, as wav2lip does: softer, slightly off in colour.

    ``face`` is what the forger's model saw: the target's, or after a swap the donor's fitted to the target.
    Shape: mouth (frames,) in [0, 1].
    """
    grid = canvas.region_grid(oversampling=1)
    distance = np.hypot(grid.x / 0.45, (grid.y - face.mouth_y - 0.06) / 0.34)
    num_frames = len(mouth)
    return Overlay(
        face=face,
        skin=Image.fromarray(paint_skin(face, light, canvas)),
        mouth=mouth,
        mask=np.clip((1 - distance) / 0.3, 0, 1),
        coarseness=1 + 2 * strength,
        paleness=0.3 * strength,
        colour=_colour_shift(rng, 0.04 * strength),
        offset=rng.normal(0, 0.2 * strength, size=(num_frames, 2)),
        flicker=1 + rng.normal(0, 0.01 * strength, size=num_frames),
        noise_share=1 - 0.8 * strength,
        seam=0.13 * strength,
    )


def fit_face(donor: Face, target: Face) -> Face:
    """The donor's features in the target's outline, with skin most of the way to the target's colour."""
    red, green, blue = (0.35 * a + 0.65 * b for a, b in zip(donor.skin, target.skin, strict=True))
    return replace(donor, half_width=target.half_width, jaw=target.jaw, skin=(red, green, blue))


def _colour_shift(rng: np.random.Generator, size: float) -> np.ndarray:
    """Factors for RGB: a random direction of unit length times ``size``."""
    direction = rng.normal(size=3)
    return 1 + size * direction / np.linalg.norm(direction)
