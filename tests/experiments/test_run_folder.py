"""A run folder holds one configuration, once something was learnt with it."""

import pytest

from experiments.runs.config import EncoderConfig, PretrainConfig
from experiments.runs.folder import RunFolder
from multimodal.files import write_json


def config(name: str) -> PretrainConfig:
    return PretrainConfig(modality="audio", encoder=EncoderConfig(name=name))


def test_a_run_that_failed_before_it_learnt_anything_is_begun_anew_with_other_settings(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.begin(config("spectogram"))
    run.begin(config("spectrogram"))
    assert run.read_config(PretrainConfig) == config("spectrogram")


def test_a_run_that_began_to_learn_keeps_its_settings(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.begin(config("spectrogram"))
    write_json(run.provenance, {})
    run.begin(config("spectrogram"))
    with pytest.raises(ValueError, match=r"encoder\.name: 'spectrogram', now 'aasist'\); give a new"):
        run.begin(config("aasist"))
