"""Finding faces in a picture and following them into the next: what a clip is searched with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8

from multimodal.media.mtcnn import FaceCascade, keep_one_of_each

# Arithmetic of boxes ``x0, y0, x1, y1`` in pixels.


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


#: A face that overlaps so much with a known one is that one.
_KNOWN_IOU = 0.3
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "could not create a primitive", "bad_alloc")

Picture = UInt8[np.ndarray, "height width 3"]
Detections = Float[np.ndarray, "faces 5"]


class FaceDetector(Protocol):
    """Finds and follows faces; both give rows of ``x0, y0, x1, y1, probability`` in pixels of the picture."""

    def find(self, picture: Picture, smallest: float) -> Detections:
        """All faces of a picture whose size is ``smallest`` pixels or more."""
        ...

    def follow(self, picture: Picture, boxes: Float[np.ndarray, "faces 4"]) -> Detections:
        """The faces that are about where ``boxes`` are; fewer where one is not."""
        ...


class MtcnnDetector:
    """MTCNN (Zhang et al. 2016).

    Args:
        device: where it runs, ``"cpu"`` or ``"cuda"``.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._cascade = FaceCascade(device)

    def find(self, picture: Picture, smallest: float) -> Detections:
        """All faces of a picture; the smaller they may be, the longer it takes."""
        with _memory_errors():
            return keep_one_of_each(self._cascade.outputs(picture, self._cascade.candidates(picture, smallest)))

    def follow(self, picture: Picture, boxes: Float[np.ndarray, "faces 4"]) -> Detections:
        """Faces that moved by less than a third of their size."""
        with _memory_errors():
            squares = self._cascade.corrected(picture, torch.from_numpy(boxes).float())
            return keep_one_of_each(self._cascade.outputs(picture, squares))


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Make a MemoryError of what torch and oneDNN raise where memory is short, a plain RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if any(words in str(error) for words in _OUT_OF_MEMORY):
            raise MemoryError from error
        raise


def merge_found(known: Detections, more: Detections) -> Detections:
    """Faces of a picture that are known, and those of ``more`` that are none of these."""
    return np.concatenate([known, unlike(more, known)])


def unlike(boxes: Float[np.ndarray, "n columns"], known: Detections) -> Float[np.ndarray, "m columns"]:
    """Those of the boxes that overlap no known face by much."""
    if not len(boxes) or not len(known):
        return boxes
    return boxes[pairwise_iou(boxes[:, :4], known[:, :4]).max(axis=1) < _KNOWN_IOU]
