"""The first command of the README does the whole job, here on a few clips and a few steps."""

import os
from dataclasses import replace

import pytest

from experiments import quickstart
from experiments.__main__ import main
from experiments.recipes import small
from multimodal.media.prepared import PrepareOptions


@pytest.fixture
def made_short(monkeypatch):
    """The quickstart with clips and steps for a test; what it does with them is unchanged."""
    one_of_each = dict.fromkeys(("real_clips", "rtvc_clips", "wav2lip_clips", "rtvc_wav2lip_clips"), 1)
    corpus = replace(quickstart.CORPUS, groups=3, identities_per_group=2, **one_of_each)
    monkeypatch.setattr(quickstart, "CORPUS", replace(corpus, clip_seconds=0.6, frame_size=128))
    monkeypatch.setattr(quickstart, "CROPS", PrepareOptions(frame_rate=10, crop_size=32))
    monkeypatch.setattr(small, "DATA", replace(small.DATA, num_workers=0, num_frames=4))
    for name in ("pretrain_video", "pretrain_audio", "train"):
        config = getattr(small, name)()
        few = replace(config, fit=replace(config.fit, steps=2, validate_every=2))
        monkeypatch.setattr(small, name, lambda few=few: few)


def test_the_quickstart_leads_from_nothing_to_a_report_and_a_verdict(made_short, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "false")
    out = tmp_path / "quickstart"
    assert main(["quickstart", "--out", str(out), "--workers", "1", "--device", "cpu"]) == 0
    assert os.environ["ACCELERATE_USE_CPU"] == "true"
    printed = capsys.readouterr().out
    for page in ("run/report.html", "predictions/verdicts.html", "statistics.html"):
        assert "generated media" in (out / page).read_text(encoding="utf-8").lower()
        assert str(out / page) in printed
    assert "these numbers say nothing about real videos" in printed
    assert "where the time went" in (out / "run/report.html").read_text(encoding="utf-8").lower()
