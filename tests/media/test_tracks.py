import numpy as np
import pytest
from scipy.signal import savgol_filter

from multimodal.media.search import FacesAt
from multimodal.media.tracks import BoxPath, Track, box_path, link_tracks, thin_path

FRAME_RATE = 10.0


def box(x: float, y: float = 50.0, side: float = 20.0, probability: float = 1.0) -> list[float]:
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2, probability]


def faces(per_point: dict[int, list[list[float]]]) -> list[FacesAt]:
    return [FacesAt(number, np.array(boxes).reshape(-1, 5)) for number, boxes in per_point.items()]


def test_one_moving_face_is_one_track():
    found = faces({number: [box(30 + 2 * number)] for number in range(0, 30, 5)})
    (track,) = link_tracks(found, frame_rate=FRAME_RATE, num_points=30)
    assert track.indices == [0, 5, 10, 15, 20, 25]


def test_faces_that_cross_keep_their_tracks():
    def crossing(number: int) -> list[list[float]]:
        return [box(20 + 6 * number, y=45), box(140 - 6 * number, y=55)]

    for order in (1, -1):
        found = faces({number: crossing(number)[::order] for number in range(0, 21, 2)})
        first, second = link_tracks(found, frame_rate=FRAME_RATE, num_points=21)
        for track in (first, second):
            heights = [corners[1] for corners in track.boxes]
            assert len(set(heights)) == 1
            assert len(track.indices) == 11


def test_the_main_track_has_most_time_times_size():
    large_but_brief = {number: [box(150, side=40)] for number in range(0, 10, 5)}
    small_but_long = {number: [box(50, side=25)] for number in range(10, 100, 5)}
    tracks = link_tracks(faces(large_but_brief | small_but_long), frame_rate=FRAME_RATE, num_points=100)
    assert [track.indices[0] for track in tracks] == [10, 0]


def test_a_face_missed_for_a_second_stays_the_same_and_after_two_is_another():
    present = [0, 5, 15, 40, 45]
    found = faces({number: [box(50)] if number in present else [] for number in range(0, 50, 5)})
    tracks = link_tracks(found, frame_rate=FRAME_RATE, num_points=50)
    assert [track.indices for track in tracks] == [[0, 5, 15], [40, 45]]


def test_what_is_seen_once_or_never_surely_is_no_face():
    once = faces({0: [box(50)], 5: [], 10: []})
    unsure = faces({number: [box(50, probability=0.75)] for number in range(0, 30, 5)})
    assert link_tracks(once, frame_rate=FRAME_RATE, num_points=11) == []
    assert link_tracks(unsure, frame_rate=FRAME_RATE, num_points=30) == []


def test_what_is_seen_throughout_is_a_face_though_no_sighting_is_quite_sure():
    found = faces({number: [box(50, probability=0.85)] for number in range(0, 30, 5)})
    assert len(link_tracks(found, frame_rate=FRAME_RATE, num_points=30)) == 1


def test_one_sighting_is_enough_for_a_single_picture():
    assert len(link_tracks(faces({0: [box(50)]}), frame_rate=25.0, num_points=1)) == 1


def test_boxes_between_two_sightings_lie_between_them():
    found = faces({0: [box(30)], 5: [box(40)], 10: [box(50)]})
    (track,) = link_tracks(found, frame_rate=FRAME_RATE, num_points=11)
    path = box_path(track, frame_rate=FRAME_RATE, width=100, height=100)
    centres = path.boxes[:, [0, 2]].mean(axis=1)
    assert path.first == 0
    assert len(path.boxes) == 11
    assert (np.diff(centres) > 0).all()
    assert centres[5] == pytest.approx(40)


def test_boxes_shake_less_than_the_sightings():
    shaking = {number: [box(50 + (-1) ** number * 3)] for number in range(20)}
    (track,) = link_tracks(faces(shaking), frame_rate=FRAME_RATE, num_points=20)
    path = box_path(track, frame_rate=FRAME_RATE, width=100, height=100)
    assert np.ptp(path.boxes[3:-3, 0]) < 3.0


def test_a_path_begins_and_ends_with_a_sighting_and_stays_in_the_picture():
    found = faces({20: [box(5)], 25: [box(5)], 30: [box(5)]})
    (track,) = link_tracks(found, frame_rate=FRAME_RATE, num_points=60)
    path = box_path(track, frame_rate=FRAME_RATE, width=100, height=100)
    assert (path.first, len(path.boxes)) == (20, 11)
    assert path.boxes.min() >= 0


def test_a_thinned_path_reaches_no_further_than_the_sightings():
    path = BoxPath(7, np.zeros((10, 4)))
    thin = thin_path(path, 3)
    assert (thin.first, len(thin.boxes)) == (3, 3)  # points 9, 12 and 15 of 7 to 16


def test_a_face_that_is_in_the_same_place_after_a_cut_is_another():
    found = [at._replace(shot=int(at.number >= 15)) for at in faces({number: [box(50)] for number in range(30)})]
    tracks = link_tracks(found, frame_rate=FRAME_RATE, num_points=30)
    assert sorted((track.indices[0], track.indices[-1]) for track in tracks) == [(0, 14), (15, 29)]


def path_of(sides: dict[int, float], lefts: dict[int, float], frame_rate: float = 25.0) -> np.ndarray:
    """The path of one face by the size and the middle of its sightings."""
    found = faces({number: [box(lefts[number], y=200, side=side)] for number, side in sides.items()})
    (track,) = link_tracks(found, frame_rate=frame_rate, num_points=max(sides) + 1)
    return box_path(track, frame_rate=frame_rate, width=1000, height=1000).boxes


def test_a_calm_face_is_steadied_by_the_sightings_around_and_keeps_a_straight_way():
    sides = dict.fromkeys(range(0, 81, 8), 100.0)
    lefts = {number: 300.0 + number for number in sides}
    np.testing.assert_allclose(path_of(sides, lefts)[:, 2], np.arange(81) + 350.0, atol=1e-6)
    trembling = path_of(sides | {40: 130.0}, lefts)
    widths = trembling[:, 2] - trembling[:, 0]
    assert 100 < widths.max() < 112  # of a sighting 30 pixels too wide


def test_a_face_that_is_seen_often_since_it_turns_is_left_where_it_was_seen():
    lefts = dict(enumerate(np.cumsum([6.0 * (-1) ** (number // 8) for number in range(48)]) + 300))
    path = path_of(dict.fromkeys(lefts, 100.0), lefts)
    np.testing.assert_allclose(path[:, [0, 2]].mean(axis=1), list(lefts.values()), atol=9)


@pytest.mark.parametrize("length", [3, 4, 5, 9, 10, 11, 12, 40])
def test_boxes_are_smoothed_as_scipy_smooths_them(length):
    corners = np.random.default_rng(0).uniform(100, 500, (length, 4))
    track = Track(list(range(length)), list(corners), [1.0] * length)
    smooth = box_path(track, frame_rate=25.0, width=600, height=600).boxes  # no face so unsteady is steadied
    window = min(11, length - 1 + length % 2)
    wanted = corners if window <= 3 else savgol_filter(corners, window, polyorder=2, axis=0).clip(0, 600)
    assert np.abs(smooth - wanted).max() < 1e-9
