"""Which of two drawn faces speaks: mouths open with one sound or with another."""

import numpy as np
import pytest

from multimodal.media.prepare import prepare_tracks
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.parts import KeptParts, PictureParts
from multimodal.media.reading.time_grid import OnGrid
from multimodal.media.speaker import speaker
from multimodal.media.tracks import BoxPath

COUNT, RATE = 250, 16_000


def syllables(seed: int) -> np.ndarray:
    """How loud a voice is at each of ten seconds' pictures, from 0 to 1."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.choice([0.0, 0.3, 1.0], COUNT // 5), 5)


def voice(level: np.ndarray) -> np.ndarray:
    """Noise of that loudness, 16 bits."""
    noise = np.random.default_rng(9).normal(0, 3000, COUNT * RATE // 25)
    return (noise * np.repeat(level, RATE // 25)).astype(np.int16)


def with_mouth(picture: np.ndarray, left: int, opened: float, rng: np.random.Generator) -> None:
    """Move the mouth of a face of 112 pixels that stands at ``left``: the more, the louder."""
    height = 2 + round(opened * rng.uniform(2, 12))
    picture[100 : 100 + height, left + 46 : left + 68] = (60, 20, 20)


def conversation(media, levels: list[np.ndarray]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    room = np.full((160, 300, 3), (70, 110, 140), np.uint8)
    for place in range(len(levels)):
        room[20:132, 20 + 140 * place : 132 + 140 * place] = media.face(112)
    pictures = []
    for number in range(COUNT):
        picture = room.copy()
        for place, level in enumerate(levels):
            with_mouth(picture, 20 + 140 * place, level[number], rng)
        pictures.append(picture)
    return pictures


@pytest.mark.parametrize("speaks", [0, 1])
def test_the_face_whose_mouth_moves_with_the_sound_comes_first_and_it_is_said(speaks, tmp_path, media):
    levels = [syllables(1), syllables(2)]
    sound = voice(levels[speaks]) / 32768
    path = media.write(tmp_path / "a.mp4", pictures=conversation(media, levels), sound=sound)
    first, other = prepare_tracks(path, PrepareOptions(crop_size=48))
    assert (first.boxes[0, 0] > other.boxes[0, 0]) == bool(speaks)
    assert first.face_note == "the main of 2 faces is the one whose mouth moves with the sound"


def test_where_no_mouth_moves_with_the_sound_the_face_most_seen_comes_first_and_it_is_said(tmp_path, media):
    levels = [syllables(1), syllables(2)]
    pictures = conversation(media, levels)
    with_third = media.write(tmp_path / "a.mp4", pictures=pictures, sound=voice(syllables(3)) / 32768)
    silent = media.write(tmp_path / "b.mp4", pictures=pictures[:50])
    notes = [prepare_tracks(path, PrepareOptions(crop_size=48))[0].face_note for path in (with_third, silent)]
    assert notes[0].endswith("seen longest and largest: no mouth clearly moves with the sound")
    assert notes[1].endswith("seen longest and largest: there is no sound to tell who speaks")


def test_one_face_needs_no_note(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(20), sound=media.speech(0.8))
    assert prepare_tracks(path, PrepareOptions(crop_size=48))[0].face_note is None


def test_a_short_sound_and_a_coarse_grid_tell_nothing():
    tracks = [BoxPath(0, np.tile([10.0, 10, 60, 60], (30, 1)))] * 2
    pictures = [OnGrid(number, np.zeros((64, 64, 3), np.uint8), number / 25) for number in range(30)]
    parts = PictureParts(pictures, KeptParts())
    for samples, frame_rate in ((100, 25.0), (RATE, 5.0)):
        sound = np.zeros(samples, np.int16)
        assert speaker(tracks, parts, (64, 64), sound, frame_rate=frame_rate, sample_rate=RATE) is None
