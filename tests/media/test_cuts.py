"""Shots of generated clips: every planted cut is found at its frame, and what only looks like one is not."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from multimodal.media.cuts import in_shots
from multimodal.media.prepare import prepare_tracks
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.time_grid import OnGrid
from multimodal.media.search import find_faces
from multimodal.media.tracks import link_tracks

SMALL = PrepareOptions(crop_size=64)
HEIGHT, WIDTH = 144, 192


def room(seed: int) -> np.ndarray:
    """A textured picture, wider and higher than what is shown of it."""
    coarse = np.random.default_rng(seed).integers(40, 220, (12, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((WIDTH + 96, HEIGHT + 96), Image.Resampling.BICUBIC))


def shot(seed: int, count: int, *, shake: int = 0, pan: float = 0.0, noise: float = 4.0) -> list[np.ndarray]:
    """Pictures of one room by a camera that shakes by so many pixels and pans by so many a picture."""
    rng, whole = np.random.default_rng(1000 + seed), room(seed)
    pictures = []
    for number in range(count):
        top, left = 48 + rng.integers(-shake, shake + 1, 2) + np.array([0, round(pan * number)])
        seen = whole[top : top + HEIGHT, left : left + WIDTH]
        pictures.append(np.clip(seen + rng.normal(0, noise, seen.shape), 0, 255).astype(np.uint8))
    return pictures


def begins(pictures: list[np.ndarray], frame_rate: float = 25.0) -> list[int]:
    """Where shots begin, the first left out."""
    points = [OnGrid(number, picture, number / frame_rate) for number, picture in enumerate(pictures)]
    shots = list(in_shots(points, frame_rate))
    assert [at.point.number for at in shots] == list(range(len(pictures)))
    assert [at.shot for at in shots] == sorted(at.shot for at in shots)
    return [at.point.number + 1 for at in shots[:-1] if at.is_last]


@pytest.mark.parametrize("frame_rate", [10.0, 25.0, 60.0])
def test_every_planted_cut_is_found_at_its_frame(frame_rate):
    lengths = np.random.default_rng(0).integers(16, 40, 12)
    pictures = [
        picture
        for seed, length in enumerate(lengths)
        for picture in shot(seed, length, shake=2, pan=0.5 * (seed % 3))
    ]
    assert begins(pictures, frame_rate) == np.cumsum(lengths)[:-1].tolist()


def test_a_cut_to_and_fro_is_found_each_time():
    pictures = [picture for seed in (1, 2, 1, 2) for picture in shot(seed, 20)]
    assert begins(pictures) == [20, 40, 60]


@pytest.mark.parametrize("cut", [1, 3, 57, 59])
def test_a_cut_close_to_an_end_of_the_clip_is_found(cut):
    assert begins([*shot(1, cut), *shot(2, 60 - cut)]) == [cut]


def test_a_camera_that_shakes_and_pans_makes_no_cut():
    assert begins(shot(3, 120, shake=10)) == []
    assert begins(shot(4, 40, pan=1.1)) == []


def held(pictures: list[np.ndarray], times: int) -> list[np.ndarray]:
    """Each picture so many times, as where a few a second stand on a denser grid."""
    return [picture for picture in pictures for _ in range(times)]


@pytest.mark.parametrize("times", [2, 3, 4])
def test_pictures_that_are_held_make_no_cut_and_hide_none(times):
    assert begins(held(shot(4, 60, shake=16), times)) == []
    pictures = [picture for seed in (1, 2, 1) for picture in shot(seed, 12, shake=4)]
    assert begins(held(pictures, times)) == [12 * times, 24 * times]


@pytest.mark.parametrize("length", [1, 2, 8])
def test_a_flash_makes_no_cut(length):
    pictures = shot(5, 60, shake=1)
    height = np.linspace(255, 60, HEIGHT)[:, None, None]
    for number in range(30, 30 + length):
        pictures[number] = np.clip(0.3 * pictures[number] + height, 0, 255).astype(np.uint8)
    assert begins(pictures) == []


def test_noise_of_a_flat_picture_makes_no_cut():
    rng = np.random.default_rng(0)
    dim = [np.clip(60 + rng.normal(0, 6, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8) for _ in range(40)]
    assert begins(dim) == []


def test_a_fade_to_black_and_back_is_a_shot_of_its_own():
    pictures = fading(shot(6, 70))
    black, bright = begins(pictures)
    assert 25 <= black <= 30
    assert 40 <= bright <= 45


def fading(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Down to black in ten pictures from the twentieth on, ten black ones, and up again."""
    level = np.concatenate([np.ones(20), np.linspace(1, 0, 10), np.zeros(10), np.linspace(0, 1, 10), np.ones(20)])
    return [(share * picture).astype(np.uint8) for share, picture in zip(level, pictures, strict=True)]


def with_logo(picture: np.ndarray) -> np.ndarray:
    picture[8:20, 160:184] = 235
    return picture


def beside_bars(picture: np.ndarray, grey: int) -> np.ndarray:
    """An upright picture between bars, which fill more than half."""
    picture[:, :60] = picture[:, -60:] = grey
    return picture


def in_a_studio(picture: np.ndarray) -> np.ndarray:
    """A screen that fills a quarter, in a picture of contrasts that stay."""
    studio = room(99)[:HEIGHT, :WIDTH].copy()
    studio[36:108, 48:144] = picture[36:108, 48:144]
    return studio


@pytest.mark.parametrize("kept", [with_logo, partial(beside_bars, grey=255)])
def test_a_fade_to_black_is_a_shot_of_its_own_beside_what_stays_bright(kept):
    black, bright = begins([kept(picture) for picture in fading(shot(6, 70))])
    assert 25 <= black <= 30
    assert 40 <= bright <= 45


def with_ticker(pictures: list[np.ndarray], rows: slice) -> list[np.ndarray]:
    """Letters that run along an edge."""
    letters = np.random.default_rng(5).choice([20, 235], (3, 200)).repeat(8, axis=0).repeat(6, axis=1)
    for number, picture in enumerate(pictures):
        picture[rows] = letters[:, 3 * number : 3 * number + WIDTH, None]
    return pictures


@pytest.mark.parametrize("rows", [slice(HEIGHT - 24, HEIGHT), slice(0, 24), slice(HEIGHT - 32, HEIGHT - 8)])
def test_a_fade_to_black_beside_a_ticker_is_a_shot_of_its_own(rows):
    black, bright = begins(with_ticker(fading(shot(6, 70)), rows))
    assert 25 <= black <= 30
    assert 40 <= bright <= 45
    assert begins(with_ticker(shot(6, 70), rows)) == []


def test_a_scene_at_night_that_flickers_is_not_black():
    level = 0.18 + 0.06 * np.sin(np.arange(60) / 3)
    pictures = [(share * picture).astype(np.uint8) for share, picture in zip(level, shot(4, 60), strict=True)]
    assert begins(pictures) == []
    assert begins([*pictures, *shot(5, 30)]) == [60]


def test_black_pictures_under_a_logo_at_the_start_are_a_shot_of_their_own():
    pictures = [with_logo(picture) for picture in fading(shot(6, 70))]
    assert begins(pictures[32:]) == begins(fading(shot(6, 70))[32:])
    (bright,) = begins(pictures[32:])
    assert 8 <= bright <= 13


def test_a_small_bright_picture_that_moves_in_the_dark_is_not_black():
    pictures = [np.full_like(picture, 8) for picture in shot(6, 60)]
    for number, picture in enumerate(pictures):
        picture[60:84, 4 + 2 * number : 24 + 2 * number] = 200
    assert begins(pictures) == []


@pytest.mark.parametrize(
    "kept", [partial(beside_bars, grey=255), partial(beside_bars, grey=0), in_a_studio, with_logo]
)
def test_what_stays_as_it_is_hides_no_cut_and_makes_none(kept):
    pictures = [kept(picture) for seed in (1, 2, 1, 3) for picture in shot(seed, 20, shake=2)]
    assert begins(pictures) == [20, 40, 60]
    assert begins([kept(picture) for picture in shot(4, 60, shake=4, pan=0.5)]) == []


def test_who_moves_before_a_wall_that_stays_makes_no_cut():
    wall, rng = room(7)[:HEIGHT, :WIDTH], np.random.default_rng(0)
    pictures = []
    for _ in range(100):
        picture = wall.copy()
        top, left = rng.integers(30, 50), rng.integers(50, 80)
        picture[top : top + 70, left : left + 60] = room(8)[:70, :60]
        pictures.append(picture)
    assert begins(pictures) == []


def test_one_picture_and_none_are_one_shot_and_none():
    assert begins(shot(1, 1)) == []
    assert list(in_shots([], 25.0)) == []


def two_persons(media) -> tuple[np.ndarray, np.ndarray]:
    """Faces in the same place of two rooms, so that overlap alone would take them for one."""
    pictures = []
    for seed in (1, 2):
        picture = room(seed)[:160, :192].copy()
        picture[30:142, 40:152] = media.face(112, (70, 110, 140))
        pictures.append(picture)
    return pictures[0], pictures[1]


def test_two_persons_behind_cuts_are_tracks_that_begin_and_end_with_their_shots(tmp_path, media):
    one, other = two_persons(media)
    path = media.write(tmp_path / "a.mp4", pictures=[*[one] * 30, *[other] * 25, *[one] * 20, *[other] * 15])
    tracks = prepare_tracks(path, SMALL)
    spans = sorted((round(clip.start_seconds * 25), clip.num_frames) for clip in tracks)
    assert spans == [(0, 30), (30, 25), (55, 20), (75, 15)]


def test_a_long_clip_whose_pictures_are_not_kept_is_cut_at_the_same_frames(tmp_path, media, monkeypatch):
    one, other = two_persons(media)
    path = media.write(tmp_path / "a.mp4", pictures=[*[one] * 30, *[other] * 25])
    monkeypatch.setattr("multimodal.media.reading.parts.KEEP_BYTES", 1)
    monkeypatch.setattr("multimodal.media.reading.with_decord._AHEAD_BYTES", 1)
    spans = sorted((clip.start_seconds, clip.num_frames) for clip in prepare_tracks(path, SMALL))
    assert spans == [(0, 30), (1.2, 25)]


def test_no_crop_lies_before_a_face_comes_or_after_it_went(tmp_path, media):
    empty = np.full((112, 112, 3), (70, 110, 140), np.uint8)
    path = media.write(tmp_path / "a.mp4", pictures=[*[empty] * 30, *[media.face(112)] * 40, *[empty] * 30])
    (clip,) = prepare_tracks(path, SMALL)
    assert clip.start_seconds >= 30 / 25
    assert clip.start_seconds + clip.num_frames / 25 <= 70 / 25
    assert clip.num_frames >= 30
    assert np.abs(clip.frames.astype(int) - clip.frames[10].astype(int)).mean(axis=(1, 2, 3)).max() < 12


def fades(before: np.ndarray, after: np.ndarray, length: int, black: int) -> list[np.ndarray]:
    """One picture for a second, down to black in ``length`` pictures, up to the other in as many."""
    down = [(before * (1 - step / length)).astype(np.uint8) for step in range(1, length)]
    up = [(after * (step / length)).astype(np.uint8) for step in range(1, length)]
    return [before] * 25 + down + [np.zeros_like(before)] * black + up + [after] * 25


class FindsInTheDark:
    """Finds a face in the middle of each picture that is not quite black."""

    def find(self, picture, smallest_face):
        return np.array([[60.0, 40, 130, 110, 0.99]][: int(picture.max() > 0)]).reshape(-1, 5)

    def follow(self, picture, boxes):
        return self.find(picture, 40)


@pytest.mark.parametrize(("length", "black"), [(20, 12), (30, 12), (30, 25)])
def test_no_face_is_followed_through_black(length, black):
    points = [
        OnGrid(number, picture, number / 25)
        for number, picture in enumerate(fades(shot(1, 1)[0], shot(2, 1)[0], length, black))
    ]
    found = find_faces(points, FindsInTheDark(), frame_rate=25.0, smallest_face=40)
    first, second = link_tracks(found, frame_rate=25.0, num_points=len(points))
    middle = len(points) / 2
    assert min(first.indices[0], second.indices[0]) == 0
    assert not any(
        middle - black / 2 <= number < middle + black / 2 for number in [*first.indices, *second.indices]
    )


@pytest.mark.parametrize("is_beside", [False, True])
def test_all_that_goes_black_is_told_from_a_screen_that_does(is_beside):
    pictures = fades(shot(1, 1)[0], shot(2, 1)[0], 20, 25)
    if is_beside:  # a person who sits still
        person = shot(3, 1)[0]
        pictures = [np.concatenate([picture, person[:, :60]], axis=1) for picture in pictures]
    points = [OnGrid(number, picture, number / 25) for number, picture in enumerate(pictures)]
    shots = list(in_shots(points, 25.0))
    assert {at.shot for at in shots} == {0, 1, 2}
    assert {at.shot for at in shots if at.is_black} == (set() if is_beside else {1})
