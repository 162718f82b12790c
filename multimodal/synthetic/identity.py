"""People who do not exist: how each of them looks and sounds, in every clip.

Lengths in a face are in units of half its height; the origin is the middle of the face, x to the right of the
picture, y down. Colours are RGB in [0, 255].
"""

from dataclasses import dataclass

import numpy as np

from multimodal.synthetic.randomness import keyed_generator

Colour = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Face:
    """The looks of one person: geometry and colours that stay the same from clip to clip."""

    half_width: float
    jaw: float
    skin: Colour
    texture_seed: int
    texture_contrast: float
    hair: Colour
    hair_volume: float
    hair_length: float
    hairline: float
    eye_y: float
    eye_x: float
    eye_size: float
    eye_tilt: float
    iris: Colour
    brow_gap: float
    brow_thickness: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    lip_thickness: float
    lips: Colour
    clothes: Colour
    background: Colour


@dataclass(frozen=True, kw_only=True)
class Voice:
    """The sound of one person. ``tract_scale`` multiplies all formants: a short vocal tract is above 1."""

    pitch_hz: float
    pitch_range: float
    jitter: float
    breath: float
    tilt_db_per_octave: float
    tract_scale: float
    formant_shifts: tuple[float, float, float, float]
    syllables_per_second: float


@dataclass(frozen=True, kw_only=True)
class Person:
    """One invented person."""

    name: str
    face: Face
    voice: Voice


_SKIN_RANGES: dict[str, tuple[Colour, Colour]] = {
    "African": ((112, 76, 56), (160, 114, 88)),
    "Asian (East)": ((212, 168, 134), (238, 200, 168)),
    "Asian (South)": ((150, 106, 78), (200, 152, 118)),
    "Caucasian (American)": ((214, 164, 136), (242, 202, 178)),
    "Caucasian (European)": ((220, 172, 148), (246, 210, 190)),
}
_DARK_HAIR: tuple[Colour, ...] = ((22, 18, 18), (36, 26, 22), (52, 38, 30))
_LIGHT_HAIR: tuple[Colour, ...] = ((94, 64, 40), (132, 96, 58), (172, 136, 86), (120, 62, 36), (120, 118, 116))
_DARK_IRIS: tuple[Colour, ...] = ((44, 28, 20), (66, 42, 26))
_LIGHT_IRIS: tuple[Colour, ...] = ((70, 96, 126), (82, 108, 78), (98, 70, 42))


def invent_person(seed: int, name: str, *, race: str, gender: str) -> Person:
    """Invent a person; the same seed and name give the same person.

    ``race`` is one of FakeAVCeleb's five folder names, ``gender`` ``men`` or ``women``: they choose the ranges
    of skin, hair and pitch, so that groups differ as they do in the real corpus.
    """
    if race not in _SKIN_RANGES or gender not in ("men", "women"):
        raise ValueError(
            f"unknown group {race!r}, {gender!r}; choose a race from {', '.join(_SKIN_RANGES)} "
            "and a gender from men, women"
        )
    face = _invent_face(keyed_generator(seed, "face", name), race, gender)
    return Person(name=name, face=face, voice=_invent_voice(keyed_generator(seed, "voice", name), gender))


def _invent_face(rng: np.random.Generator, race: str, gender: str) -> Face:
    low, high = _SKIN_RANGES[race]
    skin = _between(low, high, rng.random())
    fair = race.startswith("Caucasian")
    lips = tuple(np.array(skin) * rng.uniform((0.78, 0.52, 0.52), (0.92, 0.66, 0.68)))
    return Face(
        half_width=rng.uniform(0.68, 0.8),
        jaw=rng.uniform(0.06, 0.2),
        skin=skin,
        texture_seed=int(rng.integers(2**31)),
        texture_contrast=rng.uniform(0.03, 0.055),
        hair=_pick(rng, _DARK_HAIR + _LIGHT_HAIR if fair else _DARK_HAIR),
        hair_volume=rng.uniform(1.08, 1.2),
        hair_length=rng.uniform(0.2, 1.4) if gender == "women" else rng.uniform(-0.5, -0.1),
        hairline=rng.uniform(-0.72, -0.58),
        eye_y=rng.uniform(-0.2, -0.1),
        eye_x=rng.uniform(0.29, 0.36),
        eye_size=rng.uniform(0.13, 0.165),
        eye_tilt=rng.uniform(-0.1, 0.16),
        iris=_pick(rng, _DARK_IRIS + _LIGHT_IRIS if fair else _DARK_IRIS),
        brow_gap=rng.uniform(0.14, 0.2),
        brow_thickness=rng.uniform(0.02, 0.045),
        brow_tilt=rng.uniform(-0.05, 0.05),
        nose_length=rng.uniform(0.34, 0.42),
        nose_width=rng.uniform(0.12, 0.18),
        mouth_y=rng.uniform(0.48, 0.56),
        mouth_width=rng.uniform(0.24, 0.33),
        lip_thickness=rng.uniform(0.045, 0.085),
        lips=(float(lips[0]), float(lips[1]), float(lips[2])),
        clothes=_colour(rng, 20, 200),
        background=_colour(rng, 50, 205),
    )


def _invent_voice(rng: np.random.Generator, gender: str) -> Voice:
    woman = gender == "women"
    shifts = rng.uniform(0.93, 1.07, size=4)
    return Voice(
        pitch_hz=rng.uniform(170, 240) if woman else rng.uniform(90, 145),
        pitch_range=rng.uniform(0.1, 0.22),
        jitter=rng.uniform(0.006, 0.016),
        breath=rng.uniform(0.01, 0.05),
        tilt_db_per_octave=rng.uniform(-1.5, 2.5),
        tract_scale=rng.uniform(1.06, 1.2) if woman else rng.uniform(0.92, 1.06),
        formant_shifts=(float(shifts[0]), float(shifts[1]), float(shifts[2]), float(shifts[3])),
        syllables_per_second=rng.uniform(3.4, 5.4),
    )


def _colour(rng: np.random.Generator, low: float, high: float) -> Colour:
    grey = rng.uniform(low, high)
    red, green, blue = grey + 0.35 * (rng.uniform(low, high, size=3) - grey)
    return (float(red), float(green), float(blue))


def _between(low: Colour, high: Colour, share: float) -> Colour:
    red, green, blue = np.array(low) + share * (np.array(high) - np.array(low))
    return (float(red), float(green), float(blue))


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]
