"""Runs across corpora: trained on one, tested on the others."""

import json

import pandas as pd
import pytest

from experiments.__main__ import main

QUICK = ["--fit.steps", "1", "--fit.validate-every", "1", "--num-workers", "0", "--batch-size", "4"]


@pytest.fixture(scope="module")
def branches(sources, tmp_path_factory):
    """A branch trained on images, and one on videos."""
    folder = tmp_path_factory.mktemp("branches")
    for name in ("images", "videos"):
        data = ["--sources", str(sources / name), "--store", str(sources / "store"), "--num-frames", "2"]
        size = ["--encoder.options.frame-size", "32"]
        assert main(["pretrain", "video", "small", *data, *QUICK, *size, "--out", str(folder / name)]) == 0
    return folder


def matrix(runs, sources, names, out, *more):
    folders = [str(sources / name) for name in names]
    where = ["--sources", *folders, "--store", str(sources / "store"), "--replicates", "20", "--out", str(out)]
    return main(["evaluate", "--matrix", *map(str, runs), *where, *more])


def test_every_run_is_judged_on_every_corpus_with_intervals(branches, sources, tmp_path, capsys):
    runs = [branches / "images", branches / "videos"]
    assert matrix(runs, sources, ["images", "videos"], tmp_path) == 0
    judged = json.loads((tmp_path / "matrix.json").read_text())
    assert judged["generated"]
    cells = judged["matrix"]["video"]
    assert {run: [name for name, cell in row.items() if cell["own"]] for run, row in cells.items()} == {
        "images": ["images"],
        "videos": ["videos"],
    }
    for row in cells.values():
        assert row["images"]["counts"]["real"] > 0
        assert set(row["images"]["auc"]) >= {"value", "low", "high"}
        assert 0 <= row["images"]["eer"]["value"] <= 1
    assert (tmp_path / "matrix-video.png").stat().st_size > 1000
    printed = capsys.readouterr().out
    assert "trained on this corpus" in printed
    assert "say nothing about real media" in printed


def test_scores_that_are_there_are_not_computed_again(branches, sources, tmp_path):
    assert matrix([branches / "images"], sources, ["videos"], tmp_path) == 0
    (file,) = (tmp_path / "scores").iterdir()
    scores = pd.read_parquet(file)
    scores["score_video"] = scores["video_fake"].astype(float)
    scores.to_parquet(file)
    assert matrix([branches / "images"], sources, ["videos"], tmp_path) == 0
    judged = json.loads((tmp_path / "matrix.json").read_text())
    assert judged["matrix"]["video"]["images"]["videos"]["auc"]["value"] in (1.0, None)
    assert len(list((tmp_path / "scores").iterdir())) == 1


def test_a_branch_is_evaluated_by_method_and_audited_by_person(branches, capsys):
    branch = branches / "videos"
    assert main(["evaluate", str(branch), "--replicates", "20"]) == 0
    assert "video        AUC" in capsys.readouterr().out
    metrics = json.loads((branch / "metrics.json").read_text())
    assert "audio" not in metrics
    assert metrics["per_method"]["video"]
    assert main(["audit", str(branch), "--only", "grey", "--replicates", "20"]) == 0
    found = json.loads((branch / "audit.json").read_text())
    assert found["groups"]["identity"]["video"]["groups"]
    assert [row["level"] for row in found["robustness"]["changes"]["grey"]] == [1, 2, 3]
    assert not (branch / "model_card.md").exists()


def test_a_detector_is_judged_for_each_target(run, sources, tmp_path):
    assert matrix([run], sources, ["videos", "speech"], tmp_path) == 0
    judged = json.loads((tmp_path / "matrix.json").read_text())["matrix"]
    assert judged["video"]["run"]["speech"]["auc"]["value"] is None
    assert judged["audio"]["run"]["speech"]["counts"]["fake"] > 0


def test_a_run_is_not_tested_on_its_training_clips(branches, sources, tmp_path, capsys):
    assert matrix([branches / "videos"], sources, ["videos"], tmp_path, "--split", "train") == 1
    assert "the run videos learnt from 10 of the 10 videos (train) clips" in capsys.readouterr().err


def test_two_runs_of_one_name_are_refused(branches, sources, tmp_path, capsys):
    assert matrix([branches / "videos"] * 2, sources, ["images"], tmp_path) == 1
    assert "two runs are called 'videos'" in capsys.readouterr().err
