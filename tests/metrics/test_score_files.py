import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.metrics import evaluate_scores
from multimodal.metrics.score_files import Columns, JoinedColumns, check_clips, read_scores


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


@pytest.mark.parametrize("column", ["score", "label", "identity"])
def test_lists_in_a_cell_that_is_read_are_refused_in_one_line_and_passed_by_elsewhere(column, tmp_path):
    frame = pd.DataFrame({"clip_id": ["a", "b"], "score": [0.5, 0.25], "label": [1, 0], "identity": ["x", "y"]})
    frame.assign(frames=[[1], [2, 3]]).to_parquet(tmp_path / "more.parquet")
    assert len(read_scores(tmp_path / "more.parquet")) == 2
    frame.assign(**{column: [[1, 2], [3]]}).to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(ValueError, match=f"has lists where a {column} should stand"):
        read_scores(tmp_path / "lists.parquet")


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
        ("clip_id,score,label\na,0.9,bad\nb,0.8,good\n", {}, "labels are 'bad', 'good', not 1 and 0"),
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


# Tables as people have them.


WANTED = {"clip_id": ["a", "b", "c"], "any_fake": [1, 0, 1], "score_any": [0.75, -0.5, 0.5]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("semicolon.csv", "clip_id;score;label\na;0.75;1\nb;-0.5;0\nc;0.5;1\n"),
        ("decimal_comma.csv", "clip_id;score;label\na;0,75;1\nb;-0,5;0\nc;0,5;1\n"),
        ("blanks.csv", " clip_id, score, label\na, 0.75, 1\nb, -0.5, 0\nc, 0.5, 1\n"),
        ("tabs.txt", "clip_id\tscore\tlabel\na\t0.75\t1\nb\t-0.5\t0\nc\t0.5\t1\n"),
        ("three.txt", "a 0.75 spoof\nb -0.5 bonafide\nc 0.5 spoof\n"),
        ("aasist.txt", "a A07 spoof 0.75\nb - bonafide -0.5\nc A08 spoof 0.5\n"),
        ("three.csv", "a,0.75,fake\nb,-0.5,real\nc,0.5,fake\n"),
        ("list.json", '[{"clip_id":"a","score":0.75,"label":1},\n{"clip_id":"b","score":-0.5,"label":0},'
         '{"clip_id":"c","score":0.5,"label":1}]'),
        ("lines.jsonl", '{"clip_id":"a","score":0.75,"label":1}\n{"clip_id":"b","score":-0.5,"label":0}\n'
         '{"clip_id":"c","score":0.5,"label":true}\n'),
        ("columns.json", '{"clip_id":["a","b","c"],"score":[0.75,-0.5,0.5],"label":["fake","real","fake"]}'),
        ("pandas.json", '{"clip_id":{"0":"a","3":"b","4":"c"},"score":{"0":0.75,"3":-0.5,"4":0.5},'
         '"label":{"0":1,"3":0,"4":1}}'),
        ("by_clip.json", '{"a":{"score":0.75,"label":1}, '
         '"b":{"score":-0.5,"label":0},"c":{"score":0.5,"label":1}}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_whatever_its_kind_and_encoding(tmp_path, name, text, encoding):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    table = read_scores(path)
    assert {column: table[column].tolist() for column in WANTED} == WANTED


def test_the_attack_of_a_line_of_aasist_is_the_method(tmp_path):
    path = write(tmp_path, "a A07 spoof 0.75\nb - bonafide -0.5\n", "aasist.txt")
    assert read_scores(path)["method"].tolist() == ["A07", "-"]


@pytest.mark.parametrize("name", ["clip_id", None])
def test_a_parquet_whose_clips_are_its_index_is_read(tmp_path, name):
    index = pd.Index(WANTED["clip_id"], name=name)
    frame = pd.DataFrame({"score": WANTED["score_any"], "label": WANTED["any_fake"]}, index=index)
    frame.to_parquet(tmp_path / "index.parquet")
    assert read_scores(tmp_path / "index.parquet")["clip_id"].tolist() == ["a", "b", "c"]


def test_columns_are_named_by_number_with_and_without_a_header(tmp_path):
    columns = Columns(clip_id="2", score="4", label="3", identity="1")
    rows = "ann a 1 0.75\nbob b 0 -0.5\n"
    for text in (rows, f"who which truth said\n{rows}"):
        table = read_scores(write(tmp_path, text, "scores.txt"), columns=columns)
        assert table["clip_id"].tolist() == ["a", "b"]
        assert table["score_any"].tolist() == [0.75, -0.5]
        assert table["identity"].tolist() == ["ann", "bob"]


def test_a_manifest_brings_labels_people_and_methods_by_the_names_of_the_files(tmp_path):
    manifest = pd.DataFrame(
        {
            "clip_id": ["corpus/flac/b.flac", "corpus/flac/a.flac", "corpus/flac/z.flac"],
            "any_fake": pd.array([0, 1, 1], dtype="Int8"),
            "audio_fake": pd.array([0, 1, 1], dtype="Int8"),
            "identity": ["bob", "ann", "zoe"],
            "method": [None, "A07", "A08"],
        }
    )
    manifest.to_parquet(tmp_path / "manifest.parquet")
    path = write(tmp_path, "a 0.75\nb -0.5\n", "scores.txt")
    table = read_scores(path, join=tmp_path / "manifest.parquet", target="audio")
    assert table["audio_fake"].tolist() == [1, 0]
    assert table["identity"].tolist() == ["ann", "bob"]
    assert table["method"].isna().tolist() == [False, True]


BY_NAME = JoinedColumns(identity="speaker", method="attack")


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("s1 b - - bonafide\ns2 a - A07 spoof\n", {}),
        ("s1 b alaw ita - bonafide notrim eval\ns2 a alaw ita A07 spoof notrim eval\n", {}),
        ("s1 b nocodec x - bonafide trim eval - - - - -\ns2 a mp3 x A07 spoof trim eval auto - - - -\n", {}),
        ("s1 b F - - - - - bonafide -\ns2 a M c01 1 s AC1 A07 spoof -\n", {}),
        ("s1 b F - - bonafide\ns2 a M AC1 A07 spoof\n", {}),
        ("speaker,file,attack,truth\ns1,x/b.wav,-,bona-fide\ns2,x/a.wav,A07,spoof\n", {"joined": BY_NAME}),
        ("s1;x/b.wav;-;0\ns2;x/a.wav;A07;1\n", {"joined": JoinedColumns(identity="1", method="3", label="4")}),
        (
            "b;real;s1;-\na;fake;s2;A07\n",
            {"on": "1", "joined": JoinedColumns(label="2", identity="3", method="4")},
        ),
    ],
)
def test_a_protocol_brings_labels_people_and_methods(tmp_path, protocol, options):
    path = write(tmp_path, "a 0.75\nb -0.5\n", "scores.txt")
    table = read_scores(path, join=write(tmp_path, protocol, "protocol.txt"), **options)
    assert table["any_fake"].tolist() == [1, 0]
    assert table["identity"].tolist() == ["s2", "s1"]
    assert table["method"].tolist() == ["A07", "-"]


FAVC = """source,target1,target2,method,category,type,race,gender,path,
w,-,-,real,A,RealVideo-RealAudio,African,men,a.mp4,FakeAVCeleb/w
v,w,-,wav2lip,D,FakeVideo-FakeAudio,African,men,a.mp4,FakeAVCeleb/v
"""


@pytest.mark.parametrize(
    ("text", "protocol", "says"),
    [
        ("a 0.75\nb -0.5\n", None, "no column of spoof and bonafide. Say --columns.label NUMBER .*or --join FILE"),
        ("a 0.75 0.5 spoof\nb 0.1 0.2 bonafide\n", None, "its columns are 1 to 4.*Say --columns.score NUMBER"),
        ("a 0.75 spoof\nb bonafide\n", None, "row 2 below the header has 2 cells, not 3"),
        ("clip_id,score,label,score\na,1,1,2\n", None, "two columns 'score'"),
        ('{"clip_id":"a","score":1}\n{"clip_id":\n', None, "line 2 is no JSON"),
        ('[1, 2]', None, "holds no table"),
        ("a 0.75\nb -0.5\n", "clip,label\na,1\n", r"lacks 1 of 2 clips.*e.g. b.*\(column clip\). Say --on COLUMN"),
        ("a 0.75\nb -0.5\n", "clip_id,label\na,1\n", "lacks 1 of 2 clips of the scores, e.g. b.*Say --on COLUMN"),
        ("a 0.75\nb -0.5\n", "clip_id,label\na,1\na,0\nb,0\n", "several rows of a clip, e.g. of a. Keep one"),
        ("a 0.75\nb -0.5\n", "clip_id,truth\na,1\nb,0\n", "brings no label; say --joined.label.*clip_id, truth"),
        ("a 0.75\nb -0.5\n", "one,two,label\na,b,1\nb,a,0\n", "columns one and two.*Say --on which"),
        ("w/a.mp4 0.75\nv/a.mp4 -0.5\n", FAVC, "FakeAVCeleb's own table.*the manifest of `scan fakeavceleb`"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_option_to_give(tmp_path, text, protocol, says):
    join = None if protocol is None else write(tmp_path, protocol, "protocol.csv")
    with pytest.raises(ValueError, match=says):
        read_scores(write(tmp_path, text, "scores.txt"), join=join)


def test_decisions_given_as_scores_are_warned_of(tmp_path):
    path = write(tmp_path, "clip_id,score,label\na,1,1\nb,0,0\nc,1,0\nd,0,1\n")
    report = evaluate_scores(read_scores(path), kind="score", replicates=0)
    assert any("scores are 0 and 1 alone, decisions and not scores" in said for said in report["warnings"])


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("clip_id,score,label\na,0,1\nb,1,0\nc,1,0\nd,0,1\n", "score", "the scores are 0 and 1 alone"),
        ("clip_id,score,label\na,0.2,1\nb,0.9,0\nc,0.9,0\nd,0.2,1\n", "probability", "are 0.2 and 0.9 alone"),
        ("clip_id,score,label\na,0,1\nb,0,0\nc,0,0\nd,0,1\n", "score", "all 4 scores are 0; they say nothing"),
    ],
)
def test_warnings_name_turned_scores_as_they_stood_in_the_file(tmp_path, text, kind, values):
    scores = read_scores(write(tmp_path, text), higher_is_fake=False, kind=kind)
    report = evaluate_scores(scores, kind=kind, turned=True, replicates=0)
    assert any(values in said for said in report["warnings"])


def test_a_manifest_whose_names_do_not_tell_clips_apart_is_joined_by_their_paths(tmp_path):
    paths = ["real/id1/001.mp4", "fake/id1/001.mp4"]
    manifest = pd.DataFrame({"clip_id": [f"made/{path}" for path in paths], "path": paths, "any_fake": [0, 1]})
    manifest.to_parquet(tmp_path / "manifest.parquet")
    scores = write(tmp_path, "fake/id1/001.mp4,0.75\nreal/id1/001.mp4,-0.5\n", "scores.txt")
    assert read_scores(scores, join=tmp_path / "manifest.parquet")["any_fake"].tolist() == [1, 0]


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


NESTED = {
    "object": pa.array([{"a": 1}] * 2),
    "list": pa.array([[1, 2]] * 2),
    "map": pa.array([[("key", 1)]] * 2, pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("column", ["label", "identity", "method", "split", "another"])
def test_a_column_of_lists_or_objects_in_a_joined_file_is_refused_where_it_is_read_and_passed_by_elsewhere(
    column, kind, tmp_path
):
    scores = write(tmp_path, "clip_id,score\na,0.5\nb,0.25\n")
    joined = {"clip_id": ["a", "b"], "label": [1, 0], "identity": ["x", "y"], "method": ["m", "n"]}
    table = pa.table({**joined, "split": ["test"] * 2, column: NESTED[kind]})
    pq.write_table(table, tmp_path / "joined.parquet")
    if column == "another":
        assert read_scores(scores, join=tmp_path / "joined.parquet")["any_fake"].tolist() == [1, 0]
        return
    with pytest.raises(ValueError, match=rf"joined\.parquet has lists where a {column} should stand"):
        read_scores(scores, join=tmp_path / "joined.parquet")
