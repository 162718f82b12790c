"""Searching a clip for faces: whole pictures every second or two, and what was found is followed in between.

Detection in a whole picture costs several times as much as decoding it (MTCNN on a CPU: 600 ms at 1920x1080),
following a known face a thousandth of a second. So few pictures are looked at whole, reduced, and the known faces
are followed at full size: often where they move, seldom where they do not. No face is followed across a cut.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from multimodal.media.around import Surroundings
from multimodal.media.cuts import in_shots
from multimodal.media.faces import Detections, FaceDetector, Picture, merge_found, unlike
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.parts import KeptParts, PictureParts
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import Area, OnGrid, PicturePoint, ToSee
from multimodal.media.reading.with_decord import DecordRefusedError
from multimodal.media.tracks import BoxPath, Track, Tracker, box_path, link_tracks, thin_path

#: Where faces are known and none was lost, the whole picture may wait longer: who came since is followed back.
_WHOLE_SECONDS, _WHOLE_SECONDS_KNOWN = 1.0, 2.0
#: A face that was lost is looked for at once if the last whole look was so long ago.
_AGAIN_SECONDS = 0.5
#: A face that was lost is also looked for where it should be.
_PATIENCE_SECONDS = 0.3
_FOLLOW_SECONDS = 0.4
#: Pictures kept to follow faces backwards in; of more, every other one is let go.
_RECENT_BYTES = 150e6


class FacesAt(NamedTuple):
    """What was found at one point of the time grid, in pixels of the full picture, and the number of its shot."""

    number: int
    faces: Detections
    shot: int = 0


def find_faces(
    pictures: Iterable[PicturePoint],
    detector: FaceDetector,
    *,
    frame_rate: float,
    smallest_face: float,
    around: Surroundings | None = None,
) -> list[FacesAt]:
    """Look at the pictures of a clip where it is needed; about 250 MB of them are in memory at a time.

    The whole picture is searched where a shot begins and where it ends (unless that was just done), every second
    (two while all faces are known) and where a face was lost, if the last search was half a second ago (else that
    long after it, or a second while others are left). The faces known so far are followed from one to the next at
    most 0.4 s apart, and one that comes to light only in a whole picture is followed backwards to the one before.
    ``around`` keeps what is around them.

    Returns:
        What was found at each picture looked at, in order of time; possibly nothing at some.
    """
    found: list[FacesAt] = []
    for shot, points in groupby(in_shots(pictures, frame_rate), key=lambda at: at.shot):
        search: _Search | None = None
        for point, _, is_last, is_black in points:
            if is_black:  # a face that can be made out as it fades would be taken for one behind the black
                continue
            search = search or _Search(detector, frame_rate, smallest_face, point.number, around)
            search.pass_by(point)
            if is_last:
                search.look_at_end(point)
                if around is not None:
                    around.end_shot(search.found)
                found += [FacesAt(number, search.found[number], shot) for number in sorted(search.found)]
    return found


class _Search:
    """Goes along the time grid of a shot and decides at each point whether to look, and how closely."""

    def __init__(
        self,
        detector: FaceDetector,
        frame_rate: float,
        smallest_face: float,
        first: int,
        around: Surroundings | None,
    ) -> None:
        self.found: dict[int, Detections] = {}
        self._detector = detector
        self._smallest_face = smallest_face
        self._around = around
        self._tracker = Tracker(frame_rate)
        self._whole_step, self._known_step, self._again_step, self._longest_step = (
            max(1, round(seconds * frame_rate))
            for seconds in (_WHOLE_SECONDS, _WHOLE_SECONDS_KNOWN, _AGAIN_SECONDS, _FOLLOW_SECONDS)
        )
        self._last_whole = self._next_whole = self._next_follow = first
        self._patience = max(1, round(_PATIENCE_SECONDS * frame_rate))
        self._recent: list[PicturePoint] = []

    def pass_by(self, point: PicturePoint) -> None:
        """Look at a point if it is time."""
        if self._around is not None:
            self._around.pass_by(point, self.found)
        if point.number >= self._next_whole:
            self._look_whole(point)
        elif point.number >= self._next_follow:
            self._follow(point)

    def look_at_end(self, point: PicturePoint) -> None:
        """Look at the last picture of a shot: at all of it, unless who came since would be seen too briefly."""
        if point.number in self.found:
            return
        if point.number < self._last_whole + self._longest_step and len(self.found[self._last_whole]):
            self._follow(point)
        else:
            self._look_whole(point)

    def _follow(self, point: PicturePoint) -> None:
        picture = point.shown  # asked for where nobody is known too: a face may be followed back to here
        expected = self._tracker.expected(point.number, self._patience)
        faces = self._detector.follow(picture, expected) if len(expected) else np.zeros((0, 5))
        if self._tracker.loses(point.number, faces):
            if point.number >= self._last_whole + self._again_step:
                self._look_whole(point)
                return
            wait = self._whole_step if len(faces) else self._again_step
            self._next_whole = min(self._next_whole, self._last_whole + wait)
        self._recent.append(point)
        if sum(recent.shown.nbytes for recent in self._recent) > _RECENT_BYTES:
            self._recent = self._recent[::2]
        self._note(point, faces)

    def _look_whole(self, point: PicturePoint) -> None:
        faces = self._detector.find(point.shown, self._smallest_face)
        missing = unlike(self._tracker.expected(point.number, self._patience), faces)
        if len(missing):
            faces = merge_found(faces, self._detector.follow(point.shown, missing))
        self._look_back(faces)
        self._recent = [point]
        self._last_whole = point.number
        is_calm = len(faces) > 0 and not self._tracker.loses(point.number, faces)
        self._next_whole = point.number + (self._known_step if is_calm else self._whole_step)
        self._note(point, faces)
        if self._around is not None:  # nobody is followed back beyond this
            self._around.settle(self.found)

    def _look_back(self, faces: Detections) -> None:
        """Follow faces that are new here backwards to the last whole picture."""
        for earlier in reversed(self._recent):
            known = self.found[earlier.number]
            faces = unlike(faces, known)
            if not len(faces):
                return
            faces = self._detector.follow(earlier.shown, faces[:, :4])
            self.found[earlier.number] = merge_found(known, faces)

    def _note(self, point: PicturePoint, faces: Detections) -> None:
        self.found[point.number] = faces
        self._tracker.add(point.number, faces)
        restful = self._tracker.restful_points()
        step = 1 if restful is None else restful  # of a face just found nobody knows how fast it is
        self._next_follow = point.number + int(min(max(step, 1), self._longest_step))


# Going through a video (or one image) once, to find the faces in it.


#: Where no face is found, this many pictures are looked at again, for faces so much smaller.
_SECOND_LOOK_PICTURES = 8
_SECOND_LOOK_SHARE = 0.5
#: Where the detector is less sure of the main face than this, or finds none, a few pictures are turned, and faces
#: so much larger than the smallest are looked for in them: what lies on its side was filmed with a phone.
_STANDS, _SURER, _TURNED_PICTURES, _LARGE = 0.97, 0.02, 5, 2.0
#: Quarters that a picture is turned by, against the clock, and how that is told.
_TURNS = {
    quarters: f"faces stand upright only when the picture is turned by {way}: it is turned"
    for quarters, way in ((1, "90 degrees to the left"), (3, "90 degrees to the right"), (2, "180 degrees"))
}
#: Pictures a second that a face is followed through, at least.
_FOLLOW_RATE = 10.0
_COMES_ON_POINTS = 500


class Seen(NamedTuple):
    """What looking through a video told: the faces, the main one first, and parts of the time grid's pictures.

    ``start_seconds`` is the time of the first picture on the clock of the file, ``size`` width and height in
    pixels, ``reader_note`` why decord did not read it, ``picture_note`` that and how pictures were turned.
    """

    parts: PictureParts
    start_seconds: float
    num_points: int
    size: tuple[int, int]
    tracks: list[BoxPath]
    reader: str
    reader_note: str | None = None
    picture_note: str | None = None


def look_through(
    path: Path,
    info: MediaInfo,
    options: PrepareOptions,
    detector: FaceDetector,
    comes_on: Callable[[], None] = lambda: None,
    keep_bytes: int | None = None,
) -> Seen:
    """Decode a video once and find its faces; ``MediaError`` (stage "decode") if it holds no frame.

    ``comes_on`` is called every :data:`_COMES_ON_POINTS` points of the grid; ``keep_bytes`` are kept of what is
    around the faces.
    Faces are followed on a denser grid where crops are so far apart that a face could be lost between them.
    """
    pictures = VideoPictures(path, info, options.frame_rate, options.max_seconds)
    factor = max(1, math.ceil(_FOLLOW_RATE / options.frame_rate))
    watched = _Watched(lambda: pictures.densely(factor), comes_on, keep_bytes)
    try:
        tracks = _find_tracks(watched, options, detector, factor)
    except DecordRefusedError as error:
        pictures.give_up_decord(str(error))
        tracks = _find_tracks(watched, options, detector, factor)
    return Seen(
        PictureParts(watched.turned(pictures), watched.kept),
        watched.start_seconds,
        -(-watched.num_points // factor),
        watched.size,
        tracks,
        pictures.reader,
        pictures.reader_note,
        "; ".join(filter(None, (pictures.picture_note, _TURNS.get(watched.quarters)))) or None,
    )


def look_at(picture: Picture, options: PrepareOptions, detector: FaceDetector) -> Seen:
    """Find the faces of one still image."""
    pictures = [OnGrid(0, picture, 0.0)]
    watched = _Watched(lambda: pictures)
    tracks = _find_tracks(watched, options, detector, 1)
    note = _TURNS.get(watched.quarters)
    return Seen(
        PictureParts(watched.turned(pictures), watched.kept),
        0.0,
        1,
        watched.size,
        tracks,
        "pillow",
        picture_note=note,
    )


class _Watched:
    """Passes pictures on, turned as they should be, and notes the first time, size and number.

    ``kept`` is what was kept of them.
    """

    def __init__(
        self,
        pictures: Callable[[], Iterable[PicturePoint]],
        comes_on: Callable[[], None] = lambda: None,
        keep_bytes: int | None = None,
    ) -> None:
        self._pictures, self._comes_on, self._keep_bytes = pictures, comes_on, keep_bytes
        self.start_seconds = 0.0
        self.num_points = 0
        self.size = (0, 0)
        self.quarters = 0
        self.keep_anew()

    def keep_anew(self) -> None:
        """Forget what was kept so far."""
        self.kept = KeptParts(self._keep_bytes)

    def turned(self, pictures: Iterable[PicturePoint]) -> Iterable[PicturePoint]:
        """Pictures of the same video, turned as these are."""
        return _Turned(pictures, self.quarters) if self.quarters else pictures

    def __iter__(self) -> Iterator[PicturePoint]:
        for point in self.turned(self._pictures()):
            if point.number == 0:
                self.start_seconds = point.since_seconds
                self.size = (point.shown.shape[1], point.shown.shape[0])
            self.num_points = point.number + 1
            if point.number % _COMES_ON_POINTS == _COMES_ON_POINTS - 1:
                self._comes_on()
            yield point


class _Turned:
    """Pictures turned by quarters of a circle, against the clock."""

    def __init__(self, pictures: Iterable[PicturePoint], quarters: int) -> None:
        self._pictures, self._quarters = pictures, quarters

    def __iter__(self) -> Iterator[PicturePoint]:
        for point in self._pictures:
            yield ToSee(point.number, point.since_seconds, partial(_turn, point, self._quarters))


def _turn(point: PicturePoint, quarters: int) -> Picture:
    return np.ascontiguousarray(np.rot90(point.shown, quarters))


def _find_tracks(watched: _Watched, options: PrepareOptions, detector: FaceDetector, factor: int) -> list[BoxPath]:
    watched.quarters = 0
    watched.keep_anew()
    if options.crops == "as-they-are":
        return [_whole_pictures(watched, factor)]
    rate, smallest = options.frame_rate * factor, float(options.smallest_face)

    def follow(smallest: float) -> list[Track]:
        watched.keep_anew()
        around = Surroundings(
            watched.kept, lambda: watched.size, frame_rate=rate, margin=options.margin, factor=factor
        )
        found = find_faces(watched, detector, frame_rate=rate, smallest_face=smallest, around=around)
        return link_tracks(found, frame_rate=rate, num_points=watched.num_points)

    tracks = follow(smallest)
    if not tracks and _has_small_faces(watched, options, detector):
        tracks = follow(smallest * _SECOND_LOOK_SHARE)
    tracks = _turned_tracks(tracks, watched, options, detector, lambda: follow(smallest))
    width, height = watched.size
    dense = [box_path(track, frame_rate=rate, width=width, height=height) for track in tracks]
    return [path for path in (thin_path(path, factor) for path in dense) if len(path.boxes)]


def _whole_pictures(watched: _Watched, factor: int) -> BoxPath:
    """The whole picture at every point, of media that are cropped already; cuts are not looked for."""
    count = 0
    for point in watched:
        if point.number % factor == 0:
            watched.kept.keep(count, point, [Area(0, 0, *watched.size)])
            count += 1
    return BoxPath(0, np.tile(np.array([0.0, 0.0, *watched.size]), (count, 1)))


def _turned_tracks(
    tracks: list[Track],
    watched: _Watched,
    options: PrepareOptions,
    detector: FaceDetector,
    follow: Callable[[], list[Track]],
) -> list[Track]:
    """The faces of a video that lies on its side or its head, once it is turned; else those that are known.

    MTCNN finds such faces too, but is less sure of them: of those that stand 0.99 and more on average, of others
    0.96 at most. So only where it is not sure a few pictures are turned, and large faces looked for in them.
    """
    sure = tracks[0].mean_probability if tracks else 0.0
    if sure >= _STANDS:
        return tracks
    spread = max(1, watched.num_points // _TURNED_PICTURES)
    points = [point.shown for point in islice(watched, spread // 2, None, spread)]
    stands = _sureness(points, 0, options, detector)
    for quarters in _TURNS:
        turned = _sureness(points, quarters, options, detector)
        if turned.share > 0.5 and turned.surest >= _STANDS and turned.mean > stands.mean + _SURER:
            size, watched.quarters = watched.size, quarters
            kept, better = watched.kept, follow()
            if better and better[0].mean_probability > sure:
                return better
            watched.size, watched.quarters, watched.kept = size, 0, kept
            break
    return tracks


class _Sureness(NamedTuple):
    """Share of pictures that show a face, how sure the surest face of those is, and that over all pictures."""

    share: float
    surest: float
    mean: float


def _sureness(points: list[Picture], quarters: int, options: PrepareOptions, detector: FaceDetector) -> _Sureness:
    found = [
        detector.find(np.ascontiguousarray(np.rot90(one, quarters)), _LARGE * options.smallest_face)
        for one in points
    ]
    surest = [float(faces[:, 4].max()) for faces in found if len(faces)]
    share = len(surest) / max(1, len(points))
    return _Sureness(share, sum(surest) / max(1, len(surest)), sum(surest) / max(1, len(points)))


def _has_small_faces(watched: _Watched, options: PrepareOptions, detector: FaceDetector) -> bool:
    spread = max(1, watched.num_points // _SECOND_LOOK_PICTURES)
    for point in islice(watched, spread // 2, None, spread):
        if len(detector.find(point.shown, options.smallest_face * _SECOND_LOOK_SHARE)):
            return True
    return False
