"""One media file to face crops and waveform: the functions that ``prepare`` and ``predict`` share."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Int16, UInt8

from multimodal.labels import Media
from multimodal.media.crops import Square, as_stored, crop_area, crop_part, crop_square
from multimodal.media.errors import MediaError
from multimodal.media.faces import FaceDetector, create_detector
from multimodal.media.prepared import PreparedClip, PrepareOptions, sample_span
from multimodal.media.reading.frame_folder import probe_clip, sound_file
from multimodal.media.reading.images import read_image
from multimodal.media.reading.parts import PictureParts
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.sound import THRESHOLD as SILENCE_THRESHOLD
from multimodal.media.reading.sound import Sound, read_sound
from multimodal.media.reading.time_grid import Area
from multimodal.media.search import Seen, look_at, look_through
from multimodal.media.speaker import SAID, By, Told, can_tell, main_face
from multimodal.media.tracks import BoxPath

# A clip found, read and measured, whose crops are still to be made: stores write it, predict collects it.


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A clip whose faces are found and whose sound is read; its crops come one by one, so that any length fits.

    Args:
        info: the file's streams; None for an image.
        size: width and height of the upright picture in pixels.
        track: where the face is at each point of the time grid while it is seen; None without a face.
        waveform: 16-bit mono, of exactly the interval of the track (of the whole file where there is none).
        sound_seconds: how much of that the file gave; the rest is padded with silence.
        source_seconds: length of the file's picture, or of its sound where there is none.
        reader_note: why decord did not read it.
        picture_note: how its pictures were taken, where the file does not say it.
        sound_note: which track or channel of the sound was taken, where that is not what players play.
        face_note: how the main face was chosen where there are several, in words.
        main_by: what it was told by; None without a face.
        parts: of the picture at each point of the time grid; None without a face.
    """

    clip_id: str
    options: PrepareOptions
    info: MediaInfo | None
    size: tuple[int, int] | None = None
    track: BoxPath | None = None
    waveform: Int16[np.ndarray, " samples"] | None = None
    sound_seconds: float = 0.0
    source_seconds: float = 0.0
    absent: dict[str, str] = field(default_factory=dict)
    start_seconds: float = 0.0
    reader: str | None = None
    reader_note: str | None = None
    picture_note: str | None = None
    sound_note: str | None = None
    face_note: str | None = None
    main_by: Told | None = None
    parts: PictureParts | None = None

    @property
    def damage(self) -> str | None:
        """What is wrong with a file that could be read in part, and what was chosen of it; None if nothing is."""
        parts = (None if self.info is None else self.info.damage, self.picture_note, self.sound_note)
        return "; ".join(part for part in parts if part) or None

    def crops(self) -> Iterator[UInt8[np.ndarray, "size size 3"]]:
        """Face crops in order of time, ``crop_size`` pixels square."""
        return (crop for _, crop in crops_together([self]))

    @property
    def seen(self) -> range:
        """Points of the time grid at which the face is seen."""
        return (
            range(0) if self.track is None else range(self.track.first, self.track.first + len(self.track.boxes))
        )

    def square(self, number: int) -> Square:
        """What is cut out at a point of the time grid at which the face is seen."""
        assert self.size is not None
        assert self.track is not None
        width, height = self.size
        box = self.track.boxes[number - self.track.first]
        return crop_square(box, margin=self.options.margin, width=width, height=height)

    def collect(self) -> PreparedClip:
        """All crops in memory, passed through the format of the store, so that both give the same pixels."""
        frames = None
        if self.track is not None:
            frames = np.stack([as_stored(crop, self.options) for crop in self.crops()])
        return PreparedClip(
            clip_id=self.clip_id,
            frame_rate=self.options.frame_rate,
            sample_rate=self.options.sample_rate,
            frames=frames,
            boxes=None if self.track is None else self.track.boxes,
            waveform=None if self.waveform is None else self.waveform.astype(np.float32) / 32768,
            absent=self.absent,
            start_seconds=self.start_seconds,
            damage=None if self.info is None else self.info.damage,
            picture_note=self.picture_note,
            sound_note=self.sound_note,
            face_note=self.face_note,
        )


def crops_together(found: Sequence[Preparation]) -> Iterator[tuple[int, UInt8[np.ndarray, "size size 3"]]]:
    """Crops of faces of one file, in order of time, each with the number of its face in ``found``.

    Raises ``MediaError`` (stage "decode") where the file ends before the faces do.
    """
    faces = [one for one in found if one.seen]
    if not faces:
        return
    parts, size = faces[0].parts, faces[0].size
    assert parts is not None
    assert size is not None
    numbers = range(min(one.seen.start for one in faces), max(one.seen.stop for one in faces))
    edges, seen_from = _seen_from(found)

    def squares(number: int) -> list[tuple[int, Square]]:
        return [(place, found[place].square(number)) for place in seen_from[bisect_right(edges, number) - 1]]

    def areas(number: int) -> list[Area]:
        return [crop_area(square, width=size[0], height=size[1]) for _, square in squares(number)]

    for number, pixels in parts.of(numbers, areas):
        for (place, square), part in zip(squares(number), pixels, strict=True):
            yield place, crop_part(part, square, found[place].options.crop_size)


def _seen_from(found: Sequence[Preparation]) -> tuple[list[int], list[list[int]]]:
    """Points at which a face comes or goes, and the places in ``found`` of those that are seen from each on.

    A film has a thousand faces, and to ask each of them at every point would take longer than to cut them out.
    """
    spans = {place: one.seen for place, one in enumerate(found) if one.seen}
    comes: defaultdict[int, list[int]] = defaultdict(list)
    for place, span in spans.items():
        comes[span.start].append(place)
    edges = sorted({edge for span in spans.values() for edge in (span.start, span.stop)})
    here: list[int] = []
    seen_from = []
    for edge in edges:
        here = sorted([place for place in here if edge in spans[place]] + comes[edge])
        seen_from.append(here)
    return edges, seen_from


Samples = Int16[np.ndarray, " samples"]


def prepare_clip(
    path: str | Path,
    clip_id: str,
    options: PrepareOptions,
    *,
    media: Media = "video",
    detector: FaceDetector | None = None,
) -> PreparedClip:
    """Crops of the main face and the sound of the same interval, all in memory.

    The main face is, of several, the one whose mouth moves with the sound; where nothing tells, the one with the
    most time on screen times size, still pictures left out. ``face_note`` says which of them. A clip is cut to the
    time from where it is first seen to where it is last, within one shot. A modality that is not there, or cannot
    be judged, is None, with the reason in ``absent``. ``media="audio"`` reads the whole sound of any file, without
    its picture; ``"image"`` gives one frame. ``detector`` is the one that the options name, on the CPU, if None.

    Raises:
        MediaError: the file cannot be opened, or neither picture nor sound can be decoded.
    """
    return prepare_file(path, clip_id, options, media=media, detector=detector)[0].collect()


def prepare_tracks(
    path: str | Path,
    options: PrepareOptions,
    *,
    media: Media = "video",
    detector: FaceDetector | None = None,
) -> list[PreparedClip]:
    """Every face of a file as a clip of its own, the main one first; one clip without frames if there is none.

    The ``clip_id`` of each is the file's name. Raises as :func:`prepare_clip`.
    """
    found = prepare_file(path, Path(path).name, options, media=media, detector=detector)
    return [preparation.collect() for preparation in found]


def prepare_file(
    path: str | Path,
    clip_id: str,
    options: PrepareOptions,
    *,
    media: Media = "video",
    detector: FaceDetector | None = None,
    comes_on: Callable[[], None] = lambda: None,
    keep_bytes: int | None = None,
) -> list[Preparation]:
    """Find the faces of a file and read its sound, without making crops; at least one, the main face first.

    ``comes_on`` is called again and again while the file is looked through, which takes long of a long one;
    ``keep_bytes`` are kept of what is around its faces, and of a file with more it is decoded twice instead.

    Raises ``MediaError`` as :func:`prepare_clip`; crops raise it too while they are made.
    """
    path, detector = Path(path), detector or _loaded(options.face_detector)
    if media == "image":
        return _prepare_image(path, clip_id, options, detector)
    info = probe_clip(path, options.image_rate)
    if not info.has_video and not info.has_audio:
        raise MediaError("open", "neither a video nor an audio stream that can be decoded")
    absent: dict[str, str] = {}
    look = partial(look_through, detector=detector, comes_on=comes_on, keep_bytes=keep_bytes)
    seen = _look(path, info, options, media, absent, look)
    sound = _listen(path, info, options, seen, absent)
    if seen is None and sound is None:
        raise MediaError("decode", "; ".join(dict.fromkeys(absent.values())))
    note = None if sound is None else sound.note
    common = Preparation(
        clip_id=clip_id, options=options, info=info, absent=absent, picture_note=info.note, sound_note=note
    )
    samples = None if sound is None else sound.samples
    if seen is None:
        return [_sound_alone(common, samples)]
    return _of_faces(common, seen, samples)


def _look(
    path: Path,
    info: MediaInfo,
    options: PrepareOptions,
    media: Media,
    absent: dict[str, str],
    look: Callable[[Path, MediaInfo, PrepareOptions], Seen],
) -> Seen | None:
    if media == "audio":
        absent["video"] = "only the sound was asked for" if info.has_video else "no video stream"
        return None
    if not info.has_video:
        absent["video"] = "no video stream"
        return None
    try:
        seen = look(path, info, options)
    except MediaError as error:
        absent["video"] = error.reason
        return None
    if not seen.tracks:
        absent["video"] = "no face found"
    return seen


def _listen(
    path: Path, info: MediaInfo, options: PrepareOptions, seen: Seen | None, absent: dict[str, str]
) -> Sound | None:
    """Sound from the first picture to the end of the last; all of it where there is no picture."""
    if not info.has_audio:
        absent["audio"] = "no audio stream"
        return None
    start = None if seen is None else seen.start_seconds
    seconds = options.max_seconds if seen is None else seen.num_points / options.frame_rate
    try:
        sound = read_sound(sound_file(path), options.sample_rate, start_seconds=start, max_seconds=seconds)
    except MediaError as error:
        absent["audio"] = error.reason
        return None
    if not len(sound.samples):
        absent["audio"] = "no sound while the picture lasts"
        return None
    if sound.peak <= SILENCE_THRESHOLD:
        absent["audio"] = "the sound is silent throughout"
        return None
    return sound


def _sound_alone(common: Preparation, sound: Samples | None) -> Preparation:
    assert sound is not None
    seconds = len(sound) / common.options.sample_rate
    return replace(common, waveform=sound, sound_seconds=seconds, source_seconds=seconds)


def _of_faces(common: Preparation, seen: Seen, sound: Samples | None) -> list[Preparation]:
    common = replace(
        common,
        size=seen.size,
        source_seconds=seen.num_points / common.options.frame_rate,
        reader=seen.reader,
        reader_note=seen.reader_note,
        picture_note="; ".join(filter(None, (common.picture_note, seen.picture_note))) or None,
    )
    if not seen.tracks:
        return [_with_sound(common, 0, seen.num_points, sound)]
    tracks, common = _main_first(replace(common, parts=seen.parts), seen, sound)
    return [_with_sound(replace(common, track=track), track.first, len(track.boxes), sound) for track in tracks]


def _main_first(common: Preparation, seen: Seen, sound: Samples | None) -> tuple[list[BoxPath], Preparation]:
    """The faces, the main one first, and what they have in common with how it was chosen."""
    tracks, options = seen.tracks, common.options
    if len(tracks) == 1:
        return tracks, replace(common, main_by="alone")
    number, said = 0, "seen longest and largest: "
    by: By = "size"
    if sound is None:
        said += "there is no sound to tell who speaks"
    elif not can_tell(options.frame_rate):
        said += "so few crops a second do not tell who speaks"
    else:
        number, by = main_face(
            tracks, seen.parts, seen.size, sound, frame_rate=options.frame_rate, sample_rate=options.sample_rate
        )
        said = SAID[by]
    others = [track for track in tracks if track is not tracks[number]]
    note = f"the main of {len(tracks)} faces is the one {said}"
    return [tracks[number], *others], replace(common, main_by=by, face_note=note)


def _with_sound(common: Preparation, start: int, num_points: int, sound: Samples | None) -> Preparation:
    """Give a clip the sound of exactly ``num_points`` points of the grid from ``start`` on, padded with zeros."""
    options = common.options
    here = replace(common, start_seconds=start / options.frame_rate)
    if sound is None:
        return here
    first, last = sample_span(start, num_points, options.frame_rate, options.sample_rate)
    heard = sound[first:last]
    if not len(heard):
        return replace(here, absent={**common.absent, "audio": "no sound while the face is seen"})
    lacking = last - first - len(heard)
    waveform = np.pad(heard, (0, lacking)) if lacking else heard  # of a film no copy
    return replace(here, waveform=waveform, sound_seconds=len(heard) / options.sample_rate)


def _prepare_image(path: Path, clip_id: str, options: PrepareOptions, detector: FaceDetector) -> list[Preparation]:
    seen = look_at(read_image(path), options, detector)
    absent = {"audio": "an image has no sound"}
    if not seen.tracks:
        absent["video"] = "no face found"
    return _of_faces(Preparation(clip_id=clip_id, options=options, info=None, absent=absent), seen, None)


@lru_cache(maxsize=1)
def _loaded(face_detector: str) -> FaceDetector:
    """A face detector on the CPU, loaded once a process."""
    return create_detector(face_detector)
