"""The local page: one queue with limits, files that are gone when they are judged, and who may ask."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from judged import tiny_judge, write_tiny_clip
from served import wait_for

from encoders.temporary import temporary_folder
from experiments.serving.desk import BusyError, Desk


def arrive(desk, content, name="clip.mp4"):
    job = desk.admit(name)
    job.file.write_text(content)
    desk.submit(job)
    return job


def test_files_are_judged_one_by_one_in_order_and_deleted(desk, asked):
    jobs = [arrive(desk, content) for content in ("a", "odd", "c")]
    assert desk.status(jobs[2])["ahead"] == 2
    asked.go.set()
    wait_for(lambda: all(job.state == "done" for job in jobs))
    assert asked.order == ["a", "odd", "c"]
    assert [job.reason for job in jobs] == ["a", "RuntimeError: a library gave up", "c"]
    assert not any(job.file.exists() for job in jobs)
    assert json.loads(jobs[0].numbers.read_text())["file"] == "clip.mp4"


def test_a_verdict_is_forgotten_after_a_while(desk, asked):
    asked.go.set()
    job = arrive(desk, "a")
    wait_for(lambda: desk.find(job.key) is None and not job.folder.exists())
    assert asked.order == ["a"]


def test_no_more_files_are_taken_than_may_wait(desk, asked):
    jobs = [arrive(desk, "a") for _ in range(3)]
    with pytest.raises(BusyError, match="3 files wait already"):
        desk.admit("clip.mp4")
    desk.drop(jobs[1])
    assert not jobs[1].folder.exists()
    assert desk.admit("clip.mp4").state == "arriving"


@pytest.mark.parametrize("name", ["", "clip", "clip.exe", "clip.mp4/"])
def test_only_media_files_are_taken(desk, name):
    with pytest.raises(ValueError, match="no media file by its name"):
        desk.admit(name)


def test_a_name_leads_nowhere_and_moves_no_cursor(desk):
    job = desk.admit("..\\../\x1b[2J<b>.MP4")
    assert job.name == "\\u001b[2J<b>.MP4"
    assert job.file.parent == job.folder
    assert job.file.name == "file.mp4"


# The server, where it is installed.


def test_a_file_that_is_sent_gets_its_verdict_and_a_hostile_one_its_reason(serve, tmp_path):
    judge, clip = tiny_judge(), write_tiny_clip(tmp_path / "media")
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(judge.file, judge.cannot_judge, folder)
    served = serve(desk)
    keys = []
    for name, content in {"clip <b>.mp4": clip.read_bytes(), "bomb.mp4": b"\0\0\0\x20ftyp" + bytes(4000)}.items():
        status, _, text = served.ask(f"/files?name={name.replace(' ', '%20')}", content)
        assert status == 202
        keys.append(json.loads(text)["key"])
    jobs = [desk.find(key) for key in keys]
    wait_for(lambda: all(job.state == "done" for job in jobs))
    told = [json.loads(served.ask(f"/files/{key}")[2]) for key in keys]
    assert [one["word"] for one in told] == ["fake", "cannot say"]
    assert told[0]["judged_seconds"] > 1
    assert told[1]["reason"].startswith("open: ")
    status, headers, page = served.ask(f"/verdicts/{keys[0]}")
    assert (status, headers["Content-Security-Policy"]) == (200, "frame-ancestors 'self'")
    assert "clip &lt;b&gt;.mp4" in page
    assert 'src="data:video/mp4;base64,' in page
    assert json.loads(served.ask(f"/verdicts/{keys[1]}/json")[2])["file"] == "bomb.mp4"
    assert list(folder.rglob("file.mp4")) == []
    desk.close()


def test_the_page_runs_its_own_script_alone_and_escapes_what_it_is_told(serve, desk):
    status, headers, page = serve(desk).ask("/")
    assert status == 200
    assert "Trained on &lt;nothing&gt;." in page
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    from multimodal.report.pages.prediction import policy_hash

    policy = headers["Content-Security-Policy"]
    assert f"script-src '{policy_hash(script)}'" in policy
    assert "default-src 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_files_that_are_too_large_empty_or_no_media_are_refused_and_leave_nothing(serve, desk, tmp_path):
    served = serve(desk, largest_bytes=10)
    assert served.ask("/files?name=a.mp4", b"x" * 11)[0] == 413
    chunked = iter([b"x" * 6, b"x" * 6])  # says no length beforehand
    assert served.ask("/files?name=a.mp4", chunked)[0] == 413
    assert served.ask("/files?name=a.mp4", b"")[0] == 400
    assert served.ask("/files?name=a.exe", b"")[0] == 415
    assert list((tmp_path / "desk").iterdir()) == []
    assert served.ask("/files?name=a.mp4", b"x")[0] == 202


def test_a_full_queue_says_so(serve, desk):
    served = serve(desk)
    assert [served.ask("/files?name=a.mp4", b"x")[0] for _ in range(4)] == [202, 202, 202, 503]


def test_a_verdict_is_read_by_its_key_alone(serve, desk):
    served = serve(desk)
    key = json.loads(served.ask("/files?name=a.mp4", b"x")[2])["key"]
    assert len(key) >= 32
    assert served.ask(f"/verdicts/{key}")[0] == 404  # not judged yet
    assert served.ask("/verdicts/none")[0] == served.ask("/files/..%2f..")[0] == 404


def test_pages_of_elsewhere_and_other_names_are_refused(serve, desk):
    served = serve(desk)
    assert served.ask("/", Host="evil.example")[0] == 400
    assert served.ask("/files?name=a.mp4", b"", Origin="http://evil.example")[0] == 403
    assert served.ask("/files?name=a.mp4", b"x", Origin=served.address)[0] == 202


def test_with_a_token_nothing_is_shown_without_it(serve, desk):
    served = serve(desk, token="secret", hosts=())
    assert served.ask("/")[0] == served.ask("/?token=wrong")[0] == served.ask("/", Cookie="token=no")[0] == 401
    assert served.ask("/", Cookie="token=secret")[0] == 200
    assert served.ask("/files?name=a.mp4", b"x", Authorization="Bearer secret")[0] == 202
    assert served.ask("/files?name=a.mp4", b"")[0] == 401


@pytest.mark.parametrize(("host", "is_own"), [("127.0.0.1", True), ("::1", True), ("localhost", True)])
def test_own_addresses_need_no_token(host, is_own):
    from experiments.serve import _is_own

    assert _is_own(host) is is_own
    assert not any(_is_own(other) for other in ("0.0.0.0", "::", "192.168.1.4", "machine.example"))


def test_what_is_missing_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    import sys

    from experiments.__main__ import main

    monkeypatch.chdir(tmp_path)  # where there is no folder runs the name may be one of the hub
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "runs/none"]) == 1
    assert "serve needs starlette and uvicorn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        *(({"Host": host}, 400) for host in ("[", "[::1", "::1", "127.0.0.1:x", "evil.com@127.0.0.1")),
        *(
            ({"Host": host}, 400)
            for host in ("127.0.0.1#evil.com", "127.0.0.1/", "127.0.0.1?", "127.0.0.1:1:2", "")
        ),
        *(({"Origin": origin}, 403) for origin in ("http://[", "//[x]:y", "http://a@127.0.0.1", "null", "")),
    ],
)
def test_addresses_that_are_none_are_refused(serve, desk, headers, status):
    assert serve(desk).ask("/", **headers)[0] == status


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8642", "LOCALHOST:1", "[::1]", "[::1]:8642"])
def test_addresses_of_its_own_pass(serve, desk, host):
    served = serve(desk, hosts=("127.0.0.1", "localhost", "::1"))
    assert served.ask("/", Host=host)[0] == served.ask("/", Host=host, Origin=f"http://{host}")[0] == 200


def test_with_a_token_an_odd_header_is_refused_or_passed_over(serve, desk):
    served = serve(desk, token="secret", hosts=())
    assert served.ask("/", Origin="http://[")[0] == 403
    assert served.ask("/", Cookie="a@b=1; path=x; []")[0] == 401
    assert served.ask("/", Cookie="a@b=1; token=secret")[0] == 200  # of another page on this machine
    assert served.ask("/files?name=a.mp4", b"x", **{"Content-Length": "9" * 5000})[0] in (400, 413)


_HOLDER = """
import sys, time
from encoders.temporary import temporary_folder

with temporary_folder("serve-") as folder:
    (folder / "file.mp4").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Begins a process that holds a temporary folder; gives the process and its folder."""
    begun = []

    def begin():
        code = [sys.executable, "-c", _HOLDER]
        process = subprocess.Popen(
            code, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
        )
        begun.append(process)
        return process, Path(process.stdout.readline().strip())

    yield begin
    for one in begun:
        one.kill()
        one.wait()
        one.stdout.close()


def test_what_a_killed_one_left_goes_when_the_next_one_starts_and_nothing_else(tmp_path, monkeypatch, holder):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed, left = holder()
    _, living = holder()
    run = tmp_path / "serve-first"  # of a person, with the lock of a run
    run.mkdir()
    (run / ".writer").touch()
    killed.kill()
    killed.wait()
    assert (left / "file.mp4").is_file()
    with temporary_folder("serve-") as folder:
        assert not left.exists()
        assert (living / "file.mp4").is_file()
        assert run.is_dir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(tmp_path.iterdir()) == sorted([run, living])


@pytest.mark.parametrize("prefix", [".multimodal-estimate-", "multimodal-networks-"])
def test_what_a_killed_one_left_goes_wherever_such_folders_are_made(prefix, tmp_path):
    code = f"""
import os, sys
from encoders.temporary import temporary_folder

with temporary_folder({prefix!r}, sys.argv[1]):
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with temporary_folder(prefix, tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_no_folder_is_made_that_a_kill_would_leave_for_ever():
    sources = Path(__file__).parents[2]
    made = {
        file.relative_to(sources).as_posix()
        for top in ("encoders", "fusion", "multimodal", "experiments")
        for file in (sources / top).rglob("*.py")
        if re.search(r"TemporaryDirectory|mkdtemp|NamedTemporaryFile", file.read_text(encoding="utf-8"))
    }
    # the first is our own; the others are of a trial on published clones, and of who renews the notebook
    others = {"experiments/trials/clones.py", "experiments/trials/corpus.py", "experiments/notebooks/refresh.py"}
    assert made - others == {"encoders/temporary.py"}


def test_a_stopped_one_does_not_say_that_it_goes_on():
    from experiments.__main__ import _STOPPED_ANEW

    assert "goes on" not in _STOPPED_ANEW["serve"]
