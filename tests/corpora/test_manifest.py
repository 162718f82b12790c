import pytest

from multimodal.corpora.manifest import Clip, collect, concatenate


def manifest(root, *paths, corpus="mine"):
    return collect([Clip(path, "video", 0, None, "real", 1) for path in paths], corpus=corpus, root=root)


def test_manifests_of_several_corpora_keep_their_roots_and_are_sorted_by_clip(tmp_path):
    joined = concatenate(
        [manifest(tmp_path / "b", "1.mp4", corpus="second"), manifest(tmp_path / "a", "2.mp4", "1.mp4")]
    )
    assert joined.clips["clip_id"].tolist() == ["mine/1.mp4", "mine/2.mp4", "second/1.mp4"]
    assert joined.roots == {"mine": str(tmp_path / "a"), "second": str(tmp_path / "b")}


def test_one_corpus_in_two_places_stops_with_both_named(tmp_path):
    pair = [manifest(tmp_path / "norm", "1.wav"), manifest(tmp_path / "rerec", "2.wav")]
    with pytest.raises(ValueError, match=f"one of {tmp_path / 'norm'} and one of {tmp_path / 'rerec'}"):
        concatenate(pair)


def test_a_clip_in_two_manifests_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"1 clips stand in two of the manifests, e\.g\. mine/1\.mp4"):
        concatenate([manifest(tmp_path, "1.mp4"), manifest(tmp_path, "1.mp4", "2.mp4")])


def test_no_manifest_says_how_to_make_one():
    with pytest.raises(ValueError, match="make one with: scan"):
        concatenate([])
