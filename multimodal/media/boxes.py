"""Arithmetic of boxes ``x0, y0, x1, y1`` in pixels."""

import numpy as np
from jaxtyping import Float


def box_area(boxes: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n"]:
    """Area in square pixels; 0 for a box turned inside out.

    >>> box_area(np.array([1.0, 1.0, 3.0, 4.0])).item()
    6.0
    """
    sides = np.clip(boxes[..., 2:] - boxes[..., :2], 0, None)
    return sides[..., 0] * sides[..., 1]


def pairwise_iou(first: Float[np.ndarray, "n 4"], second: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Intersection over union of every box of ``first`` with every box of ``second``.

    >>> pairwise_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])).round(3).item()
    0.333
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = box_area(np.concatenate([low, high], axis=-1))
    union = box_area(first)[:, None] + box_area(second)[None] - shared
    return shared / np.maximum(union, 1e-9)
