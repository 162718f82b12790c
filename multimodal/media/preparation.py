"""A clip found, read and measured, whose crops are still to be made: stores write it, predict collects it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int16, UInt8

from multimodal.media.crop import crop_picture, crop_square
from multimodal.media.encode import decode_crop, encode_crop
from multimodal.media.errors import MediaError
from multimodal.media.prepared import PreparedClip, PrepareOptions
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.time_grid import PicturePoint
from multimodal.media.tracks import BoxPath


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
        pictures: the whole picture at each point of the time grid; may be iterated more than once.
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
    pictures: Iterable[PicturePoint] = ()

    @property
    def damage(self) -> str | None:
        """What is wrong with a file that could be read in part; None if nothing is."""
        return None if self.info is None else self.info.damage

    def crops(self) -> Iterator[UInt8[np.ndarray, "size size 3"]]:
        """Face crops in order of time, ``crop_size`` pixels square."""
        if self.track is None:
            return
        assert self.size is not None
        width, height = self.size
        count = 0
        for point in self.pictures:
            place = point.number - self.track.first
            if count == len(self.track.boxes):
                break
            if place >= 0:
                box = self.track.boxes[place]
                square = crop_square(box, margin=self.options.margin, width=width, height=height)
                yield crop_picture(point.shown, square, self.options.crop_size)
                count += 1
        if count < len(self.track.boxes):
            raise MediaError("decode", "the video gave fewer frames when it was read again")

    def collect(self) -> PreparedClip:
        """All crops in memory, passed through the format of the store, so that both give the same pixels."""
        frames = None
        if self.track is not None:
            crops = (encode_crop(crop, self.options) for crop in self.crops())
            frames = np.stack([decode_crop(content, self.options.frame_format) for content in crops])
        return PreparedClip(
            clip_id=self.clip_id,
            frame_rate=self.options.frame_rate,
            sample_rate=self.options.sample_rate,
            frames=frames,
            boxes=None if self.track is None else self.track.boxes,
            waveform=None if self.waveform is None else self.waveform.astype(np.float32) / 32768,
            absent=self.absent,
            start_seconds=self.start_seconds,
            damage=self.damage,
        )
