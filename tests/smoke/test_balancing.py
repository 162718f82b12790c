import dataclasses

import pandas as pd
import pytest

from experiments.evaluate import evaluate
from experiments.runs.clips import load_clips
from experiments.runs.config import BalanceConfig, TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.provenance import learnt_shares
from experiments.runs.scoring import score_run
from experiments.runs.settings import read_config
from experiments.thresholds import thresholds
from experiments.train import train
from multimodal.files import read_json
from multimodal.metrics.probabilities import fit_probabilities, probabilities


@pytest.fixture
def config(run) -> TrainConfig:
    config = read_config(RunFolder(run).config, TrainConfig)
    return dataclasses.replace(config, fit=dataclasses.replace(config.fit, steps=2, validate_every=1))


def balanced(config: TrainConfig, name: str, **options) -> TrainConfig:
    return dataclasses.replace(config, balance=BalanceConfig(name=name, **options))


@pytest.mark.parametrize(
    "options",
    [
        {"name": "smote", "neighbours": 3},
        {"name": "hybrid", "neighbours": 3, "cleaner": "undersample"},
        {"name": "weighted_sampler", "within": "method"},
        {"name": "frames_per_clip"},
        {"name": "effective_number"},
    ],
    ids=lambda options: options["name"],
)
def test_the_scores_of_any_balance_become_probabilities_like_any_other(options, config, tmp_path):
    folder = RunFolder(train(balanced(config, **options), tmp_path / "run"))
    learnt = learnt_shares(folder.read_plain_config(), folder.read_provenance())
    fitted = fit_probabilities(folder.validation_scores(), learnt)
    scores = score_run(folder.path, "cpu").scores
    said = probabilities(scores, fitted, "prior")
    assert said["any"].between(0, 1).all()
    assert said["any"].nunique() > 1


def test_a_detector_trained_with_a_balance_is_judged_like_any_other(config, tmp_path):
    folder = train(balanced(config, "smote", neighbours=3), tmp_path / "run")
    thresholds(folder, replicates=20)
    metrics = evaluate(folder, replicates=20)
    assert 0 <= metrics["any"]["auc"]["value"] <= 1


def test_smote_never_sees_a_clip_of_validation_or_test(config, tmp_path, monkeypatch):
    from experiments.runs import feed

    seen, resample = [], feed.resample

    def note(cache, clips, resampling):
        seen.extend(clips["clip_id"])
        return resample(cache, clips, resampling)

    monkeypatch.setattr(feed, "resample", note)
    folder = train(balanced(config, "smote", neighbours=3), tmp_path / "run")
    training = load_clips(*config.data.source).of("train")
    assert sorted(seen) == sorted(training["clip_id"])
    scored = pd.read_parquet(folder / "scores.parquet")
    assert not set(seen) & set(scored["clip_id"])
    learnt = read_json(folder / "provenance.json")["learnt"]["counts"]["class"]
    assert learnt == pytest.approx([learnt[0]] * 4)


def test_smote_with_too_few_clips_of_a_class_says_what_to_do(config, tmp_path):
    with pytest.raises(ValueError, match=r"needs 31 training clips of each class; got RVRA .*Lower --bal"):
        train(balanced(config, "smote", neighbours=30), tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"neighbours": 0}, r"neighbours must be at least 1; got 0"),
        ({"ratio": 0.0}, r"ratio must lie in \(0, 1\]"),
        ({"ratio": 2.0}, r"ratio must .*got 2.0"),
        ({"beta": 1.0}, r"beta must lie in \[0, 1\); got 1.0"),
    ],
)
def test_numbers_that_no_balance_can_work_with_are_refused_before_the_run_begins(options, says, config, tmp_path):
    with pytest.raises(ValueError, match=says):
        train(balanced(config, "hybrid", **options), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_auto_takes_the_advice_and_writes_down_what_it_took(config, tmp_path, capsys):
    folder = train(balanced(config, "auto"), tmp_path / "run")
    assert "auto: " in capsys.readouterr().err
    taken = read_config(folder / "config.json", TrainConfig)
    assert (taken.balance.name, taken.loss.name) == ("weighted_sampler", "focal")


def test_training_on_tokens_goes_on_where_it_stopped(config, tmp_path):
    frozen = dataclasses.replace(config, freeze_encoders=True, tokens=tmp_path / "tokens")
    folder = train(frozen, tmp_path / "run")
    before = (folder / "best.safetensors").read_bytes()
    assert train(frozen, tmp_path / "run") == folder
    assert (folder / "best.safetensors").read_bytes() == before


def test_tokens_without_frozen_encoders_are_refused(config, tmp_path):
    with pytest.raises(ValueError, match="tokens are kept of frozen encoders only; add --freeze-encoders"):
        train(dataclasses.replace(config, tokens=tmp_path), tmp_path / "run")
