"""What is around the faces of a video, kept while they are looked for: enough to cut every crop from, later.

Where a face is between two looks is known only at the second of them, and its path is smoothed when all are known.
So pictures wait until they are between looks, and a little more is kept of them than a crop would take there.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from itertools import takewhile

import numpy as np
from jaxtyping import Float

from multimodal.media.crops import crop_area, crop_square
from multimodal.media.faces import Detections
from multimodal.media.reading.parts import KeptParts
from multimodal.media.reading.time_grid import Area, PicturePoint
from multimodal.media.tracks import Track, Tracker

#: Pictures wait up to this size, as RGB; of more the oldest go, whether or not their faces are known.
_WAITING_BYTES = 100e6
#: What is kept beyond a crop on each side, as a share of it: so far smoothing moves most paths.
_SLACK = 0.12
#: A face that was lost is kept where it was last for so long: it is mostly found again, and then passed here.
_LOST_SECONDS = 1.0


class Surroundings:
    """Keeps what is around the faces as the pictures of a video pass.

    Args:
        parts: where it is kept.
        size: tells width and height of the pictures, once the first has passed.
        frame_rate: of the points that pass.
        margin: of the crops, as in ``PrepareOptions``.
        factor: every so many points is one that is cropped.
    """

    def __init__(
        self,
        parts: KeptParts,
        size: Callable[[], tuple[int, int]],
        *,
        frame_rate: float,
        margin: float,
        factor: int = 1,
    ) -> None:
        self._parts, self._size = parts, size
        self._frame_rate, self._margin, self._factor = frame_rate, margin, factor
        self._lost_points = round(_LOST_SECONDS * frame_rate)
        self._waiting: deque[PicturePoint] = deque()
        self._tracker = Tracker(frame_rate)
        self._settled = -1

    def pass_by(self, point: PicturePoint, found: dict[int, Detections]) -> None:
        """Let a point wait; ``found`` are the faces of its shot so far, at each point that was looked at."""
        if point.number % self._factor:
            return
        self._waiting.append(point)
        width, height = self._size()
        most = max(1, int(_WAITING_BYTES / (3 * width * height)))
        if len(self._waiting) > most:
            self.settle(found)
            while len(self._waiting) > most:
                self._waiting.popleft()

    def settle(self, found: dict[int, Detections]) -> None:
        """Keep what is around the faces of the points up to the last that was looked at; they wait no longer."""
        looks = list(takewhile(lambda number: number > self._settled, reversed(found)))
        for number in reversed(looks):
            self._tracker.add(number, found[number])
        self._settled = max(looks, default=self._settled)
        since = self._waiting[0].number - self._lost_points if self._waiting else 0
        tracks = [track for track in self._tracker.tracks if track.indices[-1] >= since]
        while self._waiting and self._waiting[0].number <= self._settled:
            point = self._waiting.popleft()
            boxes = [_box_at(track, point.number, self._lost_points) for track in tracks]
            areas = [self._area(box) for box in boxes if box is not None]
            self._parts.keep(point.number // self._factor, point, areas)

    def end_shot(self, found: dict[int, Detections]) -> None:
        """Keep what is around the faces of all that waits; what comes is another shot."""
        self.settle(found)
        self._waiting.clear()
        self._tracker = Tracker(self._frame_rate)

    def _area(self, box: Float[np.ndarray, " 4"]) -> Area:
        width, height = self._size()
        x, y, side = crop_square(box, margin=self._margin, width=width, height=height)
        more = _SLACK * side
        return crop_area((x - more, y - more, side + 2 * more), width=width, height=height)


def _box_at(track: Track, number: int, lost_points: int) -> Float[np.ndarray, " 4"] | None:
    """Where a face is at a point between its first and last sighting, or was before it was lost."""
    if not track.indices[0] <= number <= track.indices[-1] + lost_points:
        return None
    after = bisect_left(track.indices, number)
    if after == len(track.indices):
        return track.boxes[-1]
    if track.indices[after] == number:
        return track.boxes[after]
    first, last = track.indices[after - 1 : after + 1]
    share = (number - first) / (last - first)
    return track.boxes[after - 1] * (1 - share) + track.boxes[after] * share
