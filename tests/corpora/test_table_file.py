import json

import pytest

from multimodal.corpora import table_file
from multimodal.corpora.table_file import iterate_json_list, read_cells, read_lines, read_rows


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 7, 64, 2**20])
def test_records_come_whole_wherever_the_text_is_cut(tmp_path, monkeypatch, indent, chunk):
    monkeypatch.setattr(table_file, "_CHUNK", chunk)
    records = [{"file": f"{number}.mp4", "periods": [[1.5, 2]], "text": 'ü"]},\n'} for number in range(9)]
    path = tmp_path / "list.json"
    path.write_text(json.dumps(records, indent=indent, ensure_ascii=False), encoding="utf-8-sig")
    assert list(iterate_json_list(path)) == records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a JSON list"),
        ('{"a": 1}', "not a JSON list"),
        ("[1, 2]", "not a JSON list"),
        ('[{"a": 1}', "not a whole JSON list"),
        ('[{"a": }]', "not a whole JSON list"),
    ],
)
def test_anything_else_is_an_error_that_names_the_file(tmp_path, text, message):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(ValueError, match=rf"{message}.*list\.json"):
        list(iterate_json_list(tmp_path / "list.json"))


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    (tmp_path / "list.json").write_bytes(b'[{"a": "\xff"}]')
    with pytest.raises(ValueError, match="no UTF-8 text"):
        list(iterate_json_list(tmp_path / "list.json"))


def test_an_empty_list_has_no_records(tmp_path):
    (tmp_path / "list.json").write_text(" [ ]\n")
    assert list(iterate_json_list(tmp_path / "list.json")) == []


ROWS = [{"path": "a b.mp4", "label": "fäke"}, {"path": "c;d.mp4", "label": "real"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_rows_are_the_same_in_every_encoding_separator_and_manner_of_ending_a_line(
    tmp_path, encoding, end, separator
):
    lines = ["", " path {} label ", "a b.mp4{} fäke", "", "path{}label", '"c;d.mp4"{}real', "{}", ""]
    text = end.join(lines).replace("{}", separator)
    (tmp_path / "table.csv").write_bytes(text.encode(encoding))
    assert list(read_rows(tmp_path / "table.csv")) == ROWS


def test_a_first_line_that_names_the_separator_is_no_header(tmp_path):
    (tmp_path / "table.csv").write_text("sep=;\npath;label\na,b,c.mp4;fake\n")
    assert list(read_rows(tmp_path / "table.csv")) == [{"path": "a,b,c.mp4", "label": "fake"}]


def test_columns_without_a_name_of_their_own_are_numbered(tmp_path):
    (tmp_path / "table.csv").write_text("path,,path\na,b,c\n")
    assert list(read_rows(tmp_path / "table.csv")) == [{"path": "a", "column 2": "b", "column 3": "c"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"path,label\na,fake\nb\0,real\n", r"table\.csv, line 3 holds a NUL byte.*Get the file again"),
        (b"path,label\na,fake\nb,r\xe9al\n", r"table\.csv, line 3 is no UTF-8 text.*Save it as UTF-8"),
        (b'path,label\na,fake\n"b,real\nc,real\n', r"table\.csv, line 3 is no row of a table.*quotation mark"),
        (b"", r"table\.csv has no header; its first line must name the columns"),
    ],
)
def test_a_fault_names_the_file_the_line_and_what_to_do(tmp_path, content, message):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        list(read_rows(tmp_path / "table.csv"))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*none\.csv: No such file"):
        list(read_cells(tmp_path / "none.csv"))


def test_a_line_ends_only_where_a_system_ends_it(tmp_path):
    (tmp_path / "list.txt").write_text("a\x1cb\n\n  c\u2028d \n", encoding="utf-8")
    assert list(read_lines(tmp_path / "list.txt")) == ["a\x1cb", "c\u2028d"]
