"""Where a training is followed: a name that nobody has, or whose package is missing, is said before any work."""

import json
from typing import get_args

import pytest

from experiments.__main__ import main
from experiments.runs.trackers import TRACKERS, TrackerName, begin_tracking, check_tracker


def test_every_name_that_the_command_line_offers_is_in_the_catalog():
    assert set(get_args(TrackerName)) == {*TRACKERS, "none"}


def test_accelerate_knows_every_tracker():
    from accelerate.utils import LoggerType

    assert set(TRACKERS) <= {one.value for one in LoggerType}


def test_a_tracker_that_is_not_installed_is_one_line_before_any_work(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    files = [f"--{name}={workspace / file}" for name, file in FILES.items()]
    assert main(["train", "small", *files, "--tracker", "wandb", "--out", str(tmp_path / "run")]) == 1
    assert capsys.readouterr().err == "error: --tracker wandb needs wandb; install it with: pip install wandb\n"
    assert not (tmp_path / "run").exists()


def test_an_unknown_tracker_is_one_line_with_the_choices(capsys):
    with pytest.raises(SystemExit):
        main(["train", "small", "--tracker", "wanbd"])
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ValueError, match="unknown tracker 'wanbd'; did you mean 'wandb'"):
        check_tracker("wanbd")


FILES = {"manifest": "manifest.parquet", "split": "split.parquet", "store": "store"}


def test_a_training_that_nobody_follows_leaves_no_log(workspace, tmp_path):
    files = [f"--{name}={workspace / file}" for name, file in FILES.items()]
    tiny = ["--num-frames", "3", "--num-workers", "0", "--batch-size", "4", "--fit.steps", "1"]
    run = tmp_path / "run"
    assert main(["train", "small", *files, *tiny, "--tracker", "none", "--out", str(run)]) == 0
    assert not (run / "tensorboard").exists()
    assert json.loads((run / "history.json").read_text())[0]["step"] == 1


@pytest.mark.parametrize(
    ("name", "title", "settings"), [("tensorboard", "tensorboard", None), ("wandb", "mine", {"a": {"b": 1}})]
)
def test_a_tracker_is_told_the_settings_where_it_keeps_them(name, title, settings):
    told = []

    class Spy:
        def init_trackers(self, project, config):
            told.append((project, config))

    begin_tracking(Spy(), name, title="mine", settings={"a": {"b": 1}})
    assert told == [(title, settings)]
