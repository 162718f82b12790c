"""Going through a video (or one image) once, to find the faces in it."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from multimodal.media.faces import FaceDetector, Picture
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import OnGrid, PicturePoint
from multimodal.media.reading.with_decord import DecordRefusedError
from multimodal.media.search import find_faces
from multimodal.media.tracks import BoxPath, box_path, link_tracks, thin_path

#: Where no face is found, this many pictures are looked at again, for faces so much smaller.
_SECOND_LOOK_PICTURES = 8
_SECOND_LOOK_SHARE = 0.5
#: Pictures a second that a face is followed through, at least.
_FOLLOW_RATE = 10.0


class Seen(NamedTuple):
    """What looking through a video told: all points of its time grid, and the faces, the main one first.

    ``start_seconds`` is the time of the first picture on the clock of the file, ``size`` width and height in
    pixels, ``reader_note`` why decord did not read it.
    """

    pictures: Iterable[PicturePoint]
    start_seconds: float
    num_points: int
    size: tuple[int, int]
    tracks: list[BoxPath]
    reader: str
    reader_note: str | None = None


def look_through(path: Path, info: MediaInfo, options: PrepareOptions, detector: FaceDetector) -> Seen:
    """Decode a video once and find its faces; ``MediaError`` (stage "decode") if it holds no frame.

    Faces are followed on a denser grid where crops are so far apart that a face could be lost between them.
    """
    pictures = VideoPictures(path, info, options.frame_rate, options.max_seconds)
    factor = max(1, math.ceil(_FOLLOW_RATE / options.frame_rate))
    watched = _Watched(lambda: pictures.densely(factor))
    try:
        tracks = _find_tracks(watched, options, detector, factor)
    except DecordRefusedError as error:
        pictures.give_up_decord(str(error))
        tracks = _find_tracks(watched, options, detector, factor)
    count = -(-watched.num_points // factor)
    return Seen(
        pictures, watched.start_seconds, count, watched.size, tracks, pictures.reader, pictures.reader_note
    )


def look_at(picture: Picture, options: PrepareOptions, detector: FaceDetector) -> Seen:
    """Find the faces of one still image."""
    pictures = [OnGrid(0, picture, 0.0)]
    tracks = _find_tracks(_Watched(lambda: pictures), options, detector, 1)
    return Seen(pictures, 0.0, 1, (picture.shape[1], picture.shape[0]), tracks, "pillow")


class _Watched:
    """Passes pictures on and notes the first time, their size and how many there were."""

    def __init__(self, pictures: Callable[[], Iterable[PicturePoint]]) -> None:
        self._pictures = pictures
        self.start_seconds = 0.0
        self.num_points = 0
        self.size = (0, 0)

    def __iter__(self) -> Iterator[PicturePoint]:
        for point in self._pictures():
            if point.number == 0:
                self.start_seconds = point.since_seconds
                self.size = (point.shown.shape[1], point.shown.shape[0])
            self.num_points = point.number + 1
            yield point


def _find_tracks(watched: _Watched, options: PrepareOptions, detector: FaceDetector, factor: int) -> list[BoxPath]:
    rate, smallest = options.frame_rate * factor, options.smallest_face
    found = find_faces(watched, detector, frame_rate=rate, smallest_face=smallest)
    tracks = link_tracks(found, frame_rate=rate, num_points=watched.num_points)
    if not tracks and _has_small_faces(watched, options, detector):
        found = find_faces(watched, detector, frame_rate=rate, smallest_face=smallest * _SECOND_LOOK_SHARE)
        tracks = link_tracks(found, frame_rate=rate, num_points=watched.num_points)
    width, height = watched.size
    dense = [
        box_path(track, frame_rate=rate, num_points=watched.num_points, width=width, height=height)
        for track in tracks
    ]
    return [path for path in (thin_path(path, factor) for path in dense) if len(path.boxes)]


def _has_small_faces(watched: _Watched, options: PrepareOptions, detector: FaceDetector) -> bool:
    spread = max(1, watched.num_points // _SECOND_LOOK_PICTURES)
    for point in islice(watched, spread // 2, None, spread):
        if len(detector.find(point.shown, options.smallest_face * _SECOND_LOOK_SHARE)):
            return True
    return False
