"""A trained detector is kept, shared and loaded again without the run that made it."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from experiments.__main__ import main
from experiments.export import _unfinished
from experiments.runs.familiar import learn_familiarity
from experiments.runs.scoring import open_judge
from multimodal import AudioVisualDetector, load_detector


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "detector"
    assert main(["export", str(run), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def moved(exported, tmp_path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "moved"))


def tensors():
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(3, 4, 3, 32, 32, generator=generator)
    return {"video": video, "audio": torch.rand(3, 6400, generator=generator) * 2 - 1}


@torch.inference_mode()
def test_a_run_in_place_of_a_detector_is_told_what_makes_one_of_it(run):
    with pytest.raises(ValueError, match="is a run of `train`; make a detector of it by: export"):
        AudioVisualDetector.from_pretrained(run)


def test_what_is_loaded_answers_as_the_run_does_to_the_bit(run, moved):
    judge, loaded = open_judge(run, "youden"), load_detector(moved)
    assert not loaded.training
    models = (judge, loaded, AudioVisualDetector.from_pretrained(moved))
    before, after, alone = (model(tensors()) for model in models)
    for other in (after, alone):
        assert torch.equal(before.class_logits, other.class_logits)
        assert all(torch.equal(before.modality_logits[name], one) for name, one in other.modality_logits.items())


@pytest.mark.parametrize("rule", ["youden", "f1"])
def test_thresholds_calibration_provenance_and_metrics_are_kept(run, moved, rule):
    judge, loaded = open_judge(run, rule), load_detector(moved, rule=rule)
    facts = (
        "thresholds_by_rule",
        "calibration",
        "provenance",
        "metrics",
        "trained_on",
        "is_generated",
        "shape",
        "crops",
    )
    assert loaded.decider.points == judge.decider.points
    for fact in facts:
        assert getattr(loaded, fact) == getattr(judge, fact), fact
    assert loaded.metrics == json.loads((run / "metrics.json").read_text())


def test_a_loaded_detector_judges_a_file_as_the_run_does(run, moved, workspace):
    clip = next((workspace / "corpus" / "FakeVideo-FakeAudio").rglob("*.mp4"))
    assert load_detector(moved).file(str(clip)).as_json() == open_judge(run, "youden").file(clip).as_json()


def test_predict_takes_an_exported_folder_in_place_of_a_run(moved, workspace, tmp_path):
    clip = next((workspace / "corpus" / "RealVideo-RealAudio").rglob("*.mp4"))
    assert main(["predict", str(clip), "--run", str(moved), "--out", str(tmp_path / "out")]) == 0


def test_what_is_familiar_is_learnt_from_validation_and_travels(run, tmp_path, monkeypatch):
    kept = Path(shutil.copytree(run, tmp_path / "run"))
    few = learn_familiarity(kept, "cpu")
    assert "takes 20 clips of 5 people" in few["video"]["reason"]
    assert not (kept / "familiar.safetensors").exists()
    monkeypatch.setattr("multimodal.familiarity.LEAST_PEOPLE", 2)
    found = learn_familiarity(kept, "cpu")
    assert all(0 <= found[name]["test_unlike"] <= 1 for name in ("video", "audio"))
    open_judge(kept, "youden").save_pretrained(tmp_path / "out")
    assert set(load_detector(tmp_path / "out").familiar) == {"video", "audio"}


def test_a_folder_holds_safetensors_and_json_and_a_card_alone(exported):
    names = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert names == {
        *("README.md", "config.json", "judge.json", "classifier.safetensors", "learnt_from.safetensors"),
        *(f"{name}/{file}" for name in ("video", "audio") for file in ("README.md", "config.json")),
        *(f"{name}/{file}.safetensors" for name in ("video", "audio") for file in ("model", "learnt_from")),
    }


def test_the_card_says_what_it_learnt_from_how_well_it_does_and_what_luck_reaches(exported, run):
    card = (exported / "README.md").read_text()
    metrics = json.loads((run / "metrics.json").read_text())
    assert card.startswith("---\nlibrary_name: ")
    assert "Trained on generated media only" in card
    assert "fakeavceleb, split by group_out" in card
    assert f"| any | {metrics['counts']['any']['fake']} : " in card
    assert f"{metrics['any']['auc']['value']:.3f} [" in card
    assert "(0.500)" in card
    assert "`youden`" in card
    assert "as part of a detector" in (exported / "video" / "README.md").read_text()


def test_a_detector_goes_to_the_hub_and_comes_back(moved, tmp_path, monkeypatch):
    hub, asked = tmp_path / "hub", []

    class Api:
        def __init__(self, token):
            asked.append(token)

        def create_repo(self, repo_id, *, private, exist_ok):
            return f"https://hub/{repo_id}"

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            shutil.copytree(folder_path, hub / repo_id)

    def snapshot(repo_id, *, allow_patterns, **_):
        assert "README.md" not in allow_patterns
        return str(hub / repo_id)

    monkeypatch.setattr("encoders.hub.HfApi", Api)
    monkeypatch.setattr("encoders.hub.snapshot_download", snapshot)
    judge = load_detector(moved)
    assert judge.push_to_hub("someone/detector", token="mine") == "https://hub/someone/detector"
    assert asked == ["mine"]
    with torch.inference_mode():
        loaded = load_detector("someone/detector")
        assert torch.equal(loaded(tensors()).class_logits, judge(tensors()).class_logits)


def test_a_folder_without_thresholds_is_refused_by_what_judges(moved):
    (moved / "judge.json").unlink()
    with pytest.raises(ValueError, match=r"has no judge\.json; make one of a run by: export RUN"):
        load_detector(moved)
    assert AudioVisualDetector.from_pretrained(moved).encoders.keys() == {"audio", "video"}


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("judge.json", {"thresholds": None}, "not a detector that judges files"),
        ("judge.json", {"provenance": {}}, "not a detector that judges files"),
        (
            "config.json",
            {"fusion": {"name": "os.system", "out_dim": 4, "options": {}}},
            "unknown fusion 'os.system'",
        ),
        ("config.json", {"fusion": {"name": "gated", "out_dim": 5, "options": {}}}, "of another architecture"),
        ("config.json", {"encoders": ["../../elsewhere"]}, "dims must name a modality"),
        ("config.json", {"encoders": 3}, "not the config of a detector"),
        ("config.json", {"dropout": "much"}, "not the config of a detector"),
    ],
)
def test_a_folder_that_was_changed_is_refused_in_one_line(moved, file, change, message):
    changed = json.loads((moved / file).read_text()) | change
    (moved / file).write_text(json.dumps(changed))
    with pytest.raises(ValueError, match=message) as error:
        load_detector(moved)
    assert "\n" not in str(error.value)


def test_export_overwrites_nothing(exported, run, moved, capsys):
    before = {path: path.stat().st_mtime_ns for path in exported.rglob("*")}
    assert main(["export", str(run), "--out", str(exported)]) == 0
    assert "holds this detector already; nothing was written" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in exported.rglob("*")} == before
    changed = json.loads((moved / "judge.json").read_text()) | {"metrics": None}
    (moved / "judge.json").write_text(json.dumps(changed))
    assert main(["export", str(run), "--out", str(moved)]) == 1
    assert "holds another detector" in capsys.readouterr().err
    (moved / "judge.json").unlink()
    assert main(["export", str(run), "--out", str(moved)]) == 1
    assert "give an empty or a new folder" in capsys.readouterr().err


def test_a_second_export_to_a_folder_is_told_who_holds_it(run, tmp_path, capsys):
    with _unfinished(tmp_path / "out", {"run": str(run.absolute()), "onnx": False}):
        assert main(["export", str(run), "--out", str(tmp_path / "out")]) == 1
    assert f"is being written by process {os.getpid()} on" in capsys.readouterr().err


def test_a_killed_export_goes_on_and_leaves_nothing_of_itself(exported, run, tmp_path):
    out = tmp_path / "out"
    with suppress(KeyboardInterrupt), _unfinished(out, {"run": str(run.absolute()), "onnx": False}):
        (out / "video").mkdir()
        (out / "video" / f".model.multimodal-{'0' * 16}.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="holds another export that did not end"), _unfinished(out, {}):
        pass
    assert main(["export", str(run), "--out", str(out)]) == 0
    names = [{path.relative_to(folder) for path in folder.rglob("*")} for folder in (exported, out)]
    assert names[0] == names[1]
