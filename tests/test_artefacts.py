"""Names in files that strangers made: they stay in their folder, and order neither terminal nor spreadsheet."""

import json
import logging
import sys
import warnings

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.fuzz_kinds import make_manifest, make_store, make_tokens, read_store, read_tokens
from experiments.__main__ import main
from experiments.command_line import run_verb
from multimodal.artefacts import building, inside, read_frame, reading, safe_cells, shown, shown_text
from multimodal.corpora.manifest import Manifest

LEAVING = [
    "../b.mp4",
    "../LJSpeech-1.1/wavs/LJ001-0001.wav",
    "a/../../b.mp4",
    "/etc/passwd",
    "a\0b.mp4",
    "..",
    "..\\b.mp4",
    "C:\\b.mp4",
]


def with_column(file, column, value):
    """Write ``value`` into the first row of a column of a parquet file."""
    table = pq.read_table(file)
    place = table.column_names.index(column)
    values = [value, *table[column].to_pylist()[1:]]
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(values, pa.string())), file)


@pytest.mark.parametrize("value", LEAVING)
@pytest.mark.parametrize("column", ["path", "clip_id"])
def test_name_in_a_manifest_that_leaves_its_root_is_refused(tmp_path, column, value):
    file = make_manifest(tmp_path)
    with_column(file, column, value)
    with pytest.raises(ValueError, match=f"has a {column} that leaves its folder"):
        Manifest.read(file)


def test_file_of_a_clip_that_leaves_its_root_is_refused(tmp_path):
    manifest = Manifest.read(make_manifest(tmp_path))
    with pytest.raises(ValueError, match="leaves its folder"):
        manifest.file_of("made/../../etc/passwd")


@pytest.mark.parametrize("value", LEAVING)
@pytest.mark.parametrize("column", ["shard", "clip_id"])
def test_name_in_a_store_that_leaves_its_folder_is_refused(tmp_path, column, value):
    make_store(tmp_path)
    with_column(tmp_path / "index.parquet", column, value)
    with pytest.raises(ValueError, match=f"has a {column} that leaves its folder"):
        read_store(tmp_path)


def test_links_out_of_a_store_or_of_tokens_are_refused(tmp_path):
    for name, make, read in (("store", make_store, read_store), ("tokens", make_tokens, read_tokens)):
        folder = tmp_path / name
        folder.mkdir()
        make(folder)
        read(folder)
        file = next(path for path in folder.rglob("*") if path.suffix in (".tar", ".safetensors"))
        elsewhere = file.rename(tmp_path / f"of_{name}")
        file.symlink_to(elsewhere)
        with pytest.raises(ValueError, match="is a link out of"):
            read(folder)


def test_link_within_the_folder_is_followed(tmp_path):
    (tmp_path / "a").write_text("")
    (tmp_path / "b").symlink_to("a")
    assert inside(tmp_path, "b") == tmp_path / "b"


def test_store_as_a_whole_may_lie_behind_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    make_store(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    assert read_store(tmp_path / "link")[0][0] == 2


def test_one_pixel_is_not_spread_over_a_whole_crop(tmp_path):
    make_store(tmp_path)
    header = json.loads((tmp_path / "header.json").read_text())
    header["options"]["crop_size"] = 32
    (tmp_path / "header.json").write_text(json.dumps(header))
    with pytest.raises(ValueError, match="a crop that is not 32 pixels square"):
        read_store(tmp_path)


def test_error_of_a_library_becomes_one_line_that_names_the_file(tmp_path):
    says = r"^not a thing: t\.bin cannot be read \(first second\)$"
    with pytest.raises(ValueError, match=says), reading("t.bin", "a thing"):
        raise RuntimeError("first\n  second")


def test_what_is_built_of_odd_values_answers_in_one_line_and_lines_of_ours_pass():
    with (
        pytest.raises(ValueError, match=r"^not a thing: t\.json \(first second\)$"),
        building("t.json", "a thing"),
    ):
        raise RuntimeError("first\n  second")
    with pytest.raises(ValueError, match=r"^unknown fusion$"), building("t.json", "a thing"):
        raise ValueError("unknown fusion")


def test_parquet_that_lacks_a_column_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="lacks the columns b"):
        read_frame(tmp_path / "t.parquet", "a table", columns=("a", "b"))


def test_cells_that_a_spreadsheet_would_run_are_quoted_and_numbers_are_not():
    cells = ["=1+1", "+cmd|' /C calc'!A0", "-x", "@SUM(A1)", "\t=1", "-1.5", "+2e-3", "plain", None, -3, "a=b"]
    made = safe_cells(pd.DataFrame({"=name": cells, "number": [-1.0] * len(cells)}))
    assert list(made) == ["'=name", "number"]
    expected = ["'=1+1", "'+cmd|' /C calc'!A0", "'-x", "'@SUM(A1)", "\t'=1", *cells[5:]]
    assert made["'=name"].tolist() == expected
    assert made["number"].eq(-1.0).all()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a;=cmd()", "a;'=cmd()"),
        ("a\t@SUM(A1)", "a\t'@SUM(A1)"),
        ("a\n+x", "a\n'+x"),
        ('a;"=cmd()"', 'a;"\'=cmd()"'),
        (" -x", " '-x"),
        ("\uff1dcmd()", "'\uff1dcmd()"),
        ("a;-1.5", "a;-1.5"),
        ("a, =b", "a, =b"),  # behind quotes in a CSV, and no new cell where a semicolon divides
    ],
)
def test_cells_are_guarded_behind_what_divides_them_in_another_country(cell, written):
    assert safe_cells(pd.DataFrame({"name": [cell]}))["name"].tolist() == [written]


def test_cells_hold_no_control_characters_but_line_breaks_and_tabs():
    cells = ["a\x1b]0;t\x07\x9b2J\u202egpj.mp4", "a\r=x", "a\n\tb"]
    made = safe_cells(pd.DataFrame({"a\x1b": cells}))
    assert list(made) == ["a\\u001b"]
    assert made.iloc[:, 0].tolist() == [
        "a\\u001b]0;t\\u0007\\u009b2J\\u202egpj.mp4",
        "a\\u000d=x",
        "a\n\tb",
    ]


def test_control_characters_of_a_name_are_shown_as_escapes():
    assert shown("a\x1b]0;title\x07\r\n\u202egpj") == "a\\u001b]0;title\\u0007\\u000d\\u000a\\u202egpj"
    assert shown_text("é\n\tx\x9b") == "é\n\tx\\u009b"
    shown("\udcff.mp4").encode()  # a name that is not UTF-8 can be printed


def test_verbs_print_no_control_characters(capsys):
    def say(name: str) -> None:
        """Say it."""
        print(f"name {name}")

    before = sys.stdout
    run_verb("say", say, ["--name", "a\x1b[2Jb"])
    assert capsys.readouterr().out == "name a\\u001b[2Jb\n"
    assert sys.stdout is before


def test_errors_print_no_control_characters(capsys, tmp_path):
    assert main(["statistics", str(tmp_path / "a\x1b[2J.parquet")]) == 1
    captured = capsys.readouterr()
    assert "\\u001b[2J" in captured.err
    assert "\x1b" not in captured.err


def test_what_libraries_say_while_they_build_of_a_strangers_values_is_one_plain_line(tmp_path, caplog):
    def build():
        logging.getLogger("a library").error("cannot take \x1b[2J")
        warnings.warn("strange value \x1b[2J", stacklevel=1)
        raise ValueError("cannot take \x1b[2J")

    with (
        pytest.raises(ValueError, match=r"not the config of a network: .*u001b\[2J") as caught,
        building(tmp_path, "the config of a network"),
    ):
        build()
    assert str(caught.value).isprintable()
    assert not caplog.records
    logging.getLogger("a library").error("all is said again")
    assert len(caplog.records) == 1
