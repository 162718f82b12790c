"""What preparation makes of a media file: face crops on a regular time grid and the sound beside them."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, UInt8

from multimodal.catalog import one_of
from multimodal.media.faces import DEFAULT_DETECTOR, DETECTORS
from multimodal.ranges import above, at_least, between, check_ranges

#: Version of the cropper; raised whenever the same options would give other crops or another sound.
CROPPER_VERSION = 10


FrameFormat = Literal["lz4", "zstd", "webp", "jpeg"]
Crops = Literal["faces", "as-they-are"]


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """How media become crops and waveform. A store, and a checkpoint trained on it, remember these.

    Args:
        frame_rate: crops a second; crop k shows the frame at k / frame_rate seconds.
        crop_size: side of a crop in pixels.
        margin: width added around the face box, as a share of its larger side.
        sample_rate: of the mono sound, in hertz.
        max_seconds: only this much of the start is prepared; None for all.
        smallest_face: size in pixels down to which faces are looked for (and down to half of it, in a second
            look, where there is none).
        frame_format: how crops are kept. ``"lz4"``, ``"zstd"`` (differences of rows, packed) and ``"webp"`` lose
            nothing; each is a quarter or a sixth smaller than the one before, and slower to read and write.
            ``"jpeg"`` is smaller still and recompresses the traces that a detector looks for.
        jpeg_quality: 1 to 100, for ``"jpeg"``.
        face_detector: what finds faces.
        crops: ``"faces"`` looks for faces; ``"as-they-are"`` takes pictures that are faces already, whole.
        image_rate: frames a second of clips that are folders of images, which do not say it; 25 are assumed.
    """

    frame_rate: Annotated[float, between(0, 1000, open_low=True)] = 25.0
    crop_size: Annotated[int, at_least(1)] = 224
    margin: Annotated[float, at_least(0)] = 0.3
    sample_rate: Annotated[int, at_least(1)] = 16_000
    max_seconds: Annotated[float | None, above(0)] = None
    smallest_face: Annotated[int, at_least(1)] = 48
    frame_format: FrameFormat = "lz4"
    jpeg_quality: Annotated[int, between(1, 100)] = 95
    face_detector: Annotated[str, one_of(DETECTORS)] = DEFAULT_DETECTOR
    crops: Crops = "faces"
    image_rate: Annotated[float | None, between(0, 1000, open_low=True)] = None

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class PreparedClip:
    """One clip, or a window of it: face crops and the sound of exactly the same interval.

    ``frames[k]`` shows the time ``start_seconds + k / frame_rate`` and the sound begins at ``start_seconds``.
    A modality that cannot be judged is None and ``absent`` says why, e.g. ``{"audio": "no audio stream"}``.
    ``damage`` is what is wrong with a file that could be read in part, in words, e.g. that it was cut off;
    ``picture_note`` says how its pictures were taken, e.g. at which assumed rate those of a folder, and
    ``sound_note`` is which track or channel of the sound was taken, where that is not what players play.
    ``face_note`` is how the main face was chosen of several, in words; None where there are not several.
    ``boxes[k]`` is the smoothed face box ``x0, y0, x1, y1`` in pixels of the upright source picture. Second 0 is
    the first picture of the file (the first sample where there is none); a clip whose face comes later, or goes
    earlier, is cut to where it is seen, with ``start_seconds`` saying where that begins.
    """

    clip_id: str
    frame_rate: float
    sample_rate: int
    frames: UInt8[np.ndarray, "time height width 3"] | None
    boxes: Float[np.ndarray, "time 4"] | None
    waveform: Float[np.ndarray, " samples"] | None
    absent: dict[str, str] = field(default_factory=dict)
    start_seconds: float = 0.0
    damage: str | None = None
    picture_note: str | None = None
    sound_note: str | None = None
    face_note: str | None = None

    @property
    def num_frames(self) -> int:
        """Length on the time grid, also of a clip without picture."""
        if self.frames is not None:
            return len(self.frames)
        return (
            0 if self.waveform is None else num_grid_points(len(self.waveform), self.frame_rate, self.sample_rate)
        )

    def window(self, start: int, num_frames: int) -> "PreparedClip":
        """Frames ``start`` to ``start + num_frames`` and exactly their sound; shorter at the end of the clip."""
        first, last = sample_span(start, num_frames, self.frame_rate, self.sample_rate)
        return replace(
            self,
            frames=None if self.frames is None else self.frames[start : start + num_frames],
            boxes=None if self.boxes is None else self.boxes[start : start + num_frames],
            waveform=None if self.waveform is None else self.waveform[first:last],
            start_seconds=self.start_seconds + start / self.frame_rate,
        )


def sample_span(start: int, num_frames: int, frame_rate: float, sample_rate: int) -> tuple[int, int]:
    """First and last-plus-one sample of a window of frames; the length depends on ``num_frames`` only.

    >>> sample_span(25, 5, frame_rate=25.0, sample_rate=16_000)
    (16000, 19200)
    """
    first = round(start / frame_rate * sample_rate)
    return first, first + round(num_frames / frame_rate * sample_rate)


def num_grid_points(num_samples: int, frame_rate: float, sample_rate: int) -> int:
    """How many frames last as long as a sound; the inverse of :func:`sample_span`, which rounds to a sample.

    >>> num_grid_points(16_016, frame_rate=24_000 / 1001, sample_rate=16_000)
    24
    """
    return int((num_samples + 0.5) * frame_rate / sample_rate)
