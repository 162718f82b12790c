import json

import pytest

from multimodal.corpora import table_file
from multimodal.corpora.table_file import iterate_json_list


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
