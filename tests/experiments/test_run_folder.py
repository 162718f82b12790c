"""A run folder holds one configuration, once something was learnt with it, and what it was made with."""

import multiprocessing
import os
import subprocess
import time
from functools import partial

import pytest

from experiments.evaluate import evaluate
from experiments.runs.config import PretrainConfig
from experiments.runs.folder import RunFolder, commit, environment
from experiments.runs.parts import EncoderConfig
from experiments.runs.settings import read_config, to_plain
from experiments.studies.study import StudyFolder
from experiments.thresholds import thresholds, transfer_to
from multimodal import __version__
from multimodal.files import claim, held, is_leftover, write_json
from multimodal.media.prepare_corpus import _open_or_make
from multimodal.media.prepared import PrepareOptions
from multimodal.synthetic.generation import claimed


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


def test_what_a_killed_start_left_is_no_reason_to_refuse_the_folder(tmp_path):
    def prepare(folder):
        _open_or_make(folder, PrepareOptions())

    def study(folder):
        claim(folder, StudyFolder(folder).plan.name, {"study": "fusion"}, kind="study")

    def corpus(folder):
        with claimed(folder, {"options": {}}):
            pass

    for start in (prepare, study, corpus, lambda folder: begin(RunFolder(folder), settings("aasist"))):
        folder = tmp_path / start.__name__
        folder.mkdir()
        (folder / f".config.multimodal-{'0' * 16}.json").write_text("half")
        start(folder)
        start(folder)
        assert not any(is_leftover(path) for path in folder.iterdir())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, where a library has started threads
def test_a_second_writer_of_a_run_is_told_and_a_forked_child_holds_nothing_for_a_dead_one(tmp_path):
    run = RunFolder(tmp_path)
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    with run.begun(settings("aasist")):
        child.start()
        told = rf"being written by process {os.getpid()} on .*; wait for it"
        with pytest.raises(ValueError, match=told), run.begun(settings("aasist")):
            pass
    begin(run, settings("aasist"))
    child.kill()
    child.join()


def test_who_judges_a_run_or_generates_a_corpus_is_told_that_another_is_at_work(tmp_path):
    begin(RunFolder(tmp_path), settings("aasist"))
    with claimed(tmp_path / "corpus", {}), held(tmp_path):
        for write in (evaluate, thresholds, partial(transfer_to, transfer=tmp_path)):
            with pytest.raises(ValueError, match="is being written by process"):
                write(tmp_path)
        with pytest.raises(ValueError, match="corpus is being written by"), claimed(tmp_path / "corpus", {}):
            pass


def test_a_run_that_goes_on_is_free_of_what_a_killed_writer_left(tmp_path):
    run = RunFolder(tmp_path)
    begin(run, settings("aasist"))
    (tmp_path / f".scores.multimodal-{'0' * 16}.parquet").write_text("half")
    begin(run, settings("aasist"))
    assert {path.name for path in tmp_path.iterdir()} == {".lock", ".writer", "config.json", "environment.json"}
