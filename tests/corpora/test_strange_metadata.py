"""Metadata that somebody made to do harm, or that a disk damaged: one line that names the file."""

import json
import os

import pytest

from experiments.__main__ import main
from multimodal.corpora import ScanReport, scan
from multimodal.corpora.dfdc import read_json_object
from multimodal.corpora.faceforensics.splits import read_splits
from multimodal.corpora.manifest import read_segments
from multimodal.corpora.table_file import iterate_json_list, read_json_file, read_text
from multimodal.files import read_json
from multimodal.metrics.any_table import read_table

DEEP, DEEP_OBJECT, DEEP_RECORD = "[" * 100_000, '{"a":' * 100_000, '[{"a":' + "[" * 100_000
LONG = '[{"file": 1, "n_fakes": ' + "9" * 6000 + "}]"
READERS = {
    "records": lambda path: list(iterate_json_list(path)),
    "object": read_json_object,
    "file": read_json_file,
    "own": read_json,
    "scores": read_table,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", [DEEP, DEEP_OBJECT, DEEP_RECORD, LONG], ids=["deep", "objects", "record", "long"])
def test_json_that_no_program_meant_is_a_line_that_names_the_file(tmp_path, reader, text):
    path = tmp_path / "metadata.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"metadata\.json") as caught:
        READERS[reader](path)
    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [DEEP, LONG, "3", '[["001", ' + "9" * 6000 + "]]"], ids=["deep", "long", "3", "pair"]
)
def test_official_splits_that_are_no_pairs_are_a_line(tmp_path, text):
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.json").write_text(text)
    with pytest.raises(ValueError, match=r"train\.json is not a JSON list of pairs"):
        read_splits(tmp_path, ScanReport())


@pytest.mark.parametrize("count", [{"a": 1}, [], "many", True])
def test_a_count_that_is_no_number_leaves_its_record_out(tmp_path, count):
    files = ["train/000000.mp4", "dev/000001.mp4", "test/000002.mp4"]
    for name in files:
        file = tmp_path / name
        file.parent.mkdir()
        file.write_bytes(b"x")
    records = [{"file": name, "n_fakes": 0, "modify_video": False, "modify_audio": False} for name in files]
    records[0]["n_fakes"] = count
    (tmp_path / "metadata.json").write_text(json.dumps(records))
    report = ScanReport()
    assert list(scan("lavdf", tmp_path, report=report).clips["path"]) == files[1:]
    assert any("1 records lack" in line for line in report.warnings)


@pytest.mark.parametrize("second", [10**400, True, float("nan"), float("inf"), None, [1]])
def test_a_stretch_of_what_is_no_second_is_no_stretch(second):
    assert read_segments([[0, second]]) is None


@pytest.mark.parametrize("reader", [read_text, read_json_file, lambda path: list(iterate_json_list(path))])
def test_a_pipe_in_the_place_of_metadata_is_not_waited_for(tmp_path, reader):
    os.mkfifo(tmp_path / "metadata.json")
    with pytest.raises(ValueError, match=r"metadata\.json is no plain file"):
        reader(tmp_path / "metadata.json")


def test_the_verb_says_it_in_one_line(tmp_path, capsys):
    for folder in ("train", "dev", "test"):
        (tmp_path / folder).mkdir()
    (tmp_path / "train" / "000000.mp4").write_bytes(b"x")
    (tmp_path / "metadata.json").write_text(DEEP_RECORD)
    assert main(["scan", "lavdf", "--root", str(tmp_path), "--out", str(tmp_path / "m.parquet")]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: not JSON: ")
    assert str(tmp_path / "metadata.json") in line
