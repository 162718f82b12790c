import numpy as np
import pytest

from multimodal.media.faces import MtcnnDetector, merge_found, pairwise_iou


@pytest.fixture(scope="module")
def detector() -> MtcnnDetector:
    return MtcnnDetector()


def in_room(face: np.ndarray, left: int, top: int, size: tuple[int, int] = (480, 320)) -> np.ndarray:
    room = np.full((size[1], size[0], 3), (70, 110, 140), np.uint8)
    room[top : top + len(face), left : left + len(face)] = face
    return room


def test_a_face_is_found_where_facenet_finds_it(detector, media):
    from facenet_pytorch import MTCNN

    for side, left in ((120, 40), (200, 150), (300, 100)):
        picture = in_room(media.face(side), left, 10)
        (box,), _ = MTCNN(keep_all=True).detect(picture)
        (face,) = detector.find(picture, 40)
        assert pairwise_iou(box[None].astype(float), face[None, :4]).item() > 0.8
        assert face[4] > 0.9


def test_faces_smaller_than_asked_are_left_out(detector, media):
    picture = in_room(media.face(70), 100, 100)
    assert len(detector.find(picture, 30)) == 1
    assert len(detector.find(picture, 100)) == 0


def test_a_face_that_moved_is_followed(detector, media):
    before, after = (in_room(media.face(160), left, 60) for left in (100, 122))
    (old,), (new,) = detector.find(before, 48), detector.find(after, 48)
    (followed,) = detector.follow(after, old[None, :4])
    assert followed[0] - old[0] == pytest.approx(22, abs=8)
    assert pairwise_iou(followed[None, :4], new[None, :4]).item() > 0.85


def test_a_face_that_is_gone_is_not_followed(detector, media):
    (face,) = detector.find(in_room(media.face(160), 100, 60), 48)
    empty = np.full((320, 480, 3), (70, 110, 140), np.uint8)
    assert len(detector.follow(empty, face[None, :4])) == 0


def test_two_faces_are_two_and_each_is_given_once(detector, media):
    picture = in_room(media.face(140), 20, 60)
    picture[80:240, 300:460] = media.face(160)
    assert len(detector.find(picture, 48)) == 2


@pytest.mark.parametrize("size", [(8, 200), (1, 1), (30, 30)])
def test_pictures_smaller_than_a_face_hold_none(size, detector):
    assert detector.find(np.zeros((*size, 3), np.uint8), 48).shape == (0, 5)


def test_following_nothing_gives_nothing(detector):
    assert detector.follow(np.zeros((60, 60, 3), np.uint8), np.zeros((0, 4))).shape == (0, 5)


def test_a_box_that_reaches_over_the_border_can_be_followed(detector, media):
    picture = in_room(media.face(200), 0, 0)
    (face,) = detector.find(picture, 48)
    (followed,) = detector.follow(picture, face[None, :4] - 15.0)
    assert pairwise_iou(followed[None, :4], face[None, :4]).item() > 0.75


def test_what_was_followed_is_preferred_to_what_was_found_there():
    followed = np.array([[10.0, 10, 30, 30, 0.8]])
    found = np.array([[12.0, 10, 32, 30, 0.9], [60, 10, 80, 30, 0.9]])
    np.testing.assert_array_equal(merge_found(followed, found), [followed[0], found[1]])
