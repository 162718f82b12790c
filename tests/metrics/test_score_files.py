import numpy as np
import pandas as pd
import pytest

from multimodal.metrics import evaluate_scores
from multimodal.metrics.score_files import Columns, check_clips, read_scores


def write(folder, text, name="scores.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_becomes_a_scores_table(tmp_path):
    path = write(tmp_path, "clip_id,score,label,identity,method\na,0.9,1,ann,swap\nb,0.2,0,bob,real\n")
    table = read_scores(path)
    assert table["any_fake"].tolist() == [1, 0]
    assert table["score_any"].tolist() == [0.9, 0.2]
    assert table["identity"].tolist() == ["ann", "bob"]
    assert "split" not in table
    assert evaluate_scores(table, kind="score", replicates=0)["any"]["auc"]["value"] == 1


def test_parquet_and_csv_give_the_same_table(tmp_path):
    frame = pd.DataFrame({"clip_id": [1, 2], "score": [0.5, 0.25], "label": [1.0, 0.0], "identity": [7, 7]})
    frame.to_parquet(tmp_path / "scores.parquet")
    frame.to_csv(tmp_path / "scores.csv", index=False)
    pd.testing.assert_frame_equal(read_scores(tmp_path / "scores.parquet"), read_scores(tmp_path / "scores.csv"))


def test_other_column_names_and_words_for_labels(tmp_path):
    path = write(tmp_path, "utt cm_score key speaker\nx -2.5 spoof s1\ny 3.5 bonafide s2\n", "scores.txt")
    columns = Columns(clip_id="utt", score="cm_score", label="key", identity="speaker")
    table = read_scores(path, columns=columns, fake_label="spoof", higher_is_fake=False, target="audio")
    assert table["audio_fake"].tolist() == [1, 0]
    assert table["score_audio"].tolist() == [2.5, -3.5]
    assert table["identity"].tolist() == ["s1", "s2"]


def test_a_probability_of_real_is_turned_round(tmp_path):
    path = write(tmp_path, "clip_id,score,label\na,0.9,real\nb,0.25,fake\n")
    table = read_scores(path, fake_label="fake", higher_is_fake=False, kind="probability")
    assert table["score_any"].tolist() == pytest.approx([0.1, 0.75])


def test_labels_of_the_other_polarity(tmp_path):
    path = write(tmp_path, "clip_id,score,label\na,0.9,0\nb,0.25,1\n")
    assert read_scores(path, fake_label="0")["any_fake"].tolist() == [1, 0]


def test_a_missing_score_is_a_clip_that_could_not_be_judged(tmp_path):
    path = write(tmp_path, "clip_id,score,label\na,0.9,1\nb,,0\nc,nan,0\nd,0.1,0\n")
    table = read_scores(path)
    assert table["score_any"].isna().tolist() == [False, True, True, False]
    report = evaluate_scores(table, kind="score", replicates=0)
    assert report["counts"]["any"]["not_judged"] == 2
    assert any("2 clips (50.0%: 0 fake, 2 real)" in said for said in report["warnings"])


def test_a_clip_without_identity_stays_without(tmp_path):
    path = write(tmp_path, "clip_id,score,label,identity\na,0.9,1,\nb,0.1,0,bob\n")
    assert read_scores(path)["identity"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("clip_id,score\na,0.9\n", {}, "no column 'label'; it has clip_id, score"),
        ("clip_id,score,label\n", {}, "has no row"),
        ("clip_id,score,label\na,0.9,1\na,0.8,1\n", {}, "1 rows repeat a clip, e.g. a.*average windows"),
        ("clip_id,score,label\n,0.9,1\n", {}, "1 rows have no clip_id"),
        ("clip_id,score,label\na,0.9,\n", {}, "1 rows have no label"),
        ("clip_id,score,label\na,0.9,1\nb,0.8,2\nc,0.1,0\n", {}, "want two labels in label; got '0', '1', '2'"),
        ("clip_id,score,label\na,0.9,spoof\nb,0.8,bonafide\n", {}, "labels are 'bonafide', 'spoof', not 1 and 0"),
        ("clip_id,score,label\na,0.9,-1\nb,0.8,1\n", {"fake_label": "0"}, "no label is '0'"),
        (
            "clip_id,score,label\na,0.9,-1\nb,0.8,1\n",
            {},
            "labels are '-1', '1', not 1 and 0",
        ),
        ("clip_id,score,label\na,0.9,2\nb,0.8,1\n", {}, "labels are '1', '2', not 1 and 0"),
        ("clip_id,score,label\na,high,1\nb,0.1,0\n", {}, "1 scores are no numbers, e.g. 'high'"),
        ("clip_id,score,label\na,inf,1\nb,0.1,0\n", {}, "1 scores are infinite"),
        ("clip_id,score,label\na,1,1\n", {"columns": Columns(identity="who")}, "no column 'who'"),
    ],
)
def test_files_that_cannot_be_judged_are_refused(tmp_path, text, options, says):
    with pytest.raises(ValueError, match=says):
        read_scores(write(tmp_path, text), **options)


def test_a_missing_file_and_a_wrong_format_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file of scores"):
        read_scores(tmp_path / "none.csv")
    with pytest.raises(ValueError, match=r"cannot read .* as .parquet"):
        read_scores(write(tmp_path, "clip_id,score,label\n", "scores.parquet"))


def test_scores_of_other_clips_than_those_of_the_split_are_refused():
    table = pd.DataFrame({"clip_id": ["a", "b"], "score_any": np.zeros(2)})
    check_clips(table, ["b", "a"])
    with pytest.raises(
        ValueError, match=r"1 of 2 clips of the split have no row, e.g. c; 1 rows are of no clip.*e.g. b"
    ):
        check_clips(table, ["a", "c"])
