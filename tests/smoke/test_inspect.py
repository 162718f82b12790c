"""Looking at a store, as a person does after preparing."""

import pytest

from experiments.inspect import inspect


def test_inspect_tells_what_a_store_holds_and_writes_a_page(workspace, capsys, tmp_path):
    import shutil

    store = tmp_path / "store"
    shutil.copytree(workspace / "store", store)
    inspect(store, html=True, clips=2)
    text = capsys.readouterr().out
    assert "clips prepared" in text
    assert "generated media: a smoke test" in text  # the store itself knows
    page = (store / "inspect.html").read_text()
    assert "Generated media: what is seen and heard here says nothing about real videos" in page
    assert page.count("data:image/png") == 2
    assert "Clips drawn at random" in page


def test_inspect_refuses_what_is_no_store(tmp_path):
    with pytest.raises(ValueError, match="not a store of prepared clips"):
        inspect(tmp_path)


def test_with_the_manifest_the_page_says_what_each_clip_is_and_that_it_was_drawn(workspace, capsys, tmp_path):
    import shutil

    from multimodal.corpora.manifest import Manifest

    store, manifest = tmp_path / "store", workspace / "manifest.parquet"
    shutil.copytree(workspace / "store", store)
    inspect(store, html=True, clips=2, manifest=(manifest,))
    assert "generated media: a smoke test" in capsys.readouterr().out
    page = (store / "inspect.html").read_text()
    assert "enerated media" in page
    clips = Manifest.read(manifest).clips.set_index("clip_id")
    shown = [clip for clip in clips.index if clip in page]
    assert len(shown) == 2
    assert all(f"{clips.loc[clip, 'av_class']}, {clips.loc[clip, 'method']}" in page for clip in shown)


def test_the_manifest_of_another_corpus_is_refused(workspace, write_sounds, tmp_path):
    manifest, _ = write_sounds(tmp_path, "tones", {"a.wav": (0.1, 0.5, 0.1)})
    manifest.write(tmp_path / "tones.parquet")
    with pytest.raises(ValueError, match=r"no clip of .*tones\.parquet is in .*store; give the manifest"):
        inspect(workspace / "store", manifest=(tmp_path / "tones.parquet",))
