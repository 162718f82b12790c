"""Makes one planned clip: what is heard, what is seen, and the file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from multimodal.corpora.synthetic.canvas import Canvas
from multimodal.corpora.synthetic.forge import SwapMethod, fit_face, redraw_mouth, swap_face
from multimodal.corpora.synthetic.identity import Person, invent_person
from multimodal.corpora.synthetic.media import write_video
from multimodal.corpora.synthetic.options import SyntheticOptions
from multimodal.corpora.synthetic.performance import mouth_from_sound, perform
from multimodal.corpora.synthetic.plan import PlannedClip, Take
from multimodal.corpora.synthetic.randomness import keyed_generator
from multimodal.corpora.synthetic.scene import Actor, Overlay, film
from multimodal.corpora.synthetic.vocode import vocode
from multimodal.corpora.synthetic.voice import add_room, clone_voice, speak


def write_clip(root: Path, clip: PlannedClip, options: SyntheticOptions) -> None:
    """Make a clip and write it to its place under ``root``, in one atomic move."""
    num_frames = clip_frames(clip.take, options)
    filmed_sound = record(clip, clip.take, options, num_frames)
    sound = filmed_sound if clip.voice is None else forge_sound(clip, clip.voice, options, num_frames)
    if clip.method != "real":
        sound[: round(options.fake_leading_silence_seconds * options.sample_rate)] = 0
    write_video(
        root / clip.path,
        show(clip, options, filmed_sound=filmed_sound, sound=sound),
        frame_rate=options.frame_rate,
        crf=_crf(clip, options),
        sound=sound,
        sample_rate=options.sample_rate,
    )


def clip_frames(take: Take, options: SyntheticOptions) -> int:
    """Number of frames of a take, and of everything forged from it."""
    spread = options.clip_seconds_spread
    share = keyed_generator(options.seed, "length", take.person, take.number).uniform(1 - spread, 1 + spread)
    return max(2, round(options.clip_seconds * share * options.frame_rate))


def record(clip: PlannedClip, take: Take, options: SyntheticOptions, num_frames: int) -> np.ndarray:
    """The true sound of a take, for as long as ``num_frames`` frames: (samples,) float32 mono."""
    rng = keyed_generator(options.seed, "recording", take.person, take.number)
    voice = _person(clip, take, options).voice
    seconds = num_frames / options.frame_rate
    spoken = speak(voice, rng, seconds=seconds, sample_rate=options.sample_rate)
    return add_room(spoken, rng, sample_rate=options.sample_rate)


def forge_sound(clip: PlannedClip, voice: Take, options: SyntheticOptions, num_frames: int) -> np.ndarray:
    """What is put in the place of the true sound: another's true recording, or a cloned voice."""
    if clip.type_folder.endswith("RealAudio"):
        return record(clip, voice, options, num_frames)
    rng, rate = keyed_generator(options.seed, "cloned voice", clip.path), options.sample_rate
    clone = clone_voice(_person(clip, voice, options).voice, rng, strength=options.sound_strength)
    spoken = speak(clone, rng, seconds=num_frames / options.frame_rate, sample_rate=rate)
    return add_room(vocode(spoken, rng, sample_rate=rate, strength=options.sound_strength), rng, sample_rate=rate)


def show(
    clip: PlannedClip, options: SyntheticOptions, *, filmed_sound: np.ndarray, sound: np.ndarray
) -> Iterator[np.ndarray]:
    """What a clip shows: the lips as filmed, or forged to ``sound``.

    Yields (size, size, 3) uint8 RGB frames.
    """
    num_frames = clip_frames(clip.take, options)
    rng = keyed_generator(options.seed, "performance", clip.take.person, clip.take.number)
    performance = perform(rng, num_frames=num_frames, frame_rate=options.frame_rate)
    canvas = Canvas(_frame_size(clip, options))
    actor = Actor(_person(clip, clip.take, options).face, performance.light, canvas)
    mouth = _mouth(filmed_sound, options, num_frames)
    overlays = _forge(clip, options, actor, performance.light, mouth, sound) if _is_forged(clip) else []
    return film(actor, performance, mouth, overlays)


def _forge(
    clip: PlannedClip,
    options: SyntheticOptions,
    actor: Actor,
    light: tuple[float, float],
    mouth: np.ndarray,
    sound: np.ndarray,
) -> list[Overlay]:
    """What the forger lays over the picture: first another face, then lips to other sound."""
    rng = keyed_generator(options.seed, "forged picture", clip.path)
    strength, face, overlays = options.picture_strength, actor.face, []
    if clip.face is not None:
        donor = _person(clip, clip.face, options).face
        method: SwapMethod = "fsgan" if clip.method.startswith("fsgan") else "faceswap"
        swap = swap_face(
            rng, face, donor, method=method, strength=strength, light=light, mouth=mouth, canvas=actor.canvas
        )
        overlays.append(swap)
        face = fit_face(donor, face)
    if clip.voice is not None:
        lips = _mouth(sound, options, len(mouth))
        overlays.append(redraw_mouth(rng, face, strength=strength, light=light, mouth=lips, canvas=actor.canvas))
    return overlays


def _is_forged(clip: PlannedClip) -> bool:
    return clip.type_folder.startswith("Fake")


def _crf(clip: PlannedClip, options: SyntheticOptions) -> int:
    if _is_forged(clip) and options.fake_crf is not None:
        return options.fake_crf
    return options.crf


def _frame_size(clip: PlannedClip, options: SyntheticOptions) -> int:
    if _is_forged(clip) and options.fake_frame_size is not None:
        return options.fake_frame_size
    return options.frame_size


def _mouth(sound: np.ndarray, options: SyntheticOptions, num_frames: int) -> np.ndarray:
    return mouth_from_sound(
        sound, sample_rate=options.sample_rate, frame_rate=options.frame_rate, num_frames=num_frames
    )


def _person(clip: PlannedClip, take: Take, options: SyntheticOptions) -> Person:
    return invent_person(options.seed, take.person, race=clip.race, gender=clip.gender)
