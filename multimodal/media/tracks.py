"""Faces found at key frames, linked into tracks: one face followed through a clip."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import correlate1d
from scipy.optimize import linear_sum_assignment

from multimodal.media.faces import box_area, pairwise_iou

#: A face not seen for so long is another track when it comes back.
_MAX_GAP_SECONDS = 1.5
#: A track is a face if its detections are this sure on average; each of them is surer than MTCNN's own 0.7, and
#: a dark or half-covered face may stay near 0.85 as long as it is seen.
_SURE_PROBABILITY = 0.8
_SHORTEST_SECONDS = 0.4
#: Boxes are smoothed over so long by parabolas, which keep a steady or a turning motion as it is.
_SMOOTHING_SECONDS = 0.44
#: A sighting of a calm face is steadied by so many around it, itself among them; sides change less than places do.
#: A face is calm where it is seen so seldom: one that turns is seen more often, and smoothed enough.
_STEADY_MIDDLES, _STEADY_SIDES, _CALM_SECONDS = 4, 9, 0.15
#: A face is looked at no oftener than this because it left its line: so much is the detector's own trembling.
_TREMBLING_SECONDS = 0.1
#: What a face may be off the line between two sightings, and move between them, as shares of its size.
_OFF_LINE, _MOVED, _MOVED_UNKNOWN = 0.02, 0.5, 0.1
_STEADY_SIGHTINGS = 3
#: A detection is the face of a track if it overlaps where the face is expected by so much, or is no further from
#: there, or from where it was last, than so many sizes of the face: it may move fast, or turn back.
_LINK_IOU = 0.2
_LINK_DISTANCE = 0.75


@dataclass
class Track:
    """Detections of one face: points of the time grid, boxes in pixels and probabilities, in order of time."""

    indices: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)

    def add(self, index: int, face: Float[np.ndarray, " 5"]) -> None:
        """Append a detection."""
        self.indices.append(index)
        self.boxes.append(face[:4])
        self.probabilities.append(float(face[4]))

    @property
    def mean_probability(self) -> float:
        """How sure the detector was on average."""
        return float(np.mean(self.probabilities))

    def expected_box(self, index: int) -> Float[np.ndarray, " 4"]:
        """Where the face would be if it went on as it last moved; so faces that cross keep their tracks."""
        if len(self.indices) < 2:
            return self.boxes[-1]
        steps = self.indices[-1] - self.indices[-2]
        shift = self._shift()
        return self.boxes[-1] + np.concatenate([shift, shift]) * min(index - self.indices[-1], 2 * steps)

    def restful_points(self, trembling: float) -> float | None:
        """How many points of the grid the face can be left alone; None if it was seen once.

        Until a straight line to the next sighting would miss it by 2 % of its size, judged by how far it last came
        from where it was expected, but at least ``trembling`` points; no longer than it takes to move by half of
        its size, and than twice as long as it was left alone before. Of a face seen twice nobody knows how it
        turns: until it moves by a tenth.
        """
        if len(self.indices) < 2:
            return None
        size = max(float(np.sqrt(box_area(self.boxes[-1]))), 1e-9)
        speed = max(float(np.linalg.norm(self._shift())) / size, 1e-6)
        if len(self.indices) < 3:
            return _MOVED_UNKNOWN / speed
        first, second, third = (_centres(box) for box in self.boxes[-3:])
        before, steps = self.indices[-2] - self.indices[-3], self.indices[-1] - self.indices[-2]
        missed = float(np.linalg.norm(third - second - (second - first) * steps / before)) / size
        straight = steps * np.sqrt(8 * _OFF_LINE / max(missed, 1e-6))
        return min(max(straight, trembling), _MOVED / speed, 2.0 * steps)

    def _shift(self) -> Float[np.ndarray, " 2"]:
        """Pixels that the middle moved a point of the grid."""
        moved = self.boxes[-1] - self.boxes[-2]
        return (moved[:2] + moved[2:]) / 2 / (self.indices[-1] - self.indices[-2])


@dataclass(frozen=True)
class BoxPath:
    """A face at every point of the time grid from ``first`` on: where it was seen, or between two sightings."""

    first: int
    boxes: Float[np.ndarray, "time 4"]


class Tracker:
    """Links detections into tracks by overlap and distance as they come, in order of time."""

    def __init__(self, frame_rate: float) -> None:
        self.tracks: list[Track] = []
        self._max_gap = _MAX_GAP_SECONDS * frame_rate
        self._trembling = round(_TREMBLING_SECONDS * frame_rate)
        self._last = 0

    def add(self, index: int, faces: Float[np.ndarray, "faces 5"]) -> None:
        """Take the faces found at one point of the grid."""
        alive = [track for track in self.tracks if index - track.indices[-1] <= self._max_gap]
        taken = set()
        for row, column in _assign(alive, index, faces[:, :4], self._max_gap):
            alive[row].add(index, faces[column])
            taken.add(column)
        for column in range(len(faces)):
            if column not in taken:
                self.tracks.append(Track())
                self.tracks[-1].add(index, faces[column])
        self._last = index

    def expected(self, index: int, patience: int = 0) -> Float[np.ndarray, "faces 4"]:
        """Where the faces seen at the last point, or ``patience`` points before it, should be at this one."""
        recent = [track for track in self.tracks if track.indices[-1] >= self._last - patience]
        boxes = [track.expected_box(index) for track in recent]
        return np.stack(boxes) if boxes else np.zeros((0, 4))

    def loses(self, index: int, faces: Float[np.ndarray, "faces 5"]) -> bool:
        """Whether one that was seen at the last point would be none of these faces.

        Those seen only once or twice do not count if any face is left: tiny ones come and go all the time.
        """
        seen = self._seen_last()
        if not len(faces):
            return len(seen) > 0
        steady = [track for track in seen if len(track.indices) >= _STEADY_SIGHTINGS]
        return len(_assign(steady, index, faces[:, :4], self._max_gap)) < len(steady)

    def restful_points(self) -> float | None:
        """How many points of the grid all faces can be left alone; None if one is new."""
        each = [track.restful_points(self._trembling) for track in self._seen_last()]
        known = [points for points in each if points is not None]
        return min(known, default=math.inf) if len(known) == len(each) else None

    def _seen_last(self) -> list[Track]:
        return [track for track in self.tracks if track.indices[-1] == self._last]


def link_tracks(
    found: Iterable[tuple[int, np.ndarray, int]], *, frame_rate: float, num_points: int
) -> list[Track]:
    """Link detections (number of the point, its faces, its shot) and sort: most time on screen times size first.

    A track ends with its shot. Tracks that are short (under 0.4 s, unless the clip is) or unsure (mean probability
    under 0.8) are dropped.
    """
    trackers: defaultdict[int, Tracker] = defaultdict(partial(Tracker, frame_rate))
    for index, faces, shot in found:
        trackers[shot].add(index, faces)
    shortest = min(_SHORTEST_SECONDS * frame_rate, num_points) - 1
    tracks = chain.from_iterable(tracker.tracks for tracker in trackers.values())
    kept = [track for track in tracks if _length(track) >= shortest and _is_sure(track)]
    return sorted(kept, key=_time_times_size, reverse=True)


def box_path(track: Track, *, frame_rate: float, width: int, height: int) -> BoxPath:
    """Boxes from the first sighting to the last: each steadied by those around it, linear in between, smoothed.

    Boxes lie inside the picture of ``width`` by ``height`` pixels.
    """
    points = np.arange(track.indices[0], track.indices[-1] + 1)
    corners = _steadied(np.array(track.indices), np.stack(track.boxes), frame_rate)
    raw = np.stack([np.interp(points, track.indices, corners[:, side]) for side in range(4)], axis=1)
    inside = np.clip(_smooth(raw, frame_rate), 0, np.array([width, height, width, height]))
    return BoxPath(track.indices[0], inside)


def _steadied(
    indices: Int[np.ndarray, " sightings"], boxes: Float[np.ndarray, "sightings 4"], frame_rate: float
) -> Float[np.ndarray, "sightings 4"]:
    """Sightings without much of the detector's trembling, which differs when the same clip is coded anew.

    Of a face of 213 pixels, copies of a clip at other rates gave boxes 13 pixels apart at most and 2.2 on average;
    now 7 and 1.5.
    """
    middles = _local_lines(indices, (boxes[:, :2] + boxes[:, 2:]) / 2, nearest=_STEADY_MIDDLES)
    halves = _local_lines(indices, (boxes[:, 2:] - boxes[:, :2]) / 2, nearest=_STEADY_SIDES)
    first, last = (np.clip(np.arange(len(indices)) + step, 0, len(indices) - 1) for step in (-2, 2))
    is_calm = indices[last] - indices[first] >= _CALM_SECONDS * frame_rate * (last - first)
    return np.where(is_calm[:, None], np.concatenate([middles - halves, middles + halves], axis=1), boxes)


def _local_lines(
    times: Int[np.ndarray, " n"], values: Float[np.ndarray, "n columns"], *, nearest: int
) -> Float[np.ndarray, "n columns"]:
    """Each value moved onto a line through those around it, weighted by tricubes of distance (Cleveland 1979).

    The weights reach to the ``nearest``-th value.
    """
    places = np.arange(len(times))[:, None] + np.arange(-nearest, nearest + 1)
    is_there = (places >= 0) & (places < len(times))
    places = places.clip(0, len(times) - 1)
    offsets = (times[places] - times[:, None]).astype(float)
    distances = np.where(is_there, np.abs(offsets), np.inf)
    farthest = np.sort(distances, axis=1)[:, min(nearest, len(times)) - 1]
    shares = distances / (1e-9 + np.maximum(farthest, 1))[:, None]
    weights = (1 - np.minimum(shares, 1) ** 3) ** 3
    weights /= weights.sum(axis=1, keepdims=True)
    offsets -= (weights * offsets).sum(axis=1, keepdims=True)
    slopes = np.einsum("nk,nkc->nc", weights * offsets, values[places])
    slopes /= np.maximum((weights * offsets**2).sum(axis=1, keepdims=True), 1e-9)
    here = offsets[:, nearest : nearest + 1]
    return np.einsum("nk,nkc->nc", weights, values[places]) + slopes * here


def thin_path(path: BoxPath, factor: int) -> BoxPath:
    """The same face on a grid of every ``factor``-th point; without boxes if it is at none of them.

    >>> thin_path(BoxPath(3, np.zeros((10, 4))), 4).first
    1
    """
    first = -(-path.first // factor)
    return BoxPath(first, path.boxes[first * factor - path.first :: factor])


def _smooth(boxes: Float[np.ndarray, "time 4"], frame_rate: float) -> Float[np.ndarray, "time 4"]:
    """Savitzky and Golay's filter (1964) over the odd number of points nearest to the time; at most all.

    ``scipy.signal``, which has it, imports SciPy's statistics: 20 MB of every process that prepares media.
    """
    window = 2 * int(_SMOOTHING_SECONDS * frame_rate / 2) + 1
    window = min(window, len(boxes) - 1 + len(boxes) % 2)
    if window <= 3:
        return boxes
    half = window // 2
    powers = np.vander(np.linspace(-1, 1, window), 3)
    parabola = powers @ np.linalg.pinv(powers)  #: from the values of a window to those of the parabola through it
    smooth: np.ndarray = correlate1d(boxes, parabola[half], axis=0, mode="constant")
    smooth[:half], smooth[-half:] = parabola[:half] @ boxes[:window], parabola[-half:] @ boxes[-window:]
    return smooth


def _assign(
    tracks: list[Track], index: int, boxes: Float[np.ndarray, "faces 4"], max_gap: float
) -> list[tuple[int, int]]:
    if not tracks or not len(boxes):
        return []
    expected = np.stack([track.expected_box(index) for track in tracks])
    overlap, distance = pairwise_iou(expected, boxes), _distance(expected, boxes)
    from_last = _distance(np.stack([track.boxes[-1] for track in tracks]), boxes)  # it may have turned back
    is_near = (overlap >= _LINK_IOU) | (np.minimum(distance, from_last) <= _LINK_DISTANCE)
    sizes = np.sqrt(box_area(expected))[:, None], np.sqrt(box_area(boxes))[None]
    ratio = np.minimum(*sizes) / np.maximum(np.maximum(*sizes), 1e-9)
    possible = is_near & (ratio >= 0.5)
    # Of two tracks that could be meant, the one seen a moment ago is likelier than one long out of sight.
    waited = np.array([index - track.indices[-1] for track in tracks])[:, None] / max_gap
    rows, columns = linear_sum_assignment(np.where(possible, distance - overlap + waited / 2, 1e3))
    return [(row, column) for row, column in zip(rows, columns, strict=True) if possible[row, column]]


def _distance(ones: Float[np.ndarray, "n 4"], others: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Between the middles of each two boxes, as a share of the larger's size."""
    sizes = np.sqrt(box_area(ones))[:, None], np.sqrt(box_area(others))[None]
    distance = np.linalg.norm(_centres(ones)[:, None] - _centres(others)[None], axis=-1)
    return distance / np.maximum(np.maximum(*sizes), 1e-9)


def _centres(boxes: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n 2"]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _length(track: Track) -> int:
    return track.indices[-1] - track.indices[0]


def _is_sure(track: Track) -> bool:
    return track.mean_probability >= _SURE_PROBABILITY


def _time_times_size(track: Track) -> float:
    return (_length(track) + 1) * float(np.mean(box_area(np.stack(track.boxes))))
