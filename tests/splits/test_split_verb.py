"""The table that `split` prints, where one of several protocols cannot be made."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.split import split
from multimodal.corpora.manifest import Clip, collect


@pytest.fixture
def manifest(tmp_path):
    clips = [Clip(f"{n}.mp4", "video", n % 2, 0, "m", 1, identity=f"x:{n // 2}") for n in range(40)]
    collect(clips, corpus="mine", root=tmp_path).write(tmp_path / "manifest.parquet")
    return tmp_path / "manifest.parquet"


def test_a_protocol_that_lacks_its_file_does_not_stop_the_table_of_the_others(manifest, tmp_path, capsys):
    names = ("source_disjoint", "from_file", "group_out", "random")
    chosen = split((manifest,), protocol=names, out=tmp_path / "split.parquet")
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split() == ["source_disjoint", "random"]
    assert "from_file is not in the table: from_file needs a list" in printed
    assert "group_out is not in the table: group_out needs three groups or more" in printed
    assert chosen.protocol == "source_disjoint"


def test_where_the_protocol_that_is_to_be_written_fails_the_table_stands_and_nothing_is_written(
    manifest, tmp_path, capsys
):
    with pytest.raises(ValueError, match="from_file needs a list"):
        split((manifest,), protocol=("from_file", "random"), out=tmp_path / "split.parquet")
    assert capsys.readouterr().out.splitlines()[0].split() == ["random"]
    with pytest.raises(ValueError, match="from_file needs a list"):
        split((manifest,), protocol=("from_file",), out=tmp_path / "split.parquet")
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="unknown protocol 'randon'"):
        split((manifest,), protocol=("random", "randon"), out=tmp_path / "split.parquet")
    assert not (tmp_path / "split.parquet").exists()


def test_a_manifest_without_a_method_is_split_and_no_kind_of_fake_is_found_in_it(manifest, tmp_path, capsys):
    table = pq.read_table(manifest)
    place = table.schema.get_field_index("method")
    pq.write_table(table.set_column(place, "method", pa.nulls(table.num_rows, pa.string())), manifest)
    split((manifest,), protocol=("source_disjoint", "leave_method_out"), out=tmp_path / "split.parquet")
    printed = capsys.readouterr().out
    assert "leave_method_out is not in the table: unknown kind of fake 'RVFA'; there is none" in printed
    assert "not known" in printed
