"""Anybody's data: real and fake folders, and tables of every make."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from multimodal.corpora import ScanReport, recognise, scan


def put(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def scanned(root: Path, **options: str) -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    manifest = scan("folder", root, report=report, options=options)
    return {row["path"]: row for row in manifest.clips.to_dict("records")}, report


def labels(rows: dict[str, dict]) -> dict[str, list]:
    known = ("video_fake", "audio_fake", "any_fake")
    return {path: [None if pd.isna(row[name]) else row[name] for name in known] for path, row in rows.items()}


def test_folders_at_any_depth_and_in_any_case_label_images_and_sound(tmp_path):
    put(tmp_path, "train/Real/a.jpg", "train/FAKE/stylegan/b.PNG", "x/valid/fake/c.wav", "x/y/test/real/d.flac")
    rows, _ = scanned(tmp_path)
    found = {
        path: (row["media"], row["any_fake"], row["official_split"], row["method"]) for path, row in rows.items()
    }
    assert found == {
        "train/Real/a.jpg": ("image", 0, "train", "real"),
        "train/FAKE/stylegan/b.PNG": ("image", 1, "train", "stylegan"),
        "x/valid/fake/c.wav": ("audio", 1, "val", "unknown"),
        "x/y/test/real/d.flac": ("audio", 0, "test", "real"),
    }
    assert rows["train/FAKE/stylegan/b.PNG"]["video_fake"] == 1
    assert rows["x/valid/fake/c.wav"]["audio_fake"] == 1


@pytest.mark.parametrize(
    ("options", "fake", "real"),
    [
        ({}, [None, None, 1], [0, 0, 0]),
        ({"modality": "both"}, [1, 1, 1], [0, 0, 0]),
        ({"modality": "video"}, [1, None, 1], [0, None, 0]),
        ({"modality": "audio"}, [None, 1, 1], [None, 0, 0]),
    ],
)
def test_which_modality_of_a_fake_video_is_fake_must_be_said(tmp_path, options, fake, real):
    put(tmp_path, "real/a.mp4", "fake/b.mp4")
    assert labels(scanned(tmp_path, **options)[0]) == {"fake/b.mp4": fake, "real/a.mp4": real}


def test_a_file_whose_folders_disagree_or_say_nothing_is_left_out(tmp_path):
    put(tmp_path, "real/a.jpg", "fake/real/b.jpg", "other/c.jpg", "d.jpg", "fake/e.jpg")
    rows, report = scanned(tmp_path)
    assert list(rows) == ["fake/e.jpg", "real/a.jpg"]
    assert report.skipped["below a real and a fake folder, so its label is not certain"].count == 1
    reason = "below no folder that says real or fake: say which do with --options real NAME fake NAME, or csv FILE"
    assert report.skipped[reason].count == 2


def test_other_names_of_the_folders_can_be_said(tmp_path):
    put(tmp_path, "0_real/a.jpg", "1_fake/b.jpg", "1_Synth/c.jpg")
    rows, _ = scanned(tmp_path, real="0_real", fake="1_fake, 1_synth")
    assert [row["any_fake"] for row in rows.values()] == [0, 1, 1]


def test_an_expression_finds_the_person(tmp_path):
    put(tmp_path, "real/ann_1.wav", "fake/bob-to-ann.wav", "real/_.wav")
    rows, _ = scanned(tmp_path, identity=r"/([a-z]+)[_-]")
    assert rows["fake/bob-to-ann.wav"]["identity"] == "folder:bob"
    assert rows["real/ann_1.wav"]["identity"] == "folder:ann"
    assert pd.isna(rows["real/_.wav"]["identity"])
    with pytest.raises(ValueError, match="identity must be a regular expression"):
        scanned(tmp_path, identity="(")


def test_the_folder_given_is_the_root_and_nothing_below_is_searched(tmp_path):
    put(tmp_path, "a/real/1.jpg", "a/fake/2.jpg", "b/real/3.jpg")
    assert len(scanned(tmp_path)[0]) == 3


def test_it_is_recognised_only_where_nothing_else_is(tmp_path):
    put(tmp_path, "mine/train/real/1.jpg", "mine/train/fake/2.jpg")
    put(tmp_path, "fav/RealVideo-RealAudio/real/1.mp4", "fav/FakeVideo-FakeAudio/1.mp4", "fav/fake/2.mp4")
    found = dict(recognise(tmp_path))
    assert found["folder"] == tmp_path / "mine"
    assert found["fakeavceleb"] == tmp_path / "fav"


def test_generated_clips_among_others_are_flagged_and_the_mixture_is_a_warning(tmp_path):
    put(tmp_path, "a/real/1.jpg", "b/fake/x/2.jpg", "b/synthetic.json", "b2/fake/3.jpg", "zz/synthetic.json.txt")
    rows, report = scanned(tmp_path)
    assert {path: list(row["flags"]) for path, row in rows.items()} == {
        "a/real/1.jpg": [],
        "b/fake/x/2.jpg": ["generated"],
        "b2/fake/3.jpg": [],
    }
    assert report.warnings == ["1 of 3 clips were made by a program; keep them apart"]
    assert list(report.skipped) == ["not a clip: .txt"]


def write_table(path: Path, rows: list[dict[str, str]], separator: str = ",", bom: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


ROWS = [
    {"": "0", "path": "a/1.wav", "label": "bona-fide"},
    {"": "1", "path": "a/2.wav", "label": "spoof"},
    {"": "2", "path": "a/it's, 3.wav", "label": "Fake"},
]
WANTED = {"a/1.wav": 0, "a/2.wav": 1, "a/it's, 3.wav": 1}


@pytest.fixture
def sounds(tmp_path) -> Path:
    return put(tmp_path / "data", *WANTED)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", [False, True])
def test_tables_of_every_make_are_read(sounds, separator, bom):
    write_table(sounds / "labels.csv", [*ROWS, dict(zip(ROWS[0], ROWS[0], strict=True))], separator, bom)
    rows, _ = scanned(sounds, csv="labels.csv")
    assert {path: row["audio_fake"] for path, row in rows.items()} == WANTED


@pytest.mark.parametrize("form", ["relative", "beside", "absolute", "windows", "dotted"])
def test_files_are_found_however_the_table_calls_them(sounds, form):
    change = {
        "relative": lambda path: path,
        "beside": lambda path: path.removeprefix("a/"),
        "absolute": lambda path: str(sounds / path),
        "windows": lambda path: path.replace("/", "\\"),
        "dotted": lambda path: f"./x/../{path}",
    }[form]
    table = sounds / ("a/labels.csv" if form == "beside" else "labels.csv")
    write_table(table, [{**row, "path": change(row["path"])} for row in ROWS])
    assert {path: row["any_fake"] for path, row in scanned(sounds, csv=str(table))[0].items()} == WANTED


def test_numbers_are_not_guessed_and_both_meanings_must_be_told(sounds):
    write_table(sounds / "t.csv", [{"path": path, "label": str(1 - label)} for path, label in WANTED.items()])
    with pytest.raises(ValueError, match="may mean real or fake; say which"):
        scanned(sounds, csv="t.csv")
    with pytest.raises(ValueError, match="give both of fake_value and real_value"):
        scanned(sounds, csv="t.csv", fake_value="0")
    rows, _ = scanned(sounds, csv="t.csv", fake_value="0", real_value="1")
    assert {path: row["any_fake"] for path, row in rows.items()} == WANTED


def test_columns_are_named_by_options_and_a_wrong_name_lists_those_there_are(tmp_path):
    root = put(tmp_path, "1.mp4", "2.mp4", "3.mp4")
    table = [
        {
            "name": "1.mp4",
            "v": "real",
            "a": "real",
            "who": "ann",
            "how": "",
            "part": "dev",
            "of": "",
            "on": "phone",
        },
        {"name": "2.mp4", "v": "real", "a": "fake", "who": "ann", "how": "tts", "part": "Training", "of": "1.mp4"},
        {"name": "3.mp4", "v": "fake", "a": "", "who": "", "how": "", "part": "?", "of": "gone.mp4"},
    ]
    write_table(root / "t.csv", table)
    columns = {"path": "name", "video": "v", "audio": "a", "identity": "who", "method": "how"}
    columns |= {"split": "part", "source": "of", "group": "on"}
    options = {f"{purpose}_column": name for purpose, name in columns.items()}
    rows, _ = scanned(root, csv="t.csv", **options)
    assert rows["2.mp4"]["av_class"] == "RVFA"
    assert [rows["2.mp4"][name] for name in ("identity", "method", "source_clip", "official_split")] == [
        "folder:ann",
        "tts",
        "1.mp4",
        "train",
    ]
    assert (rows["3.mp4"]["any_fake"], rows["3.mp4"]["source_clip"]) == (1, "gone.mp4")
    assert rows["1.mp4"]["official_split"] == "val"
    assert rows["1.mp4"]["group"] == "phone"
    with pytest.raises(ValueError, match=r"no column 'label'; it has name, v, a.*--options label_column NAME"):
        scanned(root, csv="t.csv", path_column="name")


def test_rows_and_files_that_do_not_meet_are_told(sounds):
    put(sounds, "a/4.wav", "a/5.wav")
    again = {"": "9", "path": "a/2.wav", "label": "real"}
    unclear = {"": "9", "path": "a/5.wav", "label": "maybe"}
    write_table(sounds / "t.csv", [*ROWS, again, unclear, {"": "9", "path": "gone.wav", "label": "real"}])
    rows, report = scanned(sounds, csv="t.csv")
    assert list(rows) == ["a/1.wav", "a/it's, 3.wav"]
    assert report.skipped["t.csv gives it two labels"].examples == ["a/2.wav"]
    assert report.skipped["no certain label in t.csv"].examples == ["a/5.wav"]
    assert not any("a/5.wav" in tally.examples for why, tally in report.skipped.items() if "not in" in why)
    assert "a/4.wav" in report.skipped["not in t.csv, so its label is unknown"].examples
    assert any("1 rows name no media file there, e.g. 'gone.wav'" in line for line in report.warnings)


def test_a_label_of_the_clip_at_odds_with_those_of_its_modalities_is_no_label(tmp_path):
    root = put(tmp_path, "1.mp4", "2.mp4")
    row = {"path": "1.mp4", "label": "real", "v": "fake", "a": "real"}
    write_table(root / "t.csv", [row, {**row, "path": "2.mp4", "v": "real"}])
    options = {"video_column": "v", "audio_column": "a", "label_column": "label"}
    assert list(scanned(root, csv="t.csv", **options)[0]) == ["2.mp4"]


def test_a_table_that_fits_nothing_is_an_error(sounds):
    write_table(sounds / "t.csv", [{"path": "elsewhere/1.wav", "label": "real"}])
    with pytest.raises(ValueError, match=r"none of 1 rows names a file.*elsewhere/1\.wav"):
        scanned(sounds, csv="t.csv")
    (sounds / "empty.csv").write_text("")
    with pytest.raises(ValueError, match="has no header"):
        scanned(sounds, csv="empty.csv")
    with pytest.raises(ValueError, match="no such file"):
        scanned(sounds, csv="gone.csv")
    with pytest.raises(ValueError, match="label_column is for a CSV"):
        scanned(sounds, label_column="x")
