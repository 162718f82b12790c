"""The audit of a run and of a corpus: floors of shortcuts, corruptions, who pays, the page and the model card."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from experiments.__main__ import main
from experiments.runs.auditing import corrupted_scores, groups_of
from experiments.runs.scoring import open_detector_run
from multimodal.corpora import scan
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.data.corruptions import CORRUPTIONS
from multimodal.metrics.scores_table import DESCRIPTION
from multimodal.report.pages.audit import audit_page, notes
from multimodal.synthetic import GENERATORS, LayoutOptions


@pytest.fixture(scope="module")
def audited(run, tmp_path_factory):
    """A copy of the run, audited with two corruptions."""
    copy = tmp_path_factory.mktemp("audited") / "run"
    shutil.copytree(run, copy)
    assert main(["audit", str(copy), "--only", "jpeg", "gain", "--replicates", "20"]) == 0
    return copy, json.loads((copy / "audit.json").read_text())


def test_every_corruption_is_told_in_three_strengths_with_area_and_operating_point(audited):
    _, found = audited
    changes = found["robustness"]["changes"]
    assert {name: [row["level"] for row in rows] for name, rows in changes.items()} == {
        "jpeg": [1, 2, 3],
        "gain": [1, 2, 3],
    }
    for row in changes["jpeg"]:
        assert set(row["targets"]["any"]) == {"auc", "false_alarms", "found"}
        assert set(row["targets"]["any"]["auc"]["change"]) >= {"value", "low", "high"}
    silent = changes["gain"][0]["targets"]["video"]["auc"]
    assert silent["before"] == changes["jpeg"][0]["targets"]["video"]["auc"]["before"]


def test_clips_as_they_are_get_the_scores_of_evaluate_to_the_bit(audited):
    copy, _ = audited
    kept = pd.read_parquet(copy / "scores.parquet", filters=[("split", "==", "test")]).set_index("clip_id")
    opened = open_detector_run(copy)
    clips = opened.read()
    again, jpeg, gain = corrupted_scores(opened, clips, clips.of("test"), [("jpeg", 3), ("gain", 2)])
    columns = [name for name in kept if name.startswith(("score_", "head_", "p_"))]
    again, jpeg, gain = (of.set_index("clip_id")[columns].loc[kept.index] for of in (again, jpeg, gain))
    pd.testing.assert_frame_equal(again, kept[columns], check_exact=True)
    for changed, own, others in ((jpeg, "head_video", "head_audio"), (gain, "head_audio", "head_video")):
        pd.testing.assert_series_equal(changed[others], again[others], check_exact=True)
        assert not changed[own].equals(again[own])
        assert not changed["score_any"].equals(again["score_any"])


def test_groups_travel_with_the_scores_and_are_judged_at_one_threshold(audited):
    copy, found = audited
    assert pd.read_parquet(copy / "scores.parquet")["group"].notna().all()
    people = found["groups"]["identity"]["any"]["groups"]
    assert {"real", "fake", "auc", "false_alarms", "found"} <= set(next(iter(people.values())))


def test_people_of_a_sex_are_judged_together_whatever_else_their_group_says():
    groups = np.repeat(["African/men", "African/women", "men", "women"], 10)
    table = pd.DataFrame({"clip_id": np.arange(40).astype(str), "group": groups, "any_fake": np.arange(40) % 2})
    table["identity"] = [f"{group}{number % 5}" for number, group in enumerate(groups)]
    table["score_any"] = np.where(
        table["any_fake"] == 1, 0.9, np.where(table["group"].isin(["African/men", "men"]), 0.8, 0.1)
    )
    clips = table.assign(flags=[[] for _ in table.index])
    found = groups_of(table, clips, {"any": 0.5}, replicates=20)
    assert set(found) == {"group", "sex", "identity"}
    judged = found["sex"]["any"]
    assert {name: one["false_alarms"]["value"] for name, one in judged["groups"].items()} == {"men": 1, "women": 0}
    assert {name: one["real"] for name, one in judged["groups"].items()} == {"men": 10, "women": 10}
    assert judged["worst"]["group"] == "men"


def test_codecs_and_lines_that_a_protocol_names_are_judged_apart(tmp_path):
    options = LayoutOptions(identities=3, clips=2, clip_seconds=0.3, frame_size=64, variant="la")
    GENERATORS["asvspoof2021_la"](tmp_path, options)
    clips = scan("asvspoof2021_la", tmp_path).clips
    codec = clips["flags"].map(lambda flags: next((flag for flag in flags if flag.startswith("codec_")), "none"))
    scores = clips[DESCRIPTION].assign(score_any=np.where(codec == "codec_ulaw", 0.9, 0.1))
    elsewhere = scores.iloc[[0]].assign(clip_id="elsewhere", corpus="another")
    found = groups_of(pd.concat([scores, elsewhere]), clips, {"any": 0.5}, replicates=20)
    assert {"codec", "transmission"} <= set(found)
    judged = found["codec"]["any"]["groups"]
    assert set(judged) == {name.removeprefix("codec_") for name in codec}
    assert sum(one["real"] + one["fake"] for one in judged.values()) == len(clips)
    alarms = {name: one["false_alarms"]["value"] for name, one in judged.items() if one["real"]}
    assert alarms == {name: float(name == "ulaw") for name in alarms}
    assert "ulaw" in alarms


def test_few_clips_have_no_floor_and_the_reason_is_told(audited):
    _, found = audited
    assert "floors of shortcuts need 20 of each" in found["floors"]["any"]["reason"]


def test_the_page_and_the_card_say_what_was_found_and_that_media_are_generated(audited):
    copy, _ = audited
    page = (copy / "audit.html").read_text()
    assert "Generated media" in page
    assert "most harm is done by" in page
    assert "the threshold drifts most under" in page
    assert "How it breaks" in page
    card = (copy / "model_card.md").read_text()
    assert "## What it may have learnt instead, and who pays" in card
    assert "- most harm is done by" in card


@pytest.mark.parametrize("judged", [{}, {"explained": 0.2, "explained_within_label": 0.1}])
def test_the_page_of_a_corpus_alone_speaks_of_no_detector(judged):
    row = {"auc": {"value": 0.5, "low": 0.4, "high": 0.6}, "alarm": False, **judged}
    empty = {"generated": False, "about": "", "warnings": []}
    page = audit_page({**empty, "floors": {"video": {"facts of the file": row}}}, title="a")
    assert "! marks a shortcut" in page
    assert ("share of the detector&#39;s score" in page) == ("of the score" in page) == bool(judged)


def test_groups_break_between_their_parts_and_are_written_out_and_not_obeyed():
    judged = {"groups": {"Asian_East/<b>women": {"real": 3, "fake": 4, "identities": 2}}}
    empty = {"generated": False, "about": "", "warnings": [], "floors": {}}
    page = audit_page({**empty, "groups": {"group": {"any": judged}, "identity": {"any": judged}}}, title="a")
    assert "Asian_<wbr>East/<wbr>&lt;b&gt;women" in page
    assert "By person, any (1)" in page


def test_what_the_audit_found_goes_along_with_an_exported_detector(audited, tmp_path):
    copy, _ = audited
    assert main(["export", str(copy), "--out", str(tmp_path / "detector")]) == 0
    assert "most harm is done by" in (tmp_path / "detector" / "README.md").read_text()
    assert json.loads((tmp_path / "detector" / "judge.json").read_text())["audit"]


def test_a_corpus_is_audited_before_anything_is_trained(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("multimodal.metrics.shortcut_floors.FEWEST", 10)
    monkeypatch.setattr("multimodal.metrics.shortcut_floors.TREES", 5)
    files = ["--manifest", str(workspace / "manifest.parquet"), "--store", str(workspace / "store")]
    assert main(["audit", *files, "--out", str(tmp_path), "--replicates", "20"]) == 0
    printed = capsys.readouterr().out
    assert GENERATED_NOTICE in printed
    floors = json.loads((tmp_path / "audit.json").read_text())["floors"]
    assert set(floors["any"]) == {
        *("facts of the file", "silence at the ends", "loudness and spectrum"),
        *("border of the picture", "size and place of the face", "all together"),
    }
    assert "silence at the ends" not in floors["video"]
    assert "Without looking or listening" in (tmp_path / "audit.html").read_text()


def test_a_corruption_of_no_such_name_and_a_run_without_metrics_are_refused(run, tmp_path, capsys):
    assert main(["audit", str(run), "--only", "jpg"]) == 1
    assert "did you mean 'jpeg'" in capsys.readouterr().err
    assert main(["audit", str(tmp_path)]) == 1
    assert "no run in" in capsys.readouterr().err
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    assert main(["audit", str(tmp_path)]) == 1
    assert "judge it first: evaluate" in capsys.readouterr().err


def test_a_fall_that_may_be_chance_is_told_as_such_and_the_largest_drift_is_named():
    def row(level, change, alarms, found):
        area = {
            "before": 0.9,
            "after": 0.9 + change[0],
            "change": dict(zip(("value", "low", "high"), change, strict=True)),
        }
        shares = [
            {"before": was, "after": now, "change": {"value": now - was, "low": None, "high": None}}
            for was, now in (alarms, found)
        ]
        judged = {"auc": area, "false_alarms": shares[0], "found": shares[1]}
        return {"level": level, "strength": CORRUPTIONS["jpeg"].strengths[level - 1], "targets": {"any": judged}}

    rows = [
        row(1, (-0.2, -0.3, 0.1), (0.1, 0.3), (0.8, 0.7)),
        row(2, (-0.1, -0.2, -0.05), (0.1, 0.1), (0.8, 0.1)),
    ]
    found = {"warnings": [], "floors": {}, "robustness": {"changes": {"jpeg": rows}}}
    assert notes(found) == [
        "most harm is done by jpeg (75 of 100 in quality): AUC -0.200 [-0.300, 0.100], which may be chance",
        "the threshold drifts most under jpeg (40 of 100 in quality): 10.0% of the fakes are found, "
        "80.0% of the clips as they are",
    ]
    found["robustness"]["changes"]["jpeg"] = rows[1:]
    assert notes(found)[0].endswith("[-0.200, -0.050]")
