"""The recipe for the real corpus, which begins with published weights, trains on a machine without network."""

import json
import socket

import pytest
import timm
import torch
from tiny_speech import TINY_SPEECH
from transformers import AutoConfig, AutoModel

from experiments.__main__ import main

SPEECH = {name: value for name, value in TINY_SPEECH.items() if name != "model_type"}
TINY_VIT = "--video.name frames --video.options backbone test_vit"
TINY_SOUND = "--audio.name spectrogram --audio.options backbone test_resnet"
SHORT = "--fit.steps 1 --fit.validate-every 1 --num-workers 0 --batch-size 4 --num-frames 3 --precision no"


@pytest.fixture
def tried(monkeypatch) -> list[str]:
    """Every try to reach a network: it is refused and noted, whoever swallows the error."""
    calls: list[str] = []

    def refuse(*arguments, **_):
        calls.append(repr(arguments))
        raise OSError("the test forbids sockets")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return calls


def test_the_recipe_of_vit_and_wav2vec2_trains_from_local_folders(workspace, tmp_path, tried, capsys):
    picture, sound, run = tmp_path / "vit.pth", tmp_path / "speech", tmp_path / "run"
    torch.save({"state_dict": timm.create_model("test_vit").state_dict()}, picture)
    AutoModel.from_config(AutoConfig.for_model("wav2vec2", **SPEECH)).half().save_pretrained(sound)
    command = ["train", "fakeavceleb", "--video.weights", str(picture), "--audio.weights", str(sound)]
    command += [*TINY_VIT.split(), "frame_size", "32", *SHORT.split()]
    for name in ("manifest.parquet", "split.parquet", "store"):
        command += [f"--{name.split('.')[0]}", str(workspace / name)]
    assert main([*command, "--out", str(run)]) == 0
    assert not tried
    printed = capsys.readouterr().out
    assert "weights of vit.pth (taken from 'state_dict'; without head)" in printed
    assert "weights of model.safetensors learnt from, which they do not say (transformers' wav2vec2)" in printed
    said = json.loads((run / "config.json").read_text())["encoders"]
    assert (said["video"]["weights"], said["audio"]["weights"]) == (str(picture), str(sound))


def test_weights_of_another_network_than_the_recipe_s_end_the_training_in_one_line(workspace, tmp_path, capsys):
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "other.pth")
    command = ["train", "fakeavceleb", "--video.weights", str(tmp_path / "other.pth"), *SHORT.split()]
    command += [*TINY_VIT.split(), *TINY_SOUND.split(), "--out", str(tmp_path / "run")]
    for name in ("manifest.parquet", "split.parquet", "store"):
        command += [f"--{name.split('.')[0]}", str(workspace / name)]
    assert main(command) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert "another architecture" in line
    assert "blocks.0.attn.proj.bias missing" in line
