"""Which pictures of a clip are looked at, and how closely."""

import numpy as np
import pytest

from multimodal.media.mtcnn import MtcnnDetector
from multimodal.media.reading.time_grid import OnGrid
from multimodal.media.search import find_faces
from multimodal.media.tracks import box_path, link_tracks


class Recorder(MtcnnDetector):
    """Counts how often whole pictures are searched."""

    def __init__(self) -> None:
        super().__init__()
        self.searched = 0

    def find(self, picture, smallest):
        self.searched += 1
        return super().find(picture, smallest)


@pytest.fixture
def detector() -> Recorder:
    return Recorder()


def search(pictures: list[np.ndarray], detector: Recorder) -> dict[int, int]:
    """Points of a 25 Hz grid that were looked at, and how many faces were seen there."""
    clip = [OnGrid(number, picture, number / 25) for number, picture in enumerate(pictures)]
    found = find_faces(clip, detector, frame_rate=25.0, smallest_face=40)
    assert [at.number for at in found] == sorted({at.number for at in found})
    return {at.number: len(at.faces) for at in found}


def test_a_steady_face_is_searched_every_other_second_and_followed_in_between(detector, media):
    seen = search(media.talking(100), detector)
    assert detector.searched == 3
    assert {0, 50, 99} <= set(seen)
    assert max(np.diff(sorted(seen))) <= 10
    assert set(seen.values()) == {1}


def test_without_a_face_the_whole_picture_is_searched_every_second(detector, media):
    seen = search(media.counting(76, (112, 112)), detector)
    assert detector.searched == 4
    assert set(seen.values()) == {0}


def test_a_face_that_comes_between_two_looks_is_followed_back_to_where_it_came(detector, media):
    seen = search([*media.talking(60), *media.counting(30, (112, 112)), *media.talking(60)], detector)
    gone = [number for number, count in seen.items() if count == 0]
    assert 55 <= min(gone) <= 75
    assert 85 <= max(gone) <= 95
    assert all(count == (number < 60 or number >= 90) for number, count in seen.items())


def test_a_second_face_that_comes_is_followed_back(detector, media):
    alone = np.full((160, 400, 3), (70, 110, 140), np.uint8)
    alone[20:132, 20:132] = media.face(112)
    both = alone.copy()
    both[20:132, 260:372] = media.face(112)
    seen = search([alone] * 20 + [both] * 40, detector)
    assert [count for number, count in seen.items() if number < 20] == [1] * sum(number < 20 for number in seen)
    assert all(count == 2 for number, count in seen.items() if number > 20)


@pytest.mark.parametrize(("turns_every", "looks"), [(50, range(10, 20)), (8, range(20, 51))])
def test_a_fast_face_stays_one_track_and_one_that_turns_is_looked_at_more_often(
    turns_every, looks, detector, media
):
    steps = [6 * (-1) ** (number // turns_every) for number in range(50)]
    lefts = 60 + np.cumsum(steps)
    pictures = []
    for left in lefts:
        room = np.full((160, 640, 3), (70, 110, 140), np.uint8)
        room[20:132, left : left + 112] = media.face(112)
        pictures.append(room)
    clip = [OnGrid(number, picture, number / 25) for number, picture in enumerate(pictures)]
    found = find_faces(clip, detector, frame_rate=25.0, smallest_face=40)
    assert len(found) in looks
    (track,) = link_tracks(found, frame_rate=25.0, num_points=50)
    path = box_path(track, frame_rate=25.0, width=640, height=160)
    np.testing.assert_allclose(path.boxes[:, [0, 2]].mean(axis=1), lefts + 56, atol=12)


def test_a_clip_without_pictures_holds_no_faces(detector):
    assert search([], detector) == {}


def test_a_face_lost_right_after_a_look_is_found_again_when_it_comes_back(detector, media):
    room = np.full((160, 400, 3), (70, 110, 140), np.uint8)
    left, right = room.copy(), room.copy()
    left[20:132, 20:132] = media.face(112)
    right[20:132, 270:382] = media.face(112)
    seen = search([left] + [room] * 7 + [right] * 50, detector)
    assert seen[1] == 0
    assert min(number for number, count in seen.items() if number > 1 and count) <= 13  # not 50, when it is time


def test_of_two_faces_one_that_was_long_seen_and_then_hidden_is_searched_for_soon(detector, media):
    alone = np.full((160, 400, 3), (70, 110, 140), np.uint8)
    alone[20:132, 20:132] = media.face(112)
    both = alone.copy()
    both[20:132, 260:372] = media.face(112)
    seen = search([both] * 60 + [alone] * 20 + [both] * 60, detector)
    hidden = [number for number, count in seen.items() if count == 1]
    assert min(hidden) >= 60
    assert max(hidden) < 90  # not 110 and more, when it is time
