import hashlib

import pandas as pd
import pyarrow.parquet as pq
import pytest

from multimodal.splits import Split


def small() -> Split:
    table = pd.DataFrame(
        {
            "clip_id": ["c/a.mp4", "c/b.mp4", "c/c.mp4", "c/d.mp4"],
            "split": ["train", "test", None, "val"],
            "reason": [None, None, "a donor is not known", None],
        }
    )
    return Split(table, "donor_disjoint", {"val_share": 0.07}, 5, ("a remark",))


def test_the_hash_is_sha_256_of_the_sorted_pairs_and_of_nothing_else():
    text = "\0".join(["c/a.mp4", "train", "c/b.mp4", "test", "c/c.mp4", "", "c/d.mp4", "val"])
    assert small().hash == hashlib.sha256(text.encode()).hexdigest()
    shuffled = small().assignment.iloc[::-1]
    assert Split(shuffled, "random", {}, 9).hash == small().hash


def test_a_split_comes_back_from_its_file_as_it_was(tmp_path):
    small().write(tmp_path / "split.parquet")
    back = Split.read(tmp_path / "split.parquet")
    assert (back.protocol, back.options, back.seed, back.notes) == (
        "donor_disjoint",
        {"val_share": 0.07},
        5,
        ("a remark",),
    )
    assert back.hash == small().hash
    assert back.counts == {"train": 1, "val": 1, "test": 1, "dropped": 1}
    assert back.dropped == {"a donor is not known": 1}
    assert back.clip_ids("test") == ["c/b.mp4"]


def test_a_file_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "split.parquet"
    small().write(path)
    table = pq.read_table(path)
    swapped = table.set_column(1, "split", [["test", "train", None, "val"]])
    pq.write_table(swapped.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(ValueError, match="was changed after it was made"):
        Split.read(path)


def test_what_is_no_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="split not found"):
        Split.read(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(ValueError, match="is no parquet file"):
        Split.read(tmp_path / "text.parquet")
    pd.DataFrame({"clip_id": ["a"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="has the columns clip_id"):
        Split.read(tmp_path / "other.parquet")


def test_a_split_is_looked_up_by_clip_and_refuses_clips_it_does_not_know():
    clips = pd.DataFrame({"clip_id": ["c/d.mp4", "c/c.mp4"]}, index=[7, 3])
    found = small().of(clips)
    assert found.index.tolist() == [7, 3]
    assert found.iloc[0] == "val"
    assert pd.isna(found.iloc[1])
    with pytest.raises(ValueError, match=r"1 of 1 clips are not in the split, e.g. z"):
        small().of(pd.DataFrame({"clip_id": ["z"]}))
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        small().clip_ids("dev")
