"""The naive way of finding faces, MTCNN on full-size frames, and how far the prepared boxes agree with it."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from facenet_pytorch import MTCNN

from multimodal.media.faces import box_area, pairwise_iou
from multimodal.media.prepare import prepare_file
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.tracks import BoxPath

#: Faces of which the naive way is so sure and that are so large count; a box that overlaps by a third found one.
SURE, SMALLEST, FOUND_IOU = 0.95, 48, 1 / 3


class NaiveFaces(NamedTuple):
    """Processor seconds that it took, and the boxes found in the picture that each crop is cut from."""

    seconds: float
    boxes: list[np.ndarray]

    @classmethod
    def look(cls, path: Path, frame_rate: float) -> "NaiveFaces":
        """Search each whole picture of the time grid alone; reading the video is not counted."""
        detector = MTCNN(keep_all=True, min_face_size=20)
        found, total = [], 0.0
        for point in VideoPictures(path, probe(path), frame_rate, None):
            start = time.process_time()
            boxes, sure = detector.detect(point.shown)
            total += time.process_time() - start
            found.append(np.zeros((0, 4)) if boxes is None else boxes[sure >= SURE].astype(float))
        return cls(total, found)


class Agreement(NamedTuple):
    """Shares of the naive way's faces that were found, and the mean overlap of the boxes of those."""

    largest_found: float
    largest_iou: float
    all_found: float
    all_iou: float


def agreement(path: Path, naive: NaiveFaces, frame_rate: float) -> Agreement:
    """Compare the boxes that the crops are cut by with the naive boxes of the same pictures."""
    tracks = [clip.track for clip in prepare_file(path, "a", PrepareOptions(frame_rate=frame_rate)) if clip.track]
    largest, every = [], []
    for number, boxes in enumerate(naive.boxes):
        boxes = boxes[np.sqrt(box_area(boxes)) >= SMALLEST]
        if not len(boxes):
            continue
        ours = _boxes_at(tracks, number)
        overlaps = pairwise_iou(boxes, ours).max(axis=1) if len(ours) else np.zeros(len(boxes))
        every += overlaps.tolist()
        largest.append(overlaps[box_area(boxes).argmax()])
    return Agreement(*_summary(largest), *_summary(every))


def _boxes_at(tracks: list[BoxPath], number: int) -> np.ndarray:
    here = [track for track in tracks if 0 <= number - track.first < len(track.boxes)]
    return np.array([track.boxes[number - track.first] for track in here]).reshape(-1, 4)


def _summary(overlaps: list[float]) -> tuple[float, float]:
    values = np.array(overlaps)
    found = values[values >= FOUND_IOU]
    return (len(found) / len(values), float(found.mean())) if len(found) else (0.0, 0.0)
