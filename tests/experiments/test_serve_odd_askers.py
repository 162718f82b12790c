"""The local page before who sends slowly, nothing or for ever, reads nothing, and before a disk that is full."""

import errno
import json
import resource
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest
from served import verdict_on, wait_for

from experiments.serving.desk import Desk

FULL = OSError(errno.ENOSPC, "No space left on device")
HEAD = b"Host: 127.0.0.1\r\nContent-Length: 3000\r\n\r\n"
SLOW = b"POST /files?name=a.mp4 HTTP/1.1\r\n" + HEAD


@contextmanager
def full_disk():
    """No file takes more than a few bytes; the system says so as of a full disk, by another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def long_verdict(desk):
    """A verdict that no buffer of the system holds."""
    job = desk.admit("a.mp4")
    job.page.write_bytes(bytes(30_000_000))
    job.ended, job.state = time.monotonic() + 600, "done"
    return f"GET /verdicts/{job.key} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", SLOW + b"abc", None])
def test_nobody_holds_off_the_end(serve, desk, tmp_path, capsys, sent):
    served = serve(desk)
    with served.connect(long_verdict(desk) if sent is None else sent):
        wait_for(lambda: served.connections == 1)
        if sent is not None and sent.startswith(SLOW):
            wait_for(lambda: list(tmp_path.glob("desk/*/file.mp4")))
        else:
            time.sleep(0.1)
        assert served.close() < 5  # 0.2 on an idle machine
    assert not list(tmp_path.glob("desk/*/file.mp4"))
    assert capsys.readouterr().err == ""


def test_an_idle_desk_closes_at_once(asked, tmp_path):
    desk = Desk(asked, verdict_on, tmp_path)
    time.sleep(0.1)  # until its thread waits for a file
    began = time.monotonic()
    desk.close()
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize("size", [200, 300_000])
def test_a_full_disk_refuses_a_file_in_words_and_leaves_nothing(serve, desk, tmp_path, capsys, size):
    served = serve(desk)
    with full_disk():
        told = [served.ask("/files?name=a.mp4", bytes(size)) for _ in range(4)]
    assert [status for status, _, _ in told] == [507] * 4
    said = json.loads(told[0][2])["error"]
    assert said == "the file cannot be kept here until it is judged (File too large)"
    assert list((tmp_path / "desk").iterdir()) == []
    assert served.ask("/files?name=a.mp4", b"x")[0] == 202
    assert capsys.readouterr().err == ""


def test_a_file_whose_folder_cannot_be_made_takes_no_place(serve, desk, monkeypatch):
    served = serve(desk)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", Mock(side_effect=FULL))
        for _ in range(4):
            with pytest.raises(OSError, match="No space left"):
                desk.admit("a.mp4")
        status, _, text = served.ask("/files?name=a.mp4", b"x")
        assert (status, "No space left" in text) == (507, True)
    assert [served.ask("/files?name=a.mp4", b"x")[0] for _ in range(4)] == [202, 202, 202, 503]


def test_a_file_that_cannot_be_deleted_ends_no_queue(desk, asked, monkeypatch):
    asked.go.set()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", Mock(side_effect=PermissionError(errno.EPERM, "not permitted")))
        for content in ("a", "b"):
            job = desk.admit("a.mp4")
            job.file.write_text(content)
            desk.submit(job)
            wait_for(lambda job=job: job.state == "done")
    assert asked.order == ["a", "b"]


@pytest.fixture
def impatient(monkeypatch, serve, desk):
    from experiments.serving import connections

    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.5)
    return serve(desk)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\n" + HEAD])
@pytest.mark.parametrize("goes_on", [False, True])
def test_who_sends_no_whole_request_is_cut_off(impatient, sent, goes_on):
    with impatient.connect(sent) as connection:
        wait_for(lambda: impatient.connections == 1)
        until = time.monotonic() + 10
        while impatient.connections and time.monotonic() < until:
            if goes_on:
                try:
                    connection.sendall(b"x")
                except OSError:
                    break
            time.sleep(0.05)
        assert impatient.connections == 0


def test_who_reads_nothing_is_cut_off(impatient, desk):
    with impatient.connect(long_verdict(desk)):
        wait_for(lambda: impatient.connections == 1)
        until = time.monotonic() + 10
        while impatient.connections and time.monotonic() < until:
            time.sleep(0.05)
        assert impatient.connections == 0


def test_a_file_that_comes_slowly_is_not_cut_off(impatient):
    with impatient.connect(SLOW) as connection:
        for _ in range(10):
            time.sleep(0.1)
            connection.sendall(bytes(300))
        assert b" 202 " in connection.recv(100).partition(b"\r\n")[0]
