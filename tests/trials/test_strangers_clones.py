"""A trial from repositories of strangers: what is no use is left out or refused, and nothing is left behind."""

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile

from experiments.__main__ import main
from experiments.trials.clones import Clones
from experiments.trials.corpus import MARKER, make_corpus
from experiments.trials.listing import Listed, read_list
from multimodal.files import held
from multimodal.media.errors import MediaError
from multimodal.media.reading.sound import read_sound

RATE = 16_000
BORROWS = r"borrows objects from elsewhere|has a link out of it"


def git(folder, *arguments) -> str:
    names = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    command = ["git", *names, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write_silent_video(path) -> None:
    """A video without sound, whatever it is called."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A repository with a recording, a video without sound and a text; the list of them and of a file it lacks."""
    folder = tmp_path_factory.mktemp("trial")
    clone = folder / "clones" / "ann+demo"
    clone.mkdir(parents=True)
    git(clone, "init", "--quiet")
    noise = np.random.default_rng(0).normal(scale=3000, size=2 * RATE).astype(np.int16)
    wavfile.write(clone / "good.wav", RATE, noise)
    write_silent_video(clone / "thin.wav")
    (clone / "text.wav").write_text("no sound")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "demo")
    commit = git(clone, "rev-parse", "HEAD")
    names = ("thin.wav", "text.wav", "lacks.wav", "good.wav")
    rows = [Listed("ann/demo", commit, name, "real", "", "", "MIT", "train") for name in names]
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([Listed._fields, *rows])
    return folder


def command(trial, out) -> list[str]:
    return ["trial", "fetch", str(trial / "list.csv"), "--from", str(trial / "clones"), "--out", str(out)]


@pytest.fixture
def temporary():
    """A folder for temporary files of a process; its path is short, since sockets are made in it."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


def test_a_file_that_cannot_be_treated_is_a_line_and_the_others_go_on(trial, tmp_path, capsys):
    assert main(command(trial, tmp_path / "out")) == 0
    printed = capsys.readouterr().out
    assert "left out: 1 ann/demo thin.wav: decode: the file has no sound" in printed
    assert "left out: 1 ann/demo text.wav: open: no media file" in printed
    assert "left out: 1 ann/demo lacks.wav: " in printed
    (path,) = pd.read_csv(tmp_path / "out" / "clips.csv")["path"]
    assert len(read_sound(tmp_path / "out" / path, RATE).samples) > RATE
    assert {one.name for one in (tmp_path / "out").rglob(".*")} == {MARKER, ".lock", ".writer"}


def test_a_file_without_sound_is_no_mistake_of_the_program(tmp_path):
    write_silent_video(tmp_path / "thin.wav")
    with pytest.raises(MediaError, match="the file has no sound"):
        read_sound(tmp_path / "thin.wav", RATE)


def test_a_folder_of_somebody_elses_files_and_one_that_is_being_written_are_refused(trial, tmp_path):
    listed, clones = read_list(trial / "list.csv"), Clones(trial / "clones")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="exists and is no corpus of a trial"):
        make_corpus(listed, clones, theirs)
    assert [one.name for one in theirs.iterdir()] == ["thesis.txt"]
    out = tmp_path / "out"
    make_corpus(listed, clones, out, kind="picture")
    with held(out), pytest.raises(ValueError, match=f"is being written by process {os.getpid()}"):
        make_corpus(listed, clones, out, kind="picture")
    with pytest.raises(ValueError, match="files of another kind than sound"):
        make_corpus(listed, clones, out)


def test_a_killed_call_leaves_nothing_that_the_next_does_not_remove(trial, tmp_path, temporary):
    out = tmp_path / "out"
    program = (
        "import signal, os, sys\nfrom experiments.trials import corpus\nfrom experiments.__main__ import main\n"
        "class Killed(corpus._Treatment):\n    def __call__(self, source):\n"
        "        with corpus.atomic_path(sys.argv[-1] + '/real/x.opus'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "corpus._Treatment = Killed\nmain(sys.argv[1:])\n"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run([sys.executable, "-c", program, *command(trial, out)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len([*out.rglob(".x.*.opus")]) == len([*temporary.glob("clones-*")]) == 1
    time.sleep(1.1)  # a younger one might be about to be locked
    subprocess.run([sys.executable, "-m", "experiments", *command(trial, out)], env=environment, check=True)
    assert [*out.rglob(".x.*.opus")] == [*temporary.glob("clones-*")] == [*temporary.glob("fetch-*")] == []


@pytest.mark.parametrize("repository", ["a/..", "../b", "a/.", "./b", "-a/b", "a/-b", "a/b/c", "a"])
def test_a_repository_that_would_lead_out_of_the_clones_is_refused(trial, tmp_path, repository):
    one = read_list(trial / "list.csv")[0]._replace(repository=repository)
    with (tmp_path / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([Listed._fields, one])
    with pytest.raises(ValueError, match="row 2: the repository must be owner/name"):
        read_list(tmp_path / "list.csv")


@pytest.mark.parametrize("way", ["info/alternates", "info/http-alternates", "pack", "objects"])
def test_objects_of_another_repository_are_never_read_through_a_strangers_clone(trial, tmp_path, way):
    clone = tmp_path / "clones" / "eve+demo"
    clone.mkdir(parents=True)
    git(clone, "init", "--quiet", "--bare")
    one = read_list(trial / "list.csv")[-1]._replace(repository="eve/demo")
    theirs, objects = trial / "clones" / "ann+demo" / ".git" / "objects", clone / "objects"
    if way.startswith("info"):
        (objects / way).write_text(f"{theirs}\n")
    elif way == "pack":
        (objects / "pack").rmdir()
        (objects / "pack").symlink_to(theirs)
    else:
        objects.rename(clone / "elsewhere")
        objects.symlink_to(theirs)
    with pytest.raises(ValueError, match=BORROWS):
        Clones(tmp_path / "clones").read(one)
    with pytest.raises(ValueError, match=BORROWS):
        Clones(tmp_path / "clones").check([one])


def test_a_file_of_gigabytes_is_left_out_before_it_is_read(trial, monkeypatch):
    monkeypatch.setattr("experiments.trials.clones._MOST_BYTES", 100)
    with pytest.raises(ValueError, match=r"good.wav has 0 MB, at most"):
        Clones(trial / "clones").read(read_list(trial / "list.csv")[-1])
