"""A verb reports what it reads in the files that it wrote: where they say other things, so does the verb."""

import json
import shutil
from pathlib import Path

import pytest

from experiments.__main__ import main
from multimodal import files

SHORT = ["--fit.steps", "1", "--num-workers", "0", "--batch-size", "4", "--num-frames", "3", "--tracker", "none"]


@pytest.fixture
def spoil(monkeypatch):
    """Have a change made to a file of that name whenever one is written."""

    def spoil(name, change):
        def write(path, value, written=files.write_json):
            written(path, change(value) if Path(path).name == name else value)

        monkeypatch.setattr(files, "write_json", write)

    return spoil


def all_0123(value):
    """Every number that a verb shows is 0.123."""
    if isinstance(value, list):
        return [all_0123(one) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {name for name, one in value.items() if name in ("value", "threshold", "stored") and one is not None}
    return {name: 0.123 if name in shown else all_0123(one) for name, one in value.items()}


def data_of(workspace):
    return [
        f"--{name.split('.')[0]}={workspace / name}" for name in ("manifest.parquet", "split.parquet", "store")
    ]


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("metrics.json", "evaluate {run} --replicates 0"),
        ("metrics.json", "evaluate --scores {scores} --out {out} --replicates 0"),
        ("thresholds.json", "thresholds {run} --replicates 0"),
        ("transfer.json", "thresholds {run} --transfer {run} --replicates 0"),
        ("matrix.json", "evaluate --matrix {run} --sources {workspace} --split test --out {out} --replicates 0"),
    ],
)
def test_numbers_are_those_of_the_file_that_was_written(file, command, run, workspace, tmp_path, spoil, capsys):
    copied = shutil.copytree(run, tmp_path / "run")
    scores = "\n".join(f"{clip},{clip / 20},{clip % 3 % 2}" for clip in range(20))
    (tmp_path / "scores.csv").write_text(f"clip_id,score,label\n{scores}\n")
    places = {"run": copied, "scores": tmp_path / "scores.csv", "out": tmp_path / "out", "workspace": workspace}
    spoil(file, all_0123)
    assert main([word.format(**places) for word in command.split()]) == 0
    assert "0.123" in capsys.readouterr().out


def test_a_training_says_the_best_validation_of_the_history_that_it_wrote(workspace, tmp_path, spoil, capsys):
    spoil("history.json", lambda rows: [{**row, "selection": 0.123, "step": 7} for row in rows])
    assert main(["train", "small", *SHORT, *data_of(workspace), "--out", str(tmp_path / "run")]) == 0
    assert "best validation value 0.123 at step 7 of 7" in capsys.readouterr().out


def test_predict_counts_the_verdicts_in_the_file(run, workspace, tmp_path, spoil, capsys):
    clip = next((workspace / "corpus" / "RealVideo-RealAudio").rglob("*.mp4"))
    spoil("verdicts.json", lambda verdicts: [*verdicts, *verdicts])
    assert main(["predict", str(clip), "--run", str(run), "--out", str(tmp_path)]) == 0
    assert f"2 of 1 files: {tmp_path / 'verdicts.json'}" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "verdicts.json").read_text())) == 2


@pytest.mark.parametrize("verb", ["export", "pretrain"])
def test_a_folder_that_cannot_be_read_back_is_not_reported(verb, run, workspace, tmp_path, monkeypatch, capsys):
    def refuse(folder, *_, **__):
        raise ValueError(f"cannot read {folder}")

    monkeypatch.setattr(
        {"export": "multimodal.judge.load_detector", "pretrain": "encoders.load_encoder"}[verb], refuse
    )
    given = [str(run)] if verb == "export" else ["audio", "small", *SHORT, *data_of(workspace)]
    out = tmp_path / "out"
    assert main([verb, *given, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "cannot read" in said.err
    assert not any(line.startswith(str(out)) for line in said.out.splitlines())
