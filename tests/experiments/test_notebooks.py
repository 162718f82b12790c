import re

import pytest

from experiments.notebooks import batches
from experiments.notebooks.corpora import few_of_each_class, find_or_generate, folder_of
from experiments.notebooks.show import as_frame, as_list, as_table, history_of, quietly
from experiments.notebooks.sizes import chosen_sizes
from experiments.notebooks.tables import class_weights_table, corpora_table, leakage_table, thresholds_table
from experiments.recipes import small
from multimodal.corpora import scan
from multimodal.files import write_json
from multimodal.labels import FAKE, REAL
from multimodal.splits import make_split
from multimodal.synthetic import GENERATORS, LayoutOptions, SyntheticOptions

SMALL = LayoutOptions(identities=3, clips=1, clip_seconds=0.3, frame_size=64)
HEADS = SyntheticOptions(
    groups=1, identities_per_group=2, real_clips=1, rtvc_clips=1, wav2lip_clips=1, rtvc_wav2lip_clips=1,
    clip_seconds=0.3, frame_size=64,
)  # fmt: skip


def test_a_root_that_is_there_is_read_and_one_that_is_not_gets_a_stand_in(workspace, tmp_path):
    roots = {"fakeavceleb": workspace / "corpus", "faces140k": tmp_path / "faces"}
    found = find_or_generate(roots, tmp_path / "stand-ins", talking_heads=HEADS, layouts=SMALL)
    assert found["fakeavceleb"].manifest.roots == scan("fakeavceleb", workspace / "corpus").roots
    assert found["faces140k"].remark == f"there is no folder {tmp_path / 'faces'}"
    assert found["faces140k"].is_stand_in
    assert len(found["faces140k"].manifest.clips) > 0
    table = corpora_table(found)
    assert list(table["media"]) == ["GENERATED STAND-IN"] * 2  # the corpus of the tests was drawn by a program too


def half_downloaded(corpus, folder, *, is_there):
    """A copy of a corpus in which only some clips have arrived; the others are names without content."""
    for file in sorted(corpus.rglob("*.mp4")):
        copy = folder / file.relative_to(corpus)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes() if is_there(copy) else b"")
    return folder


@pytest.mark.parametrize(
    ("is_there", "why"),
    [
        (
            lambda file: "FakeVideo" not in str(file),
            "no clip of FVRA, FVFA for train: .* half downloaded",
        ),
        (lambda file: "African" in str(file), "group_out needs three groups or more; this manifest has 1"),
        (lambda file: False, "group_out needs three groups or more; this manifest has 0"),
    ],
)
def test_the_corpus_to_learn_from_is_replaced_where_too_little_of_it_has_arrived(
    is_there, why, workspace, tmp_path
):
    root = half_downloaded(workspace / "corpus", tmp_path / "half", is_there=is_there)
    found = find_or_generate({"fakeavceleb": root}, tmp_path / "stand-ins", talking_heads=HEADS, layouts=SMALL)[
        "fakeavceleb"
    ]
    assert re.match(why, found.remark)
    assert (found.manifest.clips["size_bytes"] > 0).all()


@pytest.mark.parametrize(
    ("leave", "why"),
    [
        (lambda file: "manipulated" not in str(file), "no fake clip among the 6 files that are not empty"),
        (lambda file: False, "no real and no fake clip among the 0 files that are not empty; half downloaded?"),
    ],
)
def test_a_corpus_of_which_a_side_is_missing_or_empty_is_replaced(leave, why, tmp_path):
    root = tmp_path / "half"
    GENERATORS["faceforensics"](root, SMALL, workers=1, progress=lambda files: files)
    half_downloaded(root, root, is_there=leave)
    found = find_or_generate({"faceforensics": root}, tmp_path / "copies", talking_heads=HEADS, layouts=SMALL)
    assert found["faceforensics"].remark.startswith(why)
    assert set(found["faceforensics"].manifest.clips["any_fake"]) == {REAL, FAKE}


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


def test_a_split_by_groups_stands_beside_what_a_random_one_leaks(workspace):
    manifest = scan("fakeavceleb", workspace / "corpus")
    table = leakage_table(manifest, [make_split(manifest, name) for name in ("group_out", "random")])
    assert list(table["test clips in train: same person on screen"]) == ["0%", "100%"]


def test_a_threshold_stands_beside_its_interval_or_is_not_defined():
    chosen = {"threshold": 0.5, "value": 1.0, "low": 0.25, "high": 0.75}
    rules = {"any": chosen, "video": chosen, "audio": {"threshold": None, "reason": "no fakes"}}
    table = thresholds_table({"rules": ["f1"], "thresholds": {name: {"f1": one} for name, one in rules.items()}})
    assert table.loc["best F1"].tolist() == ["0.500 [0.250, 0.750]"] * 2 + ["not defined"]


def test_what_a_verb_prints_is_kept_out_but_not_its_error(capsys):
    with quietly():
        print("noise")
    with pytest.raises(ValueError, match="mine"), quietly():
        raise ValueError("mine")
    print("heard")
    assert capsys.readouterr().out == "heard\n"


def test_an_unknown_size_lists_the_choices(monkeypatch):
    monkeypatch.setenv("NOTEBOOK_SIZE", "huge")
    with pytest.raises(ValueError, match="unknown NOTEBOOK_SIZE 'huge'; choose from full, tiny"):
        chosen_sizes()


def test_what_strangers_wrote_stays_text(tmp_path):
    import pandas as pd

    assert "<b>" not in as_table(pd.DataFrame({"remark": ["<b>loud</b>"]})).data
    assert "<b>" not in as_list(["<b>loud</b>"]).data
    assert "<script>" not in as_frame('<script>alert("x")</script>').data


def test_a_table_breaks_paths_and_keeps_ratios_intervals_and_options_whole():
    import pandas as pd

    whole = ["1 : 5.5", "[0.250, 0.750]", "--balance class_weights", "STAND-IN"]
    cells = pd.DataFrame({"any": [*whole, "FakeVideo-RealAudio/men/id94003/00201_id94002.mp4"]})
    html = as_table(cells).data
    assert [text for text in whole if f'nowrap">{text}</span>' not in html] == []
    assert "FakeVideo-RealAudio/<wbr>men/<wbr>id94003/<wbr>00201_<wbr>id94002.mp4" in html


def test_a_frame_is_as_tall_as_its_page_only_where_it_is_to_be_seen_whole():
    assert "contentDocument" in as_frame("<p>verdict</p>", is_whole=True).data
    assert "contentDocument" not in as_frame("<p>statistics</p>").data


def test_the_history_of_a_training_is_read_while_it_runs(tmp_path):
    assert history_of(tmp_path) == []
    write_json(tmp_path / "checkpoints" / "step-00000002" / "state.json", {"history": [{"step": 2, "loss": 1.0}]})
    assert history_of(tmp_path) == [{"step": 2, "loss": 1.0}]


def test_a_balance_that_too_few_clips_rule_out_is_left_out_with_its_reason(monkeypatch, capsys):
    def refuse(config):
        raise ValueError("RVRA has 2 clips")

    monkeypatch.setattr(batches, "open_training", refuse)
    assert batches.count_classes(small.train(), ("smote",)).drawn == {}
    assert capsys.readouterr().out == "smote is not shown: RVRA has 2 clips\n"


def test_class_weights_stand_in_the_table_as_numbers():
    table = class_weights_table({"class": [60, 30, 20, 10]})
    assert list(table.index) == ["RVRA", "RVFA", "FVRA", "FVFA"]
    assert list(table["drawn"]) == ["60", "30", "20", "10"]
    assert list(table["weight"]) == ["0.500", "1.000", "1.500", "3.000"]
