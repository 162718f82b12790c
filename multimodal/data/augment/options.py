"""How far training windows may be changed, as plain numbers, and what was drawn for one of them.

torch is imported when a window is changed and not before, so that a command line can show and read these at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NamedTuple

from multimodal.ranges import at_least, between, check_ranges

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from multimodal.data.augment.picture import PictureDraw
    from multimodal.data.augment.sound import SoundDraw


@dataclass(frozen=True, kw_only=True)
class PictureAugmentation:
    """How far the picture may be changed; 0 switches a change off. All frames of a window are changed alike.

    JPEG comes first, as a platform's; then the order is that of the fields.

    Args:
        crop_jitter: largest share cut off each side; what is left is resized to the whole.
        flip: probability of mirroring.
        brightness: its largest relative change.
        contrast: its largest relative change.
        saturation: its largest relative change.
        hue: largest turn of the hue, in turns; takes longer than all the others together.
        resize: probability of losing detail by resizing down and up.
        resize_to: smallest size on the way, as a share.
        blur: probability of Gaussian blur.
        blur_sigma: its largest sigma in pixels.
        noise: probability of Gaussian noise.
        noise_std: its largest standard deviation.
        jpeg: probability of JPEG compression.
        jpeg_quality: the lowest quality.
        erase: probability of erasing a part of the face (eyes, nose, mouth, a half).
    """

    crop_jitter: Annotated[float, between(0, 0.5, open_high=True)] = 0.05
    flip: Annotated[float, between(0, 1)] = 0.5
    brightness: Annotated[float, between(0, 1)] = 0.2
    contrast: Annotated[float, between(0, 1)] = 0.2
    saturation: Annotated[float, between(0, 1)] = 0.1
    hue: Annotated[float, between(0, 0.5)] = 0.0
    resize: Annotated[float, between(0, 1)] = 0.1
    resize_to: Annotated[float, between(0, 1)] = 0.5
    blur: Annotated[float, between(0, 1)] = 0.1
    blur_sigma: Annotated[float, at_least(0)] = 1.5
    noise: Annotated[float, between(0, 1)] = 0.1
    noise_std: Annotated[float, between(0, 1)] = 0.03
    jpeg: Annotated[float, between(0, 1)] = 0.2
    jpeg_quality: Annotated[int, between(1, 100)] = 50
    erase: Annotated[float, between(0, 1)] = 0.1

    def __post_init__(self) -> None:
        check_ranges(self)

    def __call__(self, crops: Tensor, generator: np.random.Generator) -> Tensor:
        """One window changed at once: crops ``(T, 3, S, S)`` uint8 to frames ``(T, 3, S, S)`` in [0, 1]."""
        from multimodal.data.augment.picture import change_pictures, compress, draw_picture

        draw = draw_picture(self, generator)
        return change_pictures(compress(crops, draw)[None], [draw], crops.shape[-1])[0]


@dataclass(frozen=True, kw_only=True)
class SoundAugmentation:
    """How far the sound may be changed; 0 switches a change off.

    Args:
        shift_seconds: largest shift against the picture, round the window's ends; keep it below a frame where
            the picture counts too.
        reverberation: probability of a room.
        reverberation_seconds: its longest time of decay by 60 decibel.
        rawboost: probability of RawBoost's three kinds of noise, for speech whose channel is unknown.
        band_pass: probability of a telephone's band, 300 to 3,400 Hz.
        codec: probability of a codec: a telephone's (8 kHz and 8-bit mu-law, ITU-T G.711), AAC, MP3 or Opus, each
            as likely.
        codec_bit_rate: lowest bits a second of AAC, MP3 and Opus; up to four times as many.
        noise: probability of noise between white and pink.
        noise_db: its level at the loudest, relative to the sound, in decibels; down to 30 less.
        gain_db: largest change of loudness, in decibels.
    """

    shift_seconds: Annotated[float, at_least(0)] = 0.02
    reverberation: Annotated[float, between(0, 1)] = 0.1
    reverberation_seconds: Annotated[float, at_least(0)] = 0.4
    rawboost: Annotated[float, between(0, 1)] = 0.0
    band_pass: Annotated[float, between(0, 1)] = 0.05
    codec: Annotated[float, between(0, 1)] = 0.05
    codec_bit_rate: Annotated[int, at_least(0)] = 16_000
    noise: Annotated[float, between(0, 1)] = 0.5
    noise_db: Annotated[float, between(-200, 100)] = -20.0
    gain_db: Annotated[float, between(0, 100)] = 6.0

    def __post_init__(self) -> None:
        check_ranges(self)

    def __call__(self, sound: Tensor, generator: np.random.Generator, *, sample_rate: int) -> Tensor:
        """One window changed at once: ``(samples,)`` in [-1, 1]; the result is as long."""
        from multimodal.data.augment.sound import begin_sound, finish_sounds

        begun, draw = begin_sound(sound, self, generator, sample_rate=sample_rate)
        return finish_sounds(begun[None], [draw], sample_rate=sample_rate)[0]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How a training window may be changed, by modality. Validation and evaluation change nothing."""

    video: PictureAugmentation = field(default_factory=PictureAugmentation)
    audio: SoundAugmentation = field(default_factory=SoundAugmentation)

    def begin(
        self,
        inputs: Mapping[str, Tensor],
        present: Mapping[str, bool],
        generator: np.random.Generator,
        *,
        sample_rate: int,
    ) -> Begun:
        """Draw the change of one window, and do what a worker has to do of it.

        Shape: ``video`` crops ``(T, 3, S, S)`` uint8, ``audio`` ``(samples,)`` in [-1, 1], as they come.
        """
        from multimodal.data.augment.picture import UNCHANGED, compress, draw_picture
        from multimodal.data.augment.sound import SOUND_UNCHANGED, begin_sound

        changed, picture, sound = dict(inputs), UNCHANGED, SOUND_UNCHANGED
        if present.get("video"):
            picture = draw_picture(self.video, generator)
            changed["video"] = compress(inputs["video"], picture)
        if present.get("audio"):
            options = {"sample_rate": sample_rate}
            changed["audio"], sound = begin_sound(inputs["audio"], self.audio, generator, **options)
        return Begun(changed, picture, sound)


class Begun(NamedTuple):
    """The inputs of a window as a worker leaves them, and what the device has to do yet."""

    inputs: dict[str, Tensor]
    picture: PictureDraw
    sound: SoundDraw
