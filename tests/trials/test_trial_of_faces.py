"""Pairs of an original and its swap, on generated faces."""

import json
import shutil

import pandas as pd
import pytest

from experiments.__main__ import main
from experiments.trials.faces import judge_pairs, pairs_of
from multimodal.corpora.manifest import Manifest


def test_the_trial_of_faces_learns_from_genuine_clips_and_judges_pairs(workspace, tmp_path, capsys):
    clips = Manifest.read(workspace / "manifest.parquet").clips
    genuine, fakes = clips[clips["av_class"] == "RVRA"], clips[clips["av_class"] == "FVRA"]
    chosen = [*genuine["path"].head(4), fakes["path"].iloc[0]]
    names = [("train", "a"), ("train", "b"), ("val", "c"), ("test", "pair"), ("test", "pair")]
    (tmp_path / "corpus").mkdir()
    rows = []
    for number, (path, (split, identity)) in enumerate(zip(chosen, names, strict=True)):
        shutil.copy(workspace / "corpus" / path, tmp_path / "corpus" / f"{number}.mp4")
        label = "fake" if number == 4 else "real"
        rows.append((f"{number}.mp4", label, identity, "swap" if number == 4 else "real", split))
    columns = ["path", "label", "identity", "method", "split"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "corpus" / "clips.csv", index=False)
    tiny = ["--batch-size", "2", "--num-workers", "0", "--windows-per-clip", "1", "--workers", "1"]
    tiny += ["--fit.steps", "1", "--fit.validate-every", "1", "--encoder.options.frame-size", "32"]
    tiny += ["--blends", "2"]
    command = ["trial", "faces", str(tmp_path / "corpus"), "--out", str(tmp_path / "out"), "--seeds", "0", "1"]
    assert main([*command, *tiny]) == 0
    assert "paired accuracy" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "trial.json").read_text())
    parts = ("seed 0", "seed 1", "mean of scores")
    assert list(report) == [f"{system}, {part}" for system in ("network", "ranking") for part in parts]
    assert report["network, seed 0"]["paired_accuracy"]["num_pairs"] == 1
    assert [one["pair"] for one in report["network, seed 0"]["pairs"]] == ["folder:pair"]
    on_blends = [report[f"ranking, seed {seed}"]["validation_blends"] for seed in (0, 1)]
    assert [one["paired_accuracy"]["num_pairs"] for one in on_blends] == [2, 2]
    assert report["ranking, seed 0"]["pairs"] != report["ranking, seed 1"]["pairs"]
    # the ranking by itself is the same, and takes what was prepared
    assert main([*command, *tiny, "--no-network"]) == 0
    alone = json.loads((tmp_path / "out" / "trial.json").read_text())
    assert alone == {name: one for name, one in report.items() if name.startswith("ranking")}


def test_a_pair_is_won_where_the_fake_scores_above_its_own_original():
    scores = pd.DataFrame(
        {
            "identity": ["a", "a", "b", "b", "alone"],
            "video_fake": [0, 1, 0, 1, 0],
            "score_video": [0.2, 0.3, 0.8, 0.7, 0.5],
        }
    )
    judged = judge_pairs(pairs_of(scores))
    assert judged["paired_accuracy"]["accuracy"] == 0.5
    assert judged["auc"] == 0.5
    assert [one["pair"] for one in judged["pairs"]] == ["a", "b"]


def test_a_test_part_without_a_pair_is_refused():
    scores = pd.DataFrame({"identity": ["a", "b"], "video_fake": [0, 1], "score_video": [0.2, 0.3]})
    with pytest.raises(ValueError, match="no identity of the test part has a genuine clip and a fake"):
        pairs_of(scores)


def test_a_trial_of_faces_in_which_nothing_learns_is_refused(tmp_path, capsys):
    assert main(["trial", "faces", str(tmp_path), "--out", str(tmp_path), "--no-network", "--blends", "0"]) == 1
    assert "nothing learns" in capsys.readouterr().err
