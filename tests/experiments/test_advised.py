from types import SimpleNamespace

import pytest
import torch

from experiments.__main__ import main
from experiments.runs import advised
from multimodal.audit.advice import CLASS_WEIGHTS, SAMPLER, SMOTE, recommend


@pytest.mark.parametrize(("device", "precision"), [("cpu", "bf16"), ("cpu", "no"), ("cuda", "fp16")])
def test_a_precision_that_the_device_computes_in_is_taken(device, precision, monkeypatch):
    monkeypatch.setattr(advised, "processes", lambda: SimpleNamespace(device=torch.device(device)))
    advised.check_precision(precision)


def test_float16_is_refused_on_a_cpu_where_it_would_be_float32_without_a_word(monkeypatch):
    monkeypatch.setattr(advised, "processes", lambda: SimpleNamespace(device=torch.device("cpu")))
    with pytest.raises(ValueError, match="--precision fp16 needs a GPU"):
        advised.check_precision("fp16")


@pytest.mark.parametrize(("times", "is_said"), [(6.5, True), (0.5, False)])
def test_bfloat16_is_warned_of_where_the_processor_has_no_unit_for_it(times, is_said, monkeypatch, capsys):
    monkeypatch.setattr(advised, "processes", lambda: SimpleNamespace(device=torch.device("cpu")))
    monkeypatch.setattr(advised, "bfloat16_error", lambda: 0.003)
    monkeypatch.setattr(advised, "bfloat16_times", lambda: times)
    advised.check_precision("bf16")
    assert ("6.5 times as long as in float32" in capsys.readouterr().err) == is_said


def test_how_long_bfloat16_takes_is_measured_here():
    assert advised.bfloat16_times() > 0


# What ``statistics`` advises can be typed: the verbs take every option that it names.


@pytest.mark.parametrize("verb", ["train", "pretrain video", "pretrain audio"])
@pytest.mark.parametrize("fakes", [1, 4, 8, 42])
def test_every_recommendation_is_understood_by_its_verb(verb, fakes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for choice in recommend(real=1, fake=fakes, has_fusion=verb == "train"):
        assert main([*verb.split(), "small", *choice.options.split()]) == 1
        assert "manifest not found" in capsys.readouterr().err


def test_every_recommendation_is_reached():
    reached = {choice for fakes in (1, 4, 8, 42) for choice in recommend(real=1, fake=fakes)}
    assert reached == {CLASS_WEIGHTS, SAMPLER, SMOTE}
