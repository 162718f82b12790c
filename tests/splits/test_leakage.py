"""Leakage of splits small enough to count by hand."""

import math

import pandas as pd
import pytest

from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.splits import Split
from multimodal.splits.leakage import leakage_table, leakage_text, measure_leakage


def make(rows) -> tuple[Manifest, Split]:
    """Rows of (path, identity, donors, source clip, video_fake, split)."""
    clips = [
        Clip(
            path,
            "video",
            fake,
            0,
            "m" if fake else "real",
            1,
            identity=person,
            donors=donors,
            source_clip=source,
        )
        for path, person, donors, source, fake, _ in rows
    ]
    manifest = collect(clips, corpus="c", root="/data")
    part_of = {f"c/{path}": part for path, *_, part in rows}
    ids = manifest.clips["clip_id"]
    table = pd.DataFrame({"clip_id": ids, "split": ids.map(part_of).astype(object)})
    table["split"] = table["split"].where(table["split"].notna(), None)
    table["reason"] = ["why not" if part is None else None for part in table["split"]]
    return manifest, Split(table, "by_hand")


ROWS = [
    ("a.mp4", "anna", (), None, 0, "train"),
    ("a_b.mp4", "anna", ("bert",), "a.mp4", 1, "train"),
    ("b.mp4", "bert", (), None, 0, "test"),  # bert lends his face in train
    ("b_a.mp4", "bert", ("anna",), "b.mp4", 1, "test"),  # anna is on screen in train
    ("b_b.mp4", "bert", ("bert",), "b.mp4", 1, "test"),  # bert is a donor in train, never on screen
    ("c_d.mp4", "carl", ("dora",), "c.mp4", 1, "test"),  # nobody known
    ("a2.mp4", "anna", (), "a.mp4", 1, "val"),  # person and source clip of train
    ("b2.mp4", "emil", (), "b.mp4", 1, None),
]


def test_overlaps_are_the_shares_worked_out_by_hand():
    leakage = measure_leakage(*make(ROWS))
    assert leakage.overlap.loc["test in train"].to_dict() == {
        "identity": 0,
        "donor_on_screen": 1 / 4,
        "donor": 2 / 4,
        "person": 3 / 4,
        "source_clip": 0,
        "method": 3 / 4,  # the real clip is of none
    }
    val = leakage.overlap.loc["val in train"]
    assert val.drop(["donor", "donor_on_screen"]).to_dict() == {
        **{"identity": 1, "person": 1, "source_clip": 1},
        "method": 1,
    }
    assert val[["donor", "donor_on_screen"]].isna().all()
    assert leakage.overlap.loc["test in val"].to_dict() == {
        "identity": 0,
        "donor_on_screen": 1 / 4,
        "donor": 1 / 4,
        "person": 1 / 4,
        "source_clip": 0,
        "method": 3 / 4,
    }


def test_counts_by_class_and_part_and_the_reasons_of_dropping():
    leakage = measure_leakage(*make(ROWS))
    assert leakage.counts.loc["train"].to_dict() == {"FVRA": 1, "RVRA": 1, "donor_unknown": 0, "clips": 2}
    assert leakage.counts.loc["test"].to_dict() == {"FVRA": 3, "RVRA": 1, "donor_unknown": 0, "clips": 4}
    assert leakage.counts.loc["dropped", "clips"] == 1
    assert leakage.dropped == {"why not": 1}


def test_a_real_clip_counts_as_its_own_source():
    rows = [("a.mp4", "anna", (), None, 0, "test"), ("a_x.mp4", "x", (), "a.mp4", 1, "train")]
    assert measure_leakage(*make(rows)).overlap.loc["test in train", "source_clip"] == 1


def test_what_is_not_known_is_not_called_zero():
    rows = [("a.mp4", None, (), None, 0, "train"), ("b.mp4", None, (), None, 0, "test")]
    overlap = measure_leakage(*make(rows)).overlap
    assert all(math.isnan(overlap.loc["test in train", name]) for name in ("identity", "donor", "person"))
    assert overlap.loc["test in train", "source_clip"] == 0
    assert "not known" in leakage_text([measure_leakage(*make(rows))])


def test_what_is_known_of_some_clips_only_is_a_bound_from_below():
    rows = [
        ("a.mp4", "anna", (), None, 0, "train"),
        ("b.mp4", None, (), None, 0, "train"),  # nobody says who, perhaps bert
        ("a_x.mp4", "anna", (), "a.mp4", 1, "test"),
        ("q.mp4", "bert", (), None, 0, "test"),
        ("r.mp4", None, (), None, 1, "test"),  # its name says nothing of anybody
        ("s.mp4", "carl", (), None, 0, "test"),
    ]
    leakage = measure_leakage(*make(rows))
    assert leakage.overlap.loc["test in train", "identity"] == 1 / 4
    assert leakage.text("test", "train", "identity") == "at least 25.0%"
    assert leakage.unknown.loc["test", ["identity", "donor", "person", "source_clip"]].to_list() == [1 / 4] * 4
    assert leakage.unknown.loc["train", ["identity", "donor", "source_clip"]].to_list() == [1 / 2, 0, 0]
    assert leakage_table([leakage]).loc[("test in train", "not_known"), "by_hand"] == 1 / 4
    line = next(line for line in leakage_text([leakage]).splitlines() if "not_known" in line)
    assert line.endswith("25.0%")


def test_donors_are_looked_for_where_nobody_on_screen_is_named():
    rows = [
        ("a.mp4", None, (), None, 0, "train"),
        ("a_x.mp4", None, ("anna",), None, 1, "train"),
        ("b_x.mp4", None, ("anna",), None, 1, "test"),
    ]
    leakage = measure_leakage(*make(rows))
    assert leakage.overlap.loc["test in train", ["donor_on_screen", "donor"]].to_list() == [0, 1]
    assert leakage.text("test", "train", "donor_on_screen").startswith("at least")


def test_where_everybody_is_known_no_share_is_a_bound():
    text = leakage_text([measure_leakage(*make(ROWS))])
    assert "at least" not in text
    assert [line.split()[-1] for line in text.splitlines() if "not_known" in line][:3] == ["0.0%"] * 3


def test_a_person_is_the_same_in_a_namespace_in_other_letters():
    rows = [("a.mp4", "VOX2:id00017", (), None, 0, "train"), ("b.mp4", "vox2:id00017", (), None, 0, "test")]
    assert measure_leakage(*make(rows)).overlap.loc["test in train", "identity"] == 1


def test_several_protocols_stand_side_by_side():
    manifest, one = make(ROWS)
    other = Split(one.assignment.assign(split="train", reason=None), "all_train", notes=("test is empty",))
    leakages = [measure_leakage(manifest, split) for split in (one, other)]
    table = leakage_table(leakages)
    assert list(table.columns) == ["by_hand", "all_train"]
    assert table.loc[("test in train", "person")].to_list()[0] == 3 / 4
    assert table.loc[("train", "clips")].to_list() == [2, 8]
    text = leakage_text(leakages)
    assert "75.0%" in text
    assert "all_train: test is empty" in text
    assert text.splitlines()[0].split() == ["by_hand", "all_train"]


def test_two_runs_of_one_protocol_are_told_apart():
    leakage = measure_leakage(*make(ROWS))
    assert list(leakage_table([leakage, leakage]).columns) == ["by_hand (1)", "by_hand (2)"]
    assert list(leakage_table([leakage, leakage], ["seed 1", "seed 2"]).columns) == ["seed 1", "seed 2"]


def test_a_split_of_another_manifest_is_refused():
    _, split = make(ROWS)
    manifest, _ = make([("z.mp4", "anna", (), None, 0, "train")])
    with pytest.raises(ValueError, match="1 of 1 clips are not in the split"):
        measure_leakage(manifest, split)


def without_methods(manifest: Manifest, of) -> Manifest:
    clips = manifest.clips.copy()
    clips.loc[of(clips), "method"] = None
    return Manifest(clips, manifest.roots)


def test_where_no_method_is_known_no_overlap_of_methods_is_known_either():
    manifest, split = make(ROWS)
    leakage = measure_leakage(without_methods(manifest, lambda clips: clips["method"].notna()), split)
    assert leakage.text("test", "train", "method") == "not known"
    assert leakage.text("test", "train", "identity") == measure_leakage(manifest, split).text(
        "test", "train", "identity"
    )


def test_a_fake_of_no_known_method_has_not_the_method_of_another():
    manifest, split = make(ROWS)
    before = measure_leakage(manifest, split)
    partly = without_methods(manifest, lambda clips: clips["clip_id"] == "c/c_d.mp4")
    after = measure_leakage(partly, split)
    assert (before.text("test", "train", "method"), after.text("test", "train", "method")) == (
        "75.0%",
        "at least 50.0%",
    )
    nowhere = without_methods(manifest, lambda clips: clips["clip_id"] == "c/a_b.mp4")
    assert measure_leakage(nowhere, split).text("test", "train", "method") == "at least 0.0%"
