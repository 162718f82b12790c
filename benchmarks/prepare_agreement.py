"""The naive way of finding faces, MTCNN on full-size frames, and how far the prepared boxes agree with it."""

import time
from pathlib import Path
from typing import NamedTuple

import decord
import numpy as np
from facenet_pytorch import MTCNN

from multimodal.media.boxes import box_area, pairwise_iou
from multimodal.media.prepare import prepare_file
from multimodal.media.prepared import PrepareOptions
from multimodal.media.tracks import BoxPath

#: Faces of which the naive way is so sure and that are so large count; a box that overlaps by a third found one.
SURE, SMALLEST, FOUND_IOU = 0.95, 48, 1 / 3


class NaiveFaces(NamedTuple):
    """Processor seconds that it took, and for each of the seconds of the clip looked at the boxes found there."""

    seconds: float
    boxes: dict[float, np.ndarray]

    @classmethod
    def look(cls, path: Path, count: int) -> "NaiveFaces":
        """Search ``count`` whole frames, spread evenly, each alone; reading the video is not counted."""
        detector = MTCNN(keep_all=True, min_face_size=20)
        reader = decord.VideoReader(str(path), num_threads=1)
        found, total = {}, 0.0
        for number in np.linspace(0, len(reader) - 1, count).astype(int).tolist():
            picture = reader[number].asnumpy()
            start = time.process_time()
            boxes, sure = detector.detect(picture)
            total += time.process_time() - start
            second = float(reader.get_frame_timestamp(number)[0])
            found[second] = np.zeros((0, 4)) if boxes is None else boxes[sure >= SURE].astype(float)
        return cls(total, found)


class Agreement(NamedTuple):
    """Shares of the naive way's faces that were found, and the mean overlap of the boxes of those."""

    largest_found: float
    largest_iou: float
    all_found: float
    all_iou: float


def agreement(path: Path, naive: NaiveFaces, frame_rate: float) -> Agreement:
    """Compare the tracks of a clip, on the grid nearest to the frames looked at, with the naive boxes."""
    dense = frame_rate * max(1, round(25 / frame_rate))
    tracks = [clip.track for clip in prepare_file(path, "a", PrepareOptions(frame_rate=dense)) if clip.track]
    largest, every = [], []
    for second, boxes in naive.boxes.items():
        boxes = boxes[np.sqrt(box_area(boxes)) >= SMALLEST]
        if not len(boxes):
            continue
        ours = _boxes_at(tracks, round(second * dense))
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
