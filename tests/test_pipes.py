"""A pipe, a socket or a device in a stranger's folder is refused in one line: to read it may never end."""

import os
import signal
import socket

import pytest

from multimodal.artefacts import inside, reading
from multimodal.corpora.base import ScanReport
from multimodal.corpora.walk import walk_files
from multimodal.files import WRITER, held, open_itself, shared
from multimodal.media.probe_corpus import journal_tables
from multimodal.media.store.format import JOURNALS, LOCK, SHARDS
from multimodal.media.store.journal import all_lines, finished_clips, merge
from multimodal.media.store.shard import end_archive
from multimodal.tokens.cache import _load, shard_path


@pytest.fixture(autouse=True)
def _never_waits():
    """Whoever waits for a pipe fails, and does not stop all tests."""

    def end(*_):
        raise AssertionError("it waited for a pipe")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize("mode", ["a", "a+", "w", "rb", "rb+"])
def test_a_pipe_is_opened_in_no_mode(pipe, mode):
    with pytest.raises(ValueError, match="pipe is no plain file"):
        open_itself(pipe, mode)


def test_a_socket_and_a_device_are_none_either_and_a_folder_is_a_folder(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(ValueError, match="socket is no plain file"):
            open_itself(tmp_path / "socket", "a")
    with pytest.raises(ValueError, match="null is no plain file"):
        open_itself(os.devnull, "w")
    with pytest.raises(IsADirectoryError):
        open_itself(tmp_path, "rb")


def test_none_is_read_and_none_is_given_as_a_file_of_a_folder(pipe):
    with pytest.raises(ValueError, match="pipe is no plain file"), reading(pipe, "a table"):
        pipe.read_bytes()
    with pytest.raises(ValueError, match="pipe is no plain file"):
        inside(pipe.parent, "pipe")


@pytest.mark.parametrize("call", [merge, finished_clips, all_lines])
def test_a_store_whose_journal_is_a_pipe_is_refused(tmp_path, call):
    (tmp_path / JOURNALS).mkdir()
    os.mkfifo(tmp_path / JOURNALS / "x.jsonl")
    with pytest.raises(ValueError, match=r"x\.jsonl is no plain file"):
        call(tmp_path)


def test_a_journal_that_is_a_link_is_refused(tmp_path):
    (tmp_path / JOURNALS).mkdir()
    (tmp_path / JOURNALS / "x.jsonl").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match=r"x\.jsonl is a link"):
        all_lines(tmp_path)


@pytest.mark.parametrize(("name", "hold"), [(LOCK, merge), (WRITER, held), (WRITER, shared)])
def test_locks_that_are_pipes_are_refused(tmp_path, name, hold):
    (tmp_path / JOURNALS).mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="is no plain file"), hold(tmp_path) or pytest.fail("it was held"):
        pass


def test_shards_that_are_pipes_are_refused(tmp_path):
    (tmp_path / SHARDS).mkdir()
    os.mkfifo(tmp_path / SHARDS / "x-0.tar")
    with pytest.raises(ValueError, match=r"x-0\.tar is no plain file"):
        end_archive(tmp_path / SHARDS / "x-0.tar", 0)
    tokens = shard_path(tmp_path, 0)
    os.mkfifo(tokens)
    with pytest.raises(ValueError, match="is no plain file"):
        _load(tokens)


def test_the_journal_of_a_probe_that_is_a_pipe_is_refused(pipe):
    with pytest.raises(ValueError, match="pipe is no plain file"):
        list(journal_tables(pipe))


def test_a_pipe_among_the_files_of_a_corpus_is_no_clip(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"x")
    report = ScanReport()
    assert list(walk_files(tmp_path, report, suffixes={".mp4"})) == [("b.mp4", 1)]
    assert report.skipped["a pipe, socket or device"].count == 1
