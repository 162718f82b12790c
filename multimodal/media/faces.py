"""Finding faces in a picture and following them into the next: what a clip is searched with.

A new detector is a file with a class that does what :class:`FaceDetector` says, and a line in :data:`DETECTORS`.
Its name is an option of ``prepare`` and stands in the store, so that crops of two detectors are never mixed.
"""

import pkgutil
from typing import TYPE_CHECKING, Protocol

import numpy as np
from jaxtyping import Float, UInt8

from multimodal.catalog import unknown

if TYPE_CHECKING:
    from multimodal.media.networks import Load, Networks

Picture = UInt8[np.ndarray, "height width 3"]
Detections = Float[np.ndarray, "faces 5"]

#: Every face detector, by name: where its class is, so that only the one asked for is imported.
DETECTORS = {"mtcnn": "multimodal.media.mtcnn:MtcnnDetector"}
#: Stores that were made before there was a choice do not name theirs.
DEFAULT_DETECTOR = "mtcnn"


class FaceDetector(Protocol):
    """Finds faces in a picture, and follows known ones into the next at a small part of the cost.

    Shape: pictures (height, width, 3) uint8, RGB, upright, of any size. Detections (faces, 5) float64, a row a
    face: ``x0, y0, x1, y1, probability``; corners in pixels of the picture, which they may leave; (0, 5) where
    there is none. Each face is given once. Probabilities, from 0 to 1, mean what MTCNN's do: tracks whose mean is
    below 0.8 are dropped, so a detector whose sure faces score less has to rescale them.

    Built with the device it runs on, ``"cpu"`` or ``"cuda"``, or with networks that another process computes for
    it; ``load`` is what loads these onto a device. The same picture always gives the same faces: the bytes of a
    store do not depend on who prepared it.
    """

    load: "Load"

    def __init__(self, device: str = "cpu", networks: "Networks | None" = None) -> None: ...

    def find(self, picture: Picture, smallest: float) -> Detections:
        """All faces of a picture whose larger side is about ``smallest`` pixels or more."""
        ...

    def follow(self, picture: Picture, boxes: Float[np.ndarray, "faces 4"]) -> Detections:
        """The faces that are about where ``boxes`` are; fewer where one is not.

        They may have moved by a third of their size, and may be fewer pixels than were asked for in ``find``.
        """
        ...


def create_detector(name: str, *, device: str = "cpu", networks: "Networks | None" = None) -> FaceDetector:
    """Build a face detector by its name in the catalog; ``ValueError`` if there is none of that name."""
    check_detector(name)
    build: type[FaceDetector] = pkgutil.resolve_name(DETECTORS[name])
    return build(device) if networks is None else build(networks=networks)


def networks_of(name: str) -> "Load":
    """What loads the networks of a face detector onto a device."""
    check_detector(name)
    load: Load = pkgutil.resolve_name(DETECTORS[name]).load
    return load


def detector_module(name: str) -> str:
    """Where a face detector's class is; imported ahead by whoever starts many processes that use it."""
    check_detector(name)
    return DETECTORS[name].partition(":")[0]


def check_detector(name: str) -> None:
    """Raise ``ValueError`` if there is no face detector of that name, without importing any.

    >>> check_detector("mtcn")
    Traceback (most recent call last):
    ValueError: unknown face detector 'mtcn'; did you mean 'mtcnn'? Choose from mtcnn
    """
    if name not in DETECTORS:
        raise ValueError(unknown("face detector", name, DETECTORS))


# Arithmetic of boxes ``x0, y0, x1, y1`` in pixels.


def box_area(boxes: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n"]:
    """Area in square pixels; 0 for a box turned inside out.

    >>> box_area(np.array([1.0, 1.0, 3.0, 4.0])).item()
    6.0
    """
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
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


def merge_found(known: Detections, more: Detections) -> Detections:
    """Faces of a picture that are known, and those of ``more`` that are none of these."""
    return np.concatenate([known, unlike(more, known)])


def unlike(boxes: Float[np.ndarray, "n columns"], known: Detections) -> Float[np.ndarray, "m columns"]:
    """Boxes that overlap no known face by much."""
    if not len(boxes) or not len(known):
        return boxes
    return boxes[pairwise_iou(boxes[:, :4], known[:, :4]).max(axis=1) < _KNOWN_IOU]
