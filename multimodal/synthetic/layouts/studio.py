"""Records, films and forges what a planned file asks for, with the engine's voices, faces and forgeries."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from multimodal.synthetic.face import Canvas
from multimodal.synthetic.forge import fit_face, redraw_mouth, swap_face
from multimodal.synthetic.layouts import planned
from multimodal.synthetic.performance import Performance, mouth_from_sound, perform
from multimodal.synthetic.plan import SwapMethod
from multimodal.synthetic.randomness import keyed_generator
from multimodal.synthetic.scene import Actor, Overlay, film
from multimodal.synthetic.voice import add_room, clone_voice, speak, vocode

#: Silent videos are spoken too, since mouths move to sound that nobody hears.
_UNHEARD_SAMPLE_RATE = 16_000
_FEWEST_MELS, _MOST_MELS = 48, 96


def hear(options: planned.LayoutOptions, sound: planned.Sound, *, seconds: float, sample_rate: int) -> np.ndarray:
    """What a sound is. Shape: → (samples,) float32 mono."""
    if sound.system is None:
        return _record(options, sound.take, seconds, sample_rate)
    rng = keyed_generator(options.seed, "forged sound", *sound.take, sound.system, sound.voice or "")
    if sound.voice is None:
        return _vocode(options, sound.system, _record(options, sound.take, seconds, sample_rate), rng, sample_rate)
    voice = clone_voice(planned.person_called(options.seed, sound.voice).voice, rng, strength=options.strength)
    spoken = speak(voice, _syllables(options, sound.take), seconds=seconds, sample_rate=sample_rate)
    return add_room(_vocode(options, sound.system, spoken, rng, sample_rate), rng, sample_rate=sample_rate)


def hear_file(options: planned.LayoutOptions, audio: planned.AudioFile) -> np.ndarray:
    """The sound of an audio file. Shape: → (samples,) float32 mono."""
    seconds = audio.seconds or planned.seconds_of(options, audio.sound.take)
    return hear(options, audio.sound, seconds=seconds, sample_rate=audio.sample_rate)


def hear_video(options: planned.LayoutOptions, video: planned.VideoFile) -> np.ndarray | None:
    """The sound of a video, None if it is silent; outside of the forged period the recording's own."""
    if video.sound is None:
        return None
    seconds, recorded = planned.num_frames(options, video) / video.frame_rate, planned.Sound(video.take)
    sound = hear(options, video.sound, seconds=seconds, sample_rate=video.sample_rate)
    if video.period is None or video.sound == recorded:
        return sound
    moments = np.arange(len(sound)) / video.sample_rate
    inside = (moments >= video.period[0]) & (moments < video.period[1])
    genuine = hear(options, recorded, seconds=seconds, sample_rate=video.sample_rate)
    return np.where(inside, sound, genuine).astype(np.float32)


def show(options: planned.LayoutOptions, video: planned.VideoFile) -> Iterator[np.ndarray]:
    """What a video shows. Yields (size, size, 3) uint8 RGB frames."""
    shot = _shoot(options, video)
    if not video.is_picture_forged:
        return film(shot.actor, shot.performance, shot.mouth)
    during = None
    if video.period is not None:
        start, end = (round(moment * video.frame_rate) for moment in video.period)
        during = range(start, end)
    return film(shot.actor, shot.performance, shot.mouth, _overlays(options, video, shot), during)


def show_mask(options: planned.LayoutOptions, mask: planned.MaskFile) -> Iterator[np.ndarray]:
    """White where forged frames differ from filmed ones. Yields (size, size, 3) uint8."""
    shot = _shoot(options, mask.of)
    for real, fake in zip(film(shot.actor, shot.performance, shot.mouth), show(options, mask.of), strict=True):
        yield np.where((real != fake).any(axis=2, keepdims=True), 255, 0).astype(np.uint8).repeat(3, axis=2)


def portray(options: planned.LayoutOptions, image: planned.ImageFile) -> Image.Image:
    """One picture of a person, or of another's face in the person's head."""
    rng = keyed_generator(options.seed, "portrait", *image.take)
    performance = perform(rng, num_frames=1, frame_rate=1)
    face = planned.person_called(options.seed, image.take.person).face
    canvas = Canvas(round(image.scale * options.frame_size))
    shot = _Shot(Actor(face, performance.light, canvas), performance, rng.uniform(0, 0.6, size=1))
    overlays = []
    if image.face is not None:
        forger = keyed_generator(options.seed, "forged picture", image.path)
        overlays.append(_swap(options, shot, image.face, "faceswap", forger))
    (frame,) = film(shot.actor, performance, shot.mouth, overlays)
    picture = Image.fromarray(frame)
    return picture if image.mode == "RGB" else picture.convert(image.mode)


class _Shot(NamedTuple):
    """A person in front of the camera: the head, its movement, and the mouth as filmed (frames,)."""

    actor: Actor
    performance: Performance
    mouth: np.ndarray


def _shoot(options: planned.LayoutOptions, video: planned.VideoFile) -> _Shot:
    rng = keyed_generator(options.seed, "performance", *video.take)
    performance = perform(rng, num_frames=planned.num_frames(options, video), frame_rate=video.frame_rate)
    face = planned.person_called(options.seed, video.take.person).face
    actor = Actor(face, performance.light, Canvas(options.frame_size))
    return _Shot(actor, performance, _mouth(options, planned.Sound(video.take), video))


def _overlays(options: planned.LayoutOptions, video: planned.VideoFile, shot: _Shot) -> list[Overlay]:
    """What is laid over the picture: first another face, then lips to other sound."""
    rng = keyed_generator(options.seed, "forged picture", video.path)
    face, overlays = shot.actor.face, []
    if video.face is not None:
        overlays.append(_swap(options, shot, video.face, video.swap, rng))
        face = fit_face(planned.person_called(options.seed, video.face).face, face)
    if video.lips is not None:
        redrawn = redraw_mouth(
            rng,
            face,
            strength=options.strength,
            light=shot.performance.light,
            mouth=_mouth(options, video.lips, video),
            canvas=shot.actor.canvas,
        )
        overlays.append(redrawn)
    return overlays


def _swap(
    options: planned.LayoutOptions, shot: _Shot, donor: str, method: SwapMethod, rng: np.random.Generator
) -> Overlay:
    """The donor's face in the head that was filmed."""
    return swap_face(
        rng,
        shot.actor.face,
        planned.person_called(options.seed, donor).face,
        method=method,
        strength=options.strength,
        light=shot.performance.light,
        mouth=shot.mouth,
        canvas=shot.actor.canvas,
    )


def _mouth(options: planned.LayoutOptions, sound: planned.Sound, video: planned.VideoFile) -> np.ndarray:
    """How the mouth follows a sound, whether or not the file lets it be heard. Shape: → (frames,)."""
    frames = planned.num_frames(options, video)
    heard = hear(options, sound, seconds=frames / video.frame_rate, sample_rate=_UNHEARD_SAMPLE_RATE)
    return mouth_from_sound(
        heard, sample_rate=_UNHEARD_SAMPLE_RATE, frame_rate=video.frame_rate, num_frames=frames
    )


def _record(options: planned.LayoutOptions, take: planned.Take, seconds: float, sample_rate: int) -> np.ndarray:
    voice = planned.person_called(options.seed, take.person).voice
    spoken = speak(voice, _syllables(options, take), seconds=seconds, sample_rate=sample_rate)
    return add_room(spoken, keyed_generator(options.seed, "room", *take), sample_rate=sample_rate)


def _syllables(options: planned.LayoutOptions, take: planned.Take) -> np.random.Generator:
    """What is said in a recording, whoever says it."""
    return keyed_generator(options.seed, "syllables", *take)


def _vocode(
    options: planned.LayoutOptions, system: str, sound: np.ndarray, rng: np.random.Generator, sample_rate: int
) -> np.ndarray:
    """A system has its own fineness, the same for every seed, so that systems differ."""
    num_mels = int(keyed_generator(0, "system", system).integers(_FEWEST_MELS, _MOST_MELS + 1))
    return vocode(sound, rng, sample_rate=sample_rate, strength=options.strength, num_mels=num_mels)
