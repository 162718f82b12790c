import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.corpora.manifest import Clip, Manifest, collect, concatenate


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


def changed(path, **columns):
    """The manifest in a file, written again with other columns."""
    table = pq.read_table(path)
    for name, cells in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pa.array(cells, table.schema.field(place).type))
    pq.write_table(table, path)


@pytest.mark.parametrize("clip_ids", [["mine/1.mp4"] * 2, [""] * 2])
def test_clip_that_one_manifest_names_twice_is_told_of_that_manifest(tmp_path, clip_ids):
    path = tmp_path / "manifest.parquet"
    manifest(tmp_path, "1.mp4", "2.mp4").write(path)
    changed(path, clip_id=clip_ids)
    with pytest.raises(
        ValueError, match=rf"manifest.parquet has 1 clips in several rows each, e.g. '{clip_ids[0]}'\. Keep"
    ):
        Manifest.read(path)


@pytest.mark.parametrize("corpus", [None, ""])
def test_clips_of_no_corpus_are_refused(tmp_path, corpus):
    path = tmp_path / "manifest.parquet"
    manifest(tmp_path, "1.mp4", "2.mp4").write(path)
    changed(path, corpus=[corpus] * 2)
    with pytest.raises(ValueError, match=r"manifest.parquet has 2 rows without corpus"):
        Manifest.read(path)


def test_a_manifest_without_a_clip_is_refused(tmp_path):
    path = tmp_path / "manifest.parquet"
    manifest(tmp_path, "1.mp4").write(path)
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(ValueError, match=r"manifest.parquet holds no clip\. Make it anew with: scan"):
        Manifest.read(path)
