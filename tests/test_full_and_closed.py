"""Disks that take nothing more and folders that may not be read: both are told by name, and at once."""

import os
import resource
from pathlib import Path
from unittest.mock import Mock

import pytest

from experiments import predict
from experiments.predict import find_files
from multimodal.files import WRITER, held, listed
from multimodal.media.store.journal import all_lines, merge
from multimodal.report.player import Players, stamp_of
from multimodal.report.verdict import FileVerdict, Judgement
from multimodal.training.checkpoints import Checkpoints

DENIED = PermissionError(13, "Permission denied", "theirs")


@pytest.fixture
def full_disk():
    """Nothing can be written into a file any more; the system says so as of a full disk, by another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_on_which_the_holder_of_a_folder_cannot_be_noted_is_named(tmp_path, full_disk):
    with pytest.raises(OSError, match="too large") as told, held(tmp_path):
        pass
    assert told.value.filename == str(tmp_path / WRITER)


def test_a_disk_that_takes_no_verdict_is_named(tmp_path, full_disk, monkeypatch):
    monkeypatch.setattr(predict, "_judge", lambda judge, path, explain: (Mock(), '{"file": "a.mp4"}'))
    with pytest.raises(OSError, match="too large") as told:
        list(predict._judged(None, [tmp_path / "a.mp4"], tmp_path / "verdicts.jsonl", Mock(), explain=False))
    assert told.value.filename == str(tmp_path / "verdicts.jsonl")


def test_a_folder_that_may_not_be_listed_is_not_taken_for_an_empty_one(tmp_path, monkeypatch):
    assert listed(tmp_path / "nowhere") == []
    monkeypatch.setattr(Path, "iterdir", Mock(side_effect=DENIED))
    checkpoints = Checkpoints(tmp_path)
    for use in (
        lambda: listed(tmp_path),
        checkpoints.latest,
        lambda: merge(tmp_path),
        lambda: all_lines(tmp_path),
    ):
        with pytest.raises(PermissionError):
            use()


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A folder of another user; whoever runs the tests may read everything, so that it cannot be taken away."""
    folder = tmp_path / "inbox" / "theirs"
    folder.mkdir(parents=True)
    (tmp_path / "inbox" / "a.mp4").touch()
    scandir = os.scandir

    def refuse(path="."):
        if os.fspath(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return folder


def test_media_in_a_folder_that_may_not_be_read_are_not_none(theirs):
    for given in (theirs, theirs / "*.mp4"):
        with pytest.raises(ValueError, match=r"theirs: permission denied\. Ask its owner"):
            find_files([given])
    assert find_files([theirs.parent]) == [theirs.parent / "a.mp4", theirs]


def test_a_file_that_may_not_be_looked_at_stays_among_the_others(theirs, monkeypatch):
    stat = os.stat

    def refuse(path, *args, **kwargs):
        if os.fspath(path) == str(theirs / "b.mp4"):
            raise DENIED
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(ValueError, match=r"b\.mp4: permission denied\. Ask its owner"):
        find_files([theirs / "b.mp4"])
    both = [theirs.parent / "a.mp4", theirs / "b.mp4"]
    assert find_files(both) == both
    verdict = FileVerdict(file="b.mp4", main=Judgement(name="x", modalities={}), trained_on="", synthetic=False)
    assert Players(theirs, "beside").of(both[1], verdict, stamp_of(both[1])) is None
