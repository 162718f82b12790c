"""Networks that one process computes for all workers, on the CPU, where they can be compared."""

from functools import partial
from multiprocessing import active_children

import numpy as np
import pytest

from multimodal.corpora.manifest import Clip, collect
from multimodal.media.faces import create_detector
from multimodal.media.mtcnn import MtcnnNetworks
from multimodal.media.networks import NetworksGoneError, SharedNetworks, computed, on_device, serving
from multimodal.media.prepare import prepare_clip
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.reader import Store

PRELOAD = ("multimodal.media.mtcnn", "multimodal.media.prepare_corpus")


@pytest.fixture(scope="module")
def loaded() -> MtcnnNetworks:
    return MtcnnNetworks()


@pytest.fixture(scope="module")
def address():
    with serving(MtcnnNetworks, "cpu", preload=PRELOAD) as address:
        yield address


def images(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (count, side, side, 3), dtype=np.uint8)


def test_a_detector_finds_and_follows_the_same_faces_by_shared_networks(address, media):
    picture = np.full((320, 480, 3), (70, 110, 140), np.uint8)
    picture[60:200, 100:240] = media.face(140)
    alone, shared = create_detector("mtcnn"), create_detector("mtcnn", networks=SharedNetworks(address))
    faces = alone.find(picture, 48)
    assert len(faces) == 1
    np.testing.assert_allclose(shared.find(picture, 48), faces, atol=1e-3)
    np.testing.assert_allclose(
        shared.follow(picture, faces[:, :4]), alone.follow(picture, faces[:, :4]), atol=1e-3
    )


def test_what_is_said_of_an_image_does_not_depend_on_who_else_asks(loaded):
    mine, others = images(3, 24), [images(count, 24, seed=count) for count in (1, 70)]
    (alone,) = computed(loaded, [("refine", mine)])
    asked = [("refine", others[0]), ("output", images(2, 48)), ("refine", mine), ("refine", others[1])]
    together = computed(loaded, asked)
    for one, other in zip(alone, together[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert [len(answer[0]) for answer in together] == [1, 2, 3, 70]
    for one, other in zip(loaded("refine", mine), alone, strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-5)


def test_an_error_is_that_of_who_asked_and_the_others_are_answered(address):
    wrong, right = SharedNetworks(address), SharedNetworks(address)
    with pytest.raises(KeyError, match="nothing"):
        wrong("nothing", images(1, 24))
    with pytest.raises(RuntimeError, match="size"):
        wrong("output", images(1, 5))
    assert len(right("output", images(2, 48))[0]) == 2
    assert len(wrong("output", images(1, 48))[0]) == 1


def test_what_cannot_be_loaded_is_told_by_whoever_waits():
    with pytest.raises(RuntimeError, match="nowhere"), serving(MtcnnNetworks, "nowhere", preload=PRELOAD):
        pass


def test_where_the_process_dies_no_clip_is_to_blame(loaded):
    before = set(active_children())
    with serving(MtcnnNetworks, "cpu", preload=PRELOAD) as address:
        shared = SharedNetworks(address)
        (process,) = set(active_children()) - before
        process.kill()
        process.join()
        with pytest.raises(NetworksGoneError, match="call again"):
            shared("output", images(1, 48))


def test_it_ends_with_the_block(loaded):
    before = set(active_children())
    with serving(MtcnnNetworks, "cpu", preload=PRELOAD):
        assert len(set(active_children()) - before) == 1
    assert not set(active_children()) - before


def on_elsewhere(on_device, face_detector: str, device: str, *, preload):
    """The CPU, as if it were another device."""
    return on_device(face_detector, f"{device}:0", preload=preload)


def test_a_corpus_prepared_by_shared_networks_has_the_same_faces(tmp_path, media, monkeypatch):
    root, options = tmp_path / "corpus", PrepareOptions(crop_size=32)
    root.mkdir()
    whole = media.write(root / "0.mp4", pictures=media.talking(10), sound=media.speech(0.4))
    (root / "1.mp4").write_bytes(b"no video")
    clips = [Clip(path.name, "video", 0, 0, "real", size_bytes=1) for path in root.iterdir()]
    manifest = collect(clips, corpus="tiny", root=root)
    monkeypatch.setattr("multimodal.media.prepare_corpus.on_device", partial(on_elsewhere, on_device))
    summary = prepare_corpus(manifest, tmp_path / "store", options)
    assert (summary.prepared, summary.failed) == (1, 1)
    shared, alone = Store.open(tmp_path / "store").read("tiny/0.mp4"), prepare_clip(whole, "tiny/0.mp4", options)
    np.testing.assert_allclose(shared.boxes, alone.boxes, atol=0.02)
