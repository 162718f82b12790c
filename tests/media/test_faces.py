"""What holds of every face detector in the catalog, and the catalog itself."""

import json

import numpy as np
import pytest

from multimodal.media import faces
from multimodal.media.faces import DETECTORS, FaceDetector, create_detector, merge_found, pairwise_iou
from multimodal.media.prepare import prepare_tracks
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.format import claim_store, differences, fingerprint_of, read_header


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request) -> FaceDetector:
    return create_detector(request.param)


def in_room(face: np.ndarray, left: int, top: int, size: tuple[int, int] = (480, 320)) -> np.ndarray:
    room = np.full((size[1], size[0], 3), (70, 110, 140), np.uint8)
    room[top : top + len(face), left : left + len(face)] = face
    return room


def test_mtcnn_finds_a_face_where_facenet_finds_it(media):
    from facenet_pytorch import MTCNN

    detector = create_detector("mtcnn")
    for side, left in ((120, 40), (200, 150), (300, 100)):
        picture = in_room(media.face(side), left, 10)
        (box,), _ = MTCNN(keep_all=True).detect(picture)
        (face,) = detector.find(picture, 40)
        assert pairwise_iou(box[None].astype(float), face[None, :4]).item() > 0.8
        assert face[4] > 0.9


@pytest.mark.parametrize("share", [0.1, 0.05])
def test_a_face_in_the_dark_is_found_and_followed_where_it_is_in_the_light(detector, share, media):
    picture = in_room(media.face(160), 100, 60)
    dark = (share * picture + np.random.default_rng(0).normal(0, 1, picture.shape)).clip(0, 255).astype(np.uint8)
    (bright,), (found,) = detector.find(picture, 48), detector.find(dark, 48)
    assert pairwise_iou(bright[None, :4], found[None, :4]).item() > 0.85
    (followed,) = detector.follow(dark, bright[None, :4])
    assert pairwise_iou(bright[None, :4], followed[None, :4]).item() > 0.85
    assert len(detector.find(np.random.default_rng(0).integers(0, 12, picture.shape).astype(np.uint8), 48)) == 0


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


@pytest.mark.parametrize(("left", "top"), [(-70, 60), (350, 60), (100, -50), (100, 160)])
def test_a_face_that_the_pictures_edge_cuts_off_is_followed_where_it_is(detector, left, top, media):
    """Each box is followed from the one before: one that comes out too large would grow and grow."""
    face = media.face(200)
    (whole,) = detector.find(in_room(face, 100, 60), 48)
    truth = whole[None, :4] + [left - 100, top - 60] * 2
    picture = in_room(face, left + 200, top + 200, (880, 720))[200:520, 200:680]
    found = detector.find(picture, 48)
    for _ in range(12):
        assert pairwise_iou(found[:, :4], truth).item() > 0.8
        found = detector.follow(picture, found[:, :4])


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


def test_faces_are_rows_of_corners_inside_one_another_and_a_probability_and_always_the_same(detector, media):
    picture = in_room(media.face(160), 100, 60)
    found = detector.find(picture, 48)
    (x0, y0, x1, y1, probability) = found[0]
    assert (found.dtype, found.shape) == (np.float64, (1, 5))
    assert x0 < 180 < x1
    assert y0 < 140 < y1
    assert 0.8 < probability <= 1  # or the tracks of this detector would be dropped
    np.testing.assert_array_equal(detector.find(picture, 48), found)


def test_the_detector_that_the_options_name_is_used(monkeypatch, media, tmp_path):
    class Blind:
        def __init__(self, device):
            pass

        def find(self, picture, smallest):
            return np.zeros((0, 5))

    monkeypatch.setattr(faces, "Blind", Blind, raising=False)
    monkeypatch.setitem(DETECTORS, "blind", "multimodal.media.faces:Blind")
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(12))
    assert prepare_tracks(path, PrepareOptions(crop_size=32, face_detector="blind"))[0].num_frames == 0
    assert prepare_tracks(path, PrepareOptions(crop_size=32))[0].num_frames == 12


def test_a_store_names_the_detector_unless_it_is_the_one_of_stores_that_name_none(tmp_path):
    fingerprints = [fingerprint_of(PrepareOptions(face_detector=name)) for name in ("mtcnn", "other")]
    assert "face_detector" not in json.loads(fingerprints[0])
    assert differences(*fingerprints) == ["face_detector is mtcnn, not other"]
    for name in ("mtcnn", "other"):
        claim_store(tmp_path / name, PrepareOptions(face_detector=name))
        assert read_header(tmp_path / name)[0].face_detector == name
        assert ("face_detector" in (tmp_path / name / "header.json").read_text()) == (name == "other")


def test_a_detector_that_does_not_exist_is_refused_before_a_store_is_made(tmp_path):
    with pytest.raises(ValueError, match=r"unknown face detector 'mtcn'; did you mean 'mtcnn'\? Choose from"):
        prepare_corpus(None, tmp_path / "store", PrepareOptions(face_detector="mtcn"))
    assert list(tmp_path.iterdir()) == []
