"""``generate`` from the command line, for a corpus other than FakeAVCeleb."""

from pathlib import Path

import pytest

from experiments.generate import main
from multimodal.synthetic import GENERATORS, SUMMARIES


def test_generate_writes_the_variant_that_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    small = ["--clips", "1", "--clip-seconds", "0.3", "--identities", "3", "--workers", "1"]
    main(["deepfake_audio", "--out", str(tmp_path), "--variant", "for_norm", *small])
    assert len([*tmp_path.rglob("for-norm/for-norm/training/real/*.wav")]) == 2
    assert "audios 8, made 8, kept 0 (generated media)" in capsys.readouterr().out


def test_generate_offers_every_corpus_with_a_line_about_it(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    listed = capsys.readouterr().out
    assert set(SUMMARIES) == set(GENERATORS)
    assert all(f"  {name} " in listed for name in GENERATORS)


def test_generate_help_names_the_variants(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["faceforensics", "--help"])
    assert "official (the default), kaggle" in capsys.readouterr().out
