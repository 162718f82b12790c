"""A run folder holds one configuration, once something was learnt with it, and what it was made with."""

import subprocess

import pytest

from experiments.runs.config import EncoderConfig, PretrainConfig
from experiments.runs.folder import RunFolder, commit, environment
from experiments.runs.settings import read_config, to_plain
from multimodal import __version__
from multimodal.files import write_json


def begin(run: RunFolder, settings: dict) -> None:
    with run.begun(settings):
        pass


def settings(name: str) -> dict:
    return to_plain(PretrainConfig(modality="audio", encoder=EncoderConfig(name=name)))


def test_a_run_that_failed_before_it_learnt_anything_is_begun_anew_with_other_settings(tmp_path):
    run = RunFolder(tmp_path / "run")
    begin(run, settings("spectogram"))
    begin(run, settings("spectrogram"))
    assert run.read_plain_config() == settings("spectrogram")
    assert to_plain(read_config(run.config, PretrainConfig)) == settings("spectrogram")


def test_a_run_that_began_to_learn_keeps_its_settings(tmp_path):
    run = RunFolder(tmp_path / "run")
    begin(run, settings("spectrogram"))
    write_json(run.provenance, {})
    begin(run, settings("spectrogram"))
    with pytest.raises(ValueError, match=r"encoder\.name: 'spectrogram', now 'aasist'\); give a new"):
        begin(run, settings("aasist"))


def test_a_run_notes_the_versions_of_this_program_and_of_what_reads_its_media():
    made_with = environment()
    assert made_with["version"] == __version__
    assert {"av", "decord", "torch"} <= set(made_with["packages"])
    assert made_with["packages"]["av"]


def test_the_commit_is_that_of_a_checkout_and_never_of_a_repository_around_it(tmp_path):
    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True)
        return done.stdout.decode().strip()

    inside = tmp_path / "environment" / "site-packages"
    inside.mkdir(parents=True)
    assert commit(tmp_path) is None
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    assert commit(tmp_path) == git("rev-parse", "HEAD")
    assert commit(inside) is None
