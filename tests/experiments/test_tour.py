import pytest

from experiments.tour.corpora import few_of_each_class, find_or_generate, folder_of
from experiments.tour.live import history_of
from experiments.tour.show import as_frame, as_table
from experiments.tour.sizes import SIZES, chosen_sizes
from experiments.tour.tables import corpora_table
from multimodal.corpora import scan
from multimodal.corpora.synthetic import LayoutOptions
from multimodal.files import write_json

SMALL = LayoutOptions(identities=3, clips=1, clip_seconds=0.3, frame_size=64)


def test_a_root_that_is_there_is_read_and_one_that_is_not_gets_a_stand_in(workspace, tmp_path):
    roots = {"fakeavceleb": workspace / "corpus", "faces140k": tmp_path / "faces"}
    found = find_or_generate(
        roots, tmp_path / "stand-ins", talking_heads=SIZES["tiny"].talking_heads, layouts=SMALL
    )
    assert found["fakeavceleb"].manifest.roots == scan("fakeavceleb", workspace / "corpus").roots
    assert found["faces140k"].remark == f"there is no folder {tmp_path / 'faces'}"
    assert found["faces140k"].is_stand_in
    assert len(found["faces140k"].manifest.clips) > 0
    table = corpora_table(found)
    assert list(table["media"]) == ["GENERATED STAND-IN"] * 2  # the corpus of the tests was drawn by a program too


def test_few_clips_of_each_class_are_the_same_few_every_time(workspace):
    manifest = scan("fakeavceleb", workspace / "corpus")
    few = few_of_each_class(manifest, 3)
    assert few.clips["av_class"].value_counts().to_dict() == dict.fromkeys(("RVRA", "RVFA", "FVRA", "FVFA"), 3)
    assert few.clips.equals(few_of_each_class(manifest, 3).clips)


def test_other_clips_and_other_settings_get_another_folder(workspace, tmp_path):
    manifest = scan("fakeavceleb", workspace / "corpus")
    first = folder_of(manifest, tmp_path, "a")
    assert folder_of(manifest, tmp_path, "a") == first
    assert folder_of(manifest, tmp_path, "b") != first
    assert folder_of(few_of_each_class(manifest, 1), tmp_path, "a") != first
    assert (first / "manifest.parquet").is_file()


def test_an_unknown_size_lists_the_choices(monkeypatch):
    monkeypatch.setenv("NOTEBOOK_SIZE", "huge")
    with pytest.raises(ValueError, match="unknown NOTEBOOK_SIZE 'huge'; choose from full, tiny"):
        chosen_sizes()


def test_what_strangers_wrote_stays_text(tmp_path):
    import pandas as pd

    assert "<b>" not in as_table(pd.DataFrame({"remark": ["<b>loud</b>"]})).data
    assert "<script>" not in as_frame('<script>alert("x")</script>').data


def test_the_history_of_a_training_is_read_while_it_runs(tmp_path):
    assert history_of(tmp_path) == []
    write_json(tmp_path / "checkpoints" / "step-00000002" / "state.json", {"history": [{"step": 2, "loss": 1.0}]})
    assert history_of(tmp_path) == [{"step": 2, "loss": 1.0}]
