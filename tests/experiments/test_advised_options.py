"""What ``statistics`` advises can be typed: the verbs take every option that it names."""

import pytest

from experiments.__main__ import main
from multimodal.corpora.advice import CLASS_WEIGHTS, SAMPLER, SMOTE, recommend


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
