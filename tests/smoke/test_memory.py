"""Planted leaks between stages: what encoder, tokens or run learnt from is held against what is judged."""

import json
import shutil
from dataclasses import replace

import pytest

from encoders import load_encoder
from encoders.learnt_from import LEARNT_FILE, LearntFrom
from experiments.__main__ import main
from experiments.pretrain import pretrain
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.runs.memory import history_of_encoder
from experiments.runs.parts import EncoderConfig
from experiments.runs.settings import read_config
from experiments.split import split
from experiments.thresholds import thresholds
from experiments.train import train
from multimodal.corpora.manifest import Manifest
from multimodal.splits import Split
from multimodal.splits.seen import learnt_from, name_hashes
from multimodal.training.options import FitOptions

QUICK = FitOptions(steps=1, validate_every=1)


@pytest.fixture(scope="module")
def config(run) -> TrainConfig:
    """A training of one step, of the split that holds a group out."""
    config = read_config(run / "config.json", TrainConfig)
    return replace(config, fit=QUICK)


@pytest.fixture(scope="module")
def leaking(workspace, config, tmp_path_factory):
    """A video encoder pretrained by another split of the same clips."""
    folder = tmp_path_factory.mktemp("leaking")
    manifest = workspace / "manifest.parquet"
    split((manifest,), protocol=("random",), seed=3, out=folder / "split.parquet")
    data = replace(config.data, split=folder / "split.parquet")
    own = PretrainConfig(modality="video", encoder=config.encoders["video"], data=data, fit=QUICK)
    return pretrain(own, folder / "branch")


def from_weights(config, encoder, **data):
    return replace(config.with_weights(video=encoder), data=replace(config.data, **data))


def test_an_encoder_that_learnt_from_held_out_clips_is_refused_with_their_number(
    config, leaking, tmp_path, workspace
):
    elsewhere = set(Split.read(leaking.parents[1] / "split.parquet").clip_ids("train"))
    held_out = set(Split.read(workspace / "split.parquet").clip_ids("val"))
    count = f"{len(elsewhere & held_out)} of the {len(held_out)} val clips"
    with pytest.raises(ValueError, match=rf"the video encoder .*branch/encoder learnt from {count}"):
        train(from_weights(config, leaking), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_memory_of_an_encoder_travels_with_a_copy_that_is_saved_again(leaking, tmp_path):
    encoder = load_encoder(leaking)
    encoder.save_pretrained(tmp_path)
    assert LearntFrom.read(tmp_path).of("clips").size == encoder.learnt_from.of("clips").size > 0


@pytest.fixture(scope="module")
def allowed(config, leaking, tmp_path_factory):
    """A run that was trained all the same."""
    folder = tmp_path_factory.mktemp("allowed") / "run"
    return train(from_weights(config, leaking, allow_seen=True), folder)


def test_what_was_allowed_marks_every_later_result(allowed, capsys):
    assert json.loads((allowed / "provenance.json").read_text())["seen"]["marked"]
    for verb in ("thresholds", "evaluate"):
        assert main([verb, str(allowed), "--replicates", "0"]) != 0
        assert "flatter" in capsys.readouterr().err
    assert main(["evaluate", str(allowed), "--replicates", "0", "--allow-seen"]) == 0
    assert "these numbers flatter" in capsys.readouterr().out
    assert "these numbers flatter" in (allowed / "report.html").read_text()
    assert json.loads((allowed / "metrics.json").read_text())["seen"]["parts"]["test"]["learnt"] > 0


def test_a_run_remembers_the_trainings_of_its_encoders(allowed, leaking, workspace):
    own = set(Split.read(workspace / "split.parquet").clip_ids("train"))
    elsewhere = set(Split.read(leaking.parents[1] / "split.parquet").clip_ids("train"))
    assert set(LearntFrom.read(allowed).of("clips")) == set(name_hashes(own | elsewhere))


def test_tokens_of_an_encoder_that_lost_its_memory_still_know(config, leaking, tmp_path):
    encoder = tmp_path / "encoder"
    shutil.copytree(leaking, encoder)
    on_tokens = replace(config, freeze_encoders=True, tokens=tmp_path / "tokens")
    train(from_weights(on_tokens, encoder, allow_seen=True), tmp_path / "first")
    (encoder / LEARNT_FILE).unlink()
    with pytest.raises(ValueError, match=r"an encoder of the tokens .* learnt from"):
        train(from_weights(on_tokens, encoder), tmp_path / "second")


def test_thresholds_are_not_chosen_on_clips_that_were_learnt_from(run, workspace, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    clips = Manifest.read(workspace / "manifest.parquet").clips
    val = clips[clips["clip_id"].isin(Split.read(workspace / "split.parquet").clip_ids("val"))]
    (LearntFrom.read(copy) | learnt_from(val.head(1), val)).write(copy)
    with pytest.raises(ValueError, match=r"learnt from 1 of the \d+ val clips"):
        thresholds(copy, replicates=0)


def test_published_weights_are_said_to_be_unknown():
    known = EncoderConfig(name="facenet", options={"pretrained": False})
    assert not known.starts_trained
    published = history_of_encoder(EncoderConfig(name="frames", options={"pretrained": True}))
    assert published.unknown == ("the published frames",)
    assert history_of_encoder(known).unknown == ()


def test_predict_tells_a_clip_that_was_learnt_from_by_its_place_in_the_corpus(run, workspace, tmp_path, capsys):
    clips = Manifest.read(workspace / "manifest.parquet")
    held_out = Split.read(workspace / "split.parquet")
    known, new = (clips.file_of(held_out.clip_ids(part)[0]) for part in ("train", "test"))
    out = ["--run", str(run), "--out", str(tmp_path), "--explain-training"]
    assert main(["predict", str(known), str(new), *out]) == 0
    printed = capsys.readouterr().out
    assert "people in any role" in printed
    first, second = json.loads((tmp_path / "verdicts.json").read_text())
    assert "learnt from this clip: its verdict says nothing about clips that are new" in first["warnings"]
    assert "not among the clips learnt from, going by its name" in second["warnings"]
