"""Anybody's detector over a manifest, and several systems side by side."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf

from encoders.audio.aasist import AasistEncoder
from experiments.__main__ import main
from experiments.detectors.aasist import Aasist
from experiments.detectors.meso import Meso4
from experiments.detectors.timm_folder import TimmFolder
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import held
from multimodal.media.prepared import PreparedClip

OWN = """
class Mean:
    def __init__(self, scale=1):
        self.scale = scale
    def __call__(self, clip):
        if clip.clip_id.endswith("00001.mp4"):
            raise RuntimeError("an odd clip")
        return {"any": self.scale * float(clip.frames.mean()), "audio": abs(clip.waveform).max()}

def size(path):
    return path.stat().st_size
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_detector.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_detector"
    sys.modules.pop("own_detector", None)


def judge(workspace, out, detector, *more):
    files = ["--manifest", str(workspace / "manifest.parquet"), "--split", str(workspace / "split.parquet")]
    return main(["evaluate", "--detector", detector, *files, "--out", str(out), "--replicates", "20", *more])


def test_a_class_with_options_is_asked_of_every_prepared_clip(own, workspace, tmp_path, capsys):
    store = ["--store", str(workspace / "store"), "--options", "scale", "2"]
    assert judge(workspace, tmp_path / "mean", f"{own}:Mean", *store) == 0
    said = capsys.readouterr()
    assert GENERATED_NOTICE in said.out
    scores = pd.read_parquet(tmp_path / "mean" / "scores.parquet")
    assert scores["score_any"].max() > 100
    assert scores["score_any"].isna().sum() == said.err.count("not judged: ") == said.err.count("an odd clip")
    metrics = json.loads((tmp_path / "mean" / "metrics.json").read_text())
    assert {"any", "audio"} <= set(metrics)
    assert (tmp_path / "mean" / "report.html").stat().st_size > 1000
    lines = (tmp_path / "mean" / "scores.jsonl").read_text()
    assert judge(workspace, tmp_path / "mean", f"{own}:Mean", *store) == 0
    assert (tmp_path / "mean" / "scores.jsonl").read_text() == lines
    assert judge(workspace, tmp_path / "mean", f"{own}:size") == 1
    assert "another detector" in capsys.readouterr().err
    with held(tmp_path / "mean"):
        assert judge(workspace, tmp_path / "mean", f"{own}:Mean", *store) == 1
    assert "is being written by process" in capsys.readouterr().err
    (tmp_path / "mean" / "scores.jsonl").write_text('{"clip_id": "a", "scores": 3}\n')
    assert judge(workspace, tmp_path / "mean", f"{own}:Mean", *store) == 1
    assert "scores.jsonl is damaged; remove it" in capsys.readouterr().err


def test_a_function_gets_the_file_and_several_systems_stand_side_by_side(own, run, workspace, tmp_path, capsys):
    assert judge(workspace, tmp_path / "size", f"{own}:size", "--no-higher-is-fake") == 0
    out = tmp_path / "board"
    assert main(["leaderboard", str(run), str(tmp_path / "size"), "--out", str(out), "--replicates", "20"]) == 0
    printed = capsys.readouterr().out
    assert "could be seen" in printed
    board = json.loads((out / "leaderboard.json").read_text())
    assert list(board["systems"]) == ["run", "size"]
    assert board["floors"]["auc"] == 0.5
    assert set(board["systems"]["size"]["difference"]) >= {"difference", "low", "high", "p_value", "detectable"}
    assert board["systems"]["size"]["seen"] is None
    page = (out / "leaderboard.html").read_text()
    assert "a random system" in page
    assert "not known" in page
    assert "Generated media" in page


def test_a_system_that_judges_another_target_is_told_with_what_it_judges(tmp_path, capsys):
    table = pd.DataFrame({"clip_id": ["a", "b"], "video_fake": [0, 1], "score_video": [0.1, 0.9]})
    for name in ("one", "other"):
        table.to_parquet(tmp_path / f"{name}.parquet")
    systems = [str(tmp_path / f"{name}.parquet") for name in ("one", "other")]
    assert main(["leaderboard", *systems, "--target", "audio", "--out", str(tmp_path / "board")]) == 1
    assert "one.parquet says video and not audio; choose --target video" in capsys.readouterr().err


def test_a_detector_that_is_not_there_is_told_in_one_line(workspace, tmp_path, capsys):
    for name, told in (
        ("nowhere", "wants MODULE:NAME"),
        ("no_such:thing", "no detector no_such:thing"),
        ("math:pi", "math:pi is float, which cannot be called"),
    ):
        assert judge(workspace, tmp_path / "out", name) == 1
        assert told in capsys.readouterr().err


def prepared(frames=True, sound=True):
    generator = np.random.default_rng(0)
    return PreparedClip(
        clip_id="a",
        frame_rate=10.0,
        sample_rate=16_000,
        frames=generator.integers(0, 255, (9, 40, 40, 3), dtype=np.uint8) if frames else None,
        boxes=None,
        waveform=generator.uniform(-0.1, 0.1, 16_000).astype(np.float32) if sound else None,
    )


def test_published_aasist_weights_are_asked_with_a_higher_score_for_spoofed(tmp_path):
    torch.manual_seed(0)
    encoder = AasistEncoder(variant="AASIST-L").eval()
    torch.save(encoder.state_dict(), tmp_path / "AASIST-L.pth")
    detector = Aasist(str(tmp_path / "AASIST-L.pth"), variant="AASIST-L")
    clip = prepared()
    with torch.inference_mode():
        spoofed, bona_fide = encoder.logits(torch.from_numpy(clip.waveform).repeat(5)[None, :64_600])[0]
    assert detector(clip) == pytest.approx(float(spoofed - bona_fide), abs=1e-5)
    assert detector(prepared(sound=False)) is None


def test_a_meso_network_and_a_timm_folder_look_at_faces(tmp_path):
    torch.manual_seed(0)
    shapes = {"conv1": (8, 3, 3), "conv2": (8, 8, 5), "conv3": (16, 8, 5), "conv4": (16, 16, 5)}
    state = {
        f"{name}.weight": torch.randn(out, into, size, size) / 9 for name, (out, into, size) in shapes.items()
    }
    for name, width in (("bn1", 8), ("bn2", 16)):
        state |= {f"{name}.{key}": value for key, value in torch.nn.BatchNorm2d(width).state_dict().items()}
    for name, layer in (("fc1", torch.nn.Linear(1024, 16)), ("fc2", torch.nn.Linear(16, 2))):
        state |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    torch.save(state, tmp_path / "meso.pt")
    one, other = (Meso4(str(tmp_path / "meso.pt"), fake_class=number)(prepared()) for number in (0, 1))
    assert 0 < one < 1
    assert one + other == pytest.approx(1)
    model = timm.create_model("test_resnet", num_classes=2)
    save_for_hf(model, tmp_path / "classifier", safe_serialization=True)
    detector = TimmFolder(str(tmp_path / "classifier"))
    assert 0 < detector(prepared()) < 1
    assert detector(prepared(frames=False)) is None
    save_for_hf(model, tmp_path / "named", model_config={"label_names": ["Fake", "Real"]}, safe_serialization=True)
    by_name = TimmFolder(str(tmp_path / "named"))
    assert by_name(prepared()) == pytest.approx(1 - detector(prepared()))
    assert TimmFolder(str(tmp_path / "named"), fake_class=1)(prepared()) == detector(prepared())


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timm") / "classifier"
    save_for_hf(timm.create_model("test_resnet", num_classes=2), folder, safe_serialization=True)
    return folder


def changed(classifier, tmp_path, **changes):
    folder = Path(shutil.copytree(classifier, tmp_path / "classifier"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "hf-hub:nobody/model"}, "unknown timm backbone"),
        ({"architecture": {"a": 1}}, "says no architecture"),
        ({"num_classes": 10**12}, "no number of classes"),
        ({"num_classes": 3}, "are of another architecture"),
        ({"pretrained_cfg": [1]}, "not the config of a timm network"),
        ({"pretrained_cfg": {"mean": "abc"}}, "want three numbers"),
        ({"pretrained_cfg": {"input_size": [3, 10**7, 10**7]}}, "at most 2048"),
        ({"model_args": {"odd": 1}}, "not the config of a timm network"),
    ],
    ids=str,
)
def test_a_strangers_folder_of_timm_is_refused_in_one_line(classifier, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as told:
        TimmFolder(str(changed(classifier, tmp_path, **changes)))
    assert "\n" not in str(told.value)


def test_weights_that_a_folder_of_timm_lacks_are_not_made_up_though_its_config_says_so(classifier, tmp_path):
    folder = changed(classifier, tmp_path, model_args={"pretrained_strict": False})
    save_file({"conv1.weight": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(ValueError, match="are of another architecture"):
        TimmFolder(str(folder))
