"""A file prepared a window at a time, in a process of its own: what judging needs, however long the file is.

All crops of one face in an hour of video are 13 GB. So the faces are found first, which keeps their boxes alone,
and then the file is decoded once more (a short one is not) and each window goes as soon as its last crop is cut.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16, UInt8

from multimodal.labels import Media
from multimodal.media.crops import as_stored
from multimodal.media.faces import FaceDetector, create_detector, detector_module
from multimodal.media.isolation import IsolatedWorkers, Limits, comes_on
from multimodal.media.prepare import Preparation, crops_together, prepare_file
from multimodal.media.prepared import PreparedClip, PrepareOptions, num_grid_points, sample_span
from multimodal.media.reading.sound import Silence, measure_silence
from multimodal.processes import give_memory_back

#: First frame and last-plus-one of each window of a clip, from its number of frames and the silence at its ends.
CutWindows = Callable[[int, Silence | None], Sequence[tuple[int, int]]]
#: A longer sound is shown by its lowest and highest sample of every so many. All faces of a film share so many
#: samples, and its first so many crops to look at, of which those that are seen longest and largest have one, and
#: their sound. A page draws the figures of far fewer.
_SHOWN_SAMPLES, _LEAST_SHOWN_SAMPLES = 2**21, 2000
_MOST_LOOKS = 100
#: What is kept around faces, of which preparing keeps twice as much: a detector needs memory beside it.
KEEP_BYTES = 100 * 2**20
#: Of one file, where nobody says otherwise.
DEFAULT_LIMITS = Limits(seconds=600.0, memory_bytes=4 * 2**30)

Crop = UInt8[np.ndarray, "size size 3"]


class Asked(NamedTuple):
    """A file, how windows are cut out of its clips, and how many crops of each are wanted to look at."""

    path: Path
    media: Media
    cut: CutWindows
    num_thumbnails: int


@dataclass(frozen=True, kw_only=True)
class FaceFound:
    """One face of a file, or its sound alone, before any window of it.

    ``clip`` tells all but frames and sound; ``sound`` is what can be drawn of it, with its own ``sound_rate``.
    """

    clip: PreparedClip
    num_frames: int
    has_picture: bool
    sound: Float[np.ndarray, " samples"] | None
    sound_rate: float


class Window(NamedTuple):
    """The next window of a face, by its number among those found."""

    face: int
    clip: PreparedClip


class Looks(NamedTuple):
    """Crops of a face to look at, by their places among its frames."""

    face: int
    crops: dict[int, Crop]


Piece = list[FaceFound] | Window | Looks


class IsolatedPreparer:
    """Prepares files in a process that starts with the first one and serves them all.

    Args:
        options: how clips are prepared.
        limits: a file that exceeds them is given up.
    """

    def __init__(self, options: PrepareOptions, limits: Limits = DEFAULT_LIMITS) -> None:
        self._workers: IsolatedWorkers[Asked, Piece] = IsolatedWorkers(
            partial(_preparing, options),
            workers=1,
            limits=limits,
            preload=(__name__, detector_module(options.face_detector)),
        )

    def end(self) -> None:
        """Let the process end, which holds some hundred megabytes; the next file starts another."""
        self._workers.end()

    def pieces(self, asked: Asked) -> Iterator[Piece]:
        """The faces of a file, the main one first, then their windows as they come, and crops to look at.

        Raises ``MediaError``, also where the process died of the file; what came before it stands.
        """
        for outcome in self._workers.run([asked]):
            if outcome.failure is not None:
                raise outcome.failure
            if outcome.result is not None:
                yield outcome.result


@contextmanager
def _preparing(options: PrepareOptions) -> Iterator[Callable[[Asked], Iterator[Piece]]]:
    detector = create_detector(options.face_detector)  # what is loaded now does not count as the file's
    yield partial(pieces_of, options=options, detector=detector)


def pieces_of(asked: Asked, *, options: PrepareOptions, detector: FaceDetector) -> Iterator[Piece]:
    """What :meth:`IsolatedPreparer.pieces` gives, in this process."""
    path = asked.path
    found = prepare_file(
        path,
        path.name,
        options,
        media=asked.media,
        detector=detector,
        comes_on=comes_on,
        keep_bytes=KEEP_BYTES,
    )
    give_memory_back()  # of the search; judging, in another process, needs it now
    most = max(_SHOWN_SAMPLES // len(found), _LEAST_SHOWN_SAMPLES)
    yield [_described(one, most if number < _MOST_LOOKS else None) for number, one in enumerate(found)]
    looks = min(asked.num_thumbnails, max(_MOST_LOOKS // len(found), 1))
    some, none = (asked._replace(num_thumbnails=count) for count in (looks, 0))
    cutters = [_Cutter(number, one, some if number < _MOST_LOOKS else none) for number, one in enumerate(found)]
    for cutter in cutters:
        if cutter.preparation.track is None:
            yield from cutter.sound_alone()
    for number, crop in crops_together(found):
        yield from cutters[number].take(as_stored(crop, options))
        if cutters[number].is_done:
            give_memory_back()  # between what stays of each face, whatever went was kept: 0.2 GB in an hour


def _length(preparation: Preparation) -> int:
    if preparation.track is not None:
        return len(preparation.track.boxes)
    num_samples = 0 if preparation.waveform is None else len(preparation.waveform)
    return num_grid_points(num_samples, preparation.options.frame_rate, preparation.options.sample_rate)


def _described(preparation: Preparation, most_samples: int | None) -> FaceFound:
    """What is known before the first window; ``most_samples`` of its sound can be drawn, None for none."""
    sound, rate = None, float(preparation.options.sample_rate)
    if preparation.waveform is not None and most_samples is not None:
        sound, rate = _shown(preparation.waveform, rate, most_samples)
    return FaceFound(
        clip=replace(preparation, track=None, waveform=None).collect(),
        num_frames=_length(preparation),
        has_picture=preparation.track is not None,
        sound=sound,
        sound_rate=rate,
    )


def _shown(
    samples: Int16[np.ndarray, " samples"], rate: float, most_samples: int
) -> tuple[Float[np.ndarray, " samples"], float]:
    """A sound as it is drawn: of a long one the extremes of every stretch, in turn."""
    stretch = 2 * (len(samples) // most_samples)
    if stretch > 2:
        stretches = samples[: len(samples) // stretch * stretch].reshape(-1, stretch)
        samples = np.stack([stretches.min(axis=1), stretches.max(axis=1)], axis=1).ravel()
        rate = rate * 2 / stretch
    return samples.astype(np.float32) / 2**15, rate


class _Cutter:
    """Collects the crops of a face until a window is complete, and drops those that no later window shows."""

    def __init__(self, number: int, preparation: Preparation, asked: Asked) -> None:
        self.preparation = preparation
        self._number = number
        self._length = _length(preparation)
        sound, rate = preparation.waveform, preparation.options.sample_rate
        self._windows = list(asked.cut(self._length, None if sound is None else measure_silence(sound, rate)))[
            ::-1
        ]
        places = np.linspace(0, max(0, self._length - 1), asked.num_thumbnails).round()
        self._looked_at = {int(place) for place in places}
        self._looks: dict[int, Crop] = {}
        self._crops: dict[int, Crop] = {}
        self._count = 0

    @property
    def is_done(self) -> bool:
        """Whether the last crop was taken."""
        return self._count == self._length

    def sound_alone(self) -> Iterator[Window]:
        """All windows of a clip without a face."""
        return (self._window(first, end, None) for first, end in reversed(self._windows))

    def take(self, crop: Crop) -> Iterator[Window | Looks]:
        """Windows that end with the next crop; after the last one the crops to look at."""
        place, self._count = self._count, self._count + 1
        if place in self._looked_at:
            self._looks[place] = crop
        if self._windows and place >= self._windows[-1][0]:
            self._crops[place] = crop
        while self._windows and self._windows[-1][1] <= self._count:
            first, end = self._windows.pop()
            yield self._window(first, end, np.stack([self._crops[place] for place in range(first, end)]))
            until = self._windows[-1][0] if self._windows else self._length
            self._crops = {place: crop for place, crop in self._crops.items() if place >= until}
        if self.is_done:
            looks, self._looks = self._looks, {}  # nobody here holds them after
            yield Looks(self._number, looks)

    def _window(self, first: int, end: int, frames: UInt8[np.ndarray, "time size size 3"] | None) -> Window:
        options, sound, track = self.preparation.options, self.preparation.waveform, self.preparation.track
        begin, stop = sample_span(first, end - first, options.frame_rate, options.sample_rate)
        clip = PreparedClip(
            clip_id=self.preparation.clip_id,
            frame_rate=options.frame_rate,
            sample_rate=options.sample_rate,
            frames=frames,
            boxes=None if track is None else track.boxes[first:end],
            waveform=None if sound is None else sound[begin:stop].astype(np.float32) / 2**15,
            start_seconds=self.preparation.start_seconds + first / options.frame_rate,
        )
        return Window(self._number, clip)
