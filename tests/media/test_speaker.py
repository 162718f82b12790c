"""Which of two drawn faces speaks: mouths open with one sound or with another."""

import numpy as np
import pytest

from multimodal.media.prepare import prepare_tracks
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.parts import KeptParts, PictureParts
from multimodal.media.reading.time_grid import OnGrid
from multimodal.media.speaker import MainFace, main_face
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


def pasted(tracks: int, mouths: dict[int, np.ndarray], thinned: int = 1) -> tuple[list[BoxPath], PictureParts]:
    """Faces of noise side by side, without a detector; those with a level move their mouths by it."""
    rng = np.random.default_rng(4)
    room = rng.integers(90, 160, (64, 48 * tracks, 3), dtype=np.uint8)
    boxes = [np.tile([48.0 * place + 4, 8, 48 * place + 44, 56], (COUNT // thinned, 1)) for place in range(tracks)]
    pictures = []
    for number in range(COUNT):
        picture = room.copy()
        for place, level in mouths.items():
            change = rng.normal(0, 60 * (0.1 + level[number]), (12, 24, 3))
            mouth = picture[42:54, 48 * place + 12 : 48 * place + 36]
            mouth[:] = np.clip(mouth + change, 0, 255)
        pictures.append(OnGrid(number, picture, number / 25))
    seen = [OnGrid(point.number // thinned, point.shown, point.since_seconds) for point in pictures[::thinned]]
    return [BoxPath(0, path) for path in boxes], PictureParts(seen, KeptParts())


def main_of(tracks: int, mouths: dict[int, np.ndarray], heard: np.ndarray) -> MainFace:
    paths, parts = pasted(tracks, mouths)
    return main_face(paths, parts, (48 * tracks, 64), voice(heard), frame_rate=25.0, sample_rate=RATE)


def test_the_fifth_face_can_speak():
    mouths = {place: syllables(place) for place in range(5)}
    assert main_of(5, mouths, syllables(4)) == MainFace(4, "speech")


def test_a_picture_on_the_wall_is_not_the_main_face_beside_one_whose_mouth_moves():
    assert main_of(2, {1: syllables(1)}, syllables(3)) == MainFace(1, "moving")


def test_a_mouth_that_goes_best_with_the_sound_but_not_surely_is_the_main_one_and_it_is_said():
    partly = 0.23 * syllables(2) + 0.77 * syllables(5)
    assert main_of(2, {0: syllables(1), 1: partly}, syllables(2)) == MainFace(1, "likely")


def test_where_all_faces_are_still_the_first_is_the_main_one():
    assert main_of(3, {}, syllables(1)) == MainFace(0, "size")


def test_so_few_crops_a_second_that_nothing_tells_are_said(tmp_path, media):
    levels = [syllables(1), syllables(2)]
    pictures, sound = conversation(media, levels)[:30], voice(levels[1])[:19200] / 32768
    path = media.write(tmp_path / "a.mp4", pictures=pictures, sound=sound)
    first, _ = prepare_tracks(path, PrepareOptions(crop_size=48, frame_rate=5.0))
    assert first.face_note.endswith("so few crops a second do not tell who speaks")


@pytest.mark.parametrize("thinned", [1, 2])
def test_the_rate_of_crops_changes_nothing(thinned):
    paths, parts = pasted(2, {0: syllables(1), 1: syllables(2)}, thinned)
    rate = 25.0 / thinned
    found = main_face(paths, parts, (96, 64), voice(syllables(2)), frame_rate=rate, sample_rate=RATE)
    assert found == MainFace(1, "speech")


def test_a_short_sound_tells_nothing():
    tracks = [BoxPath(0, np.tile([10.0, 10, 60, 60], (30, 1)))] * 2
    pictures = [OnGrid(number, np.zeros((64, 64, 3), np.uint8), number / 25) for number in range(30)]
    parts, sound = PictureParts(pictures, KeptParts()), np.zeros(100, np.int16)
    assert main_face(tracks, parts, (64, 64), sound, frame_rate=25.0, sample_rate=RATE) == MainFace(0, "size")
