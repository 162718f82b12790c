import errno
import multiprocessing
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from encoders.folders import json_text, read_description
from experiments.__main__ import _in_words
from multimodal.files import (
    LOCK,
    WRITER,
    atomic_folder,
    atomic_path,
    claim,
    held,
    is_leftover,
    open_itself,
    read_json,
    shared,
    sweep,
    sweep_beside,
    write_json,
)


class Disk:
    """What a power cut leaves: of every rename, sync and removal noted in order, those up to the cut.

    A file is safe once it was synced; a name is safe once its folder was synced after the rename.
    """

    def __init__(self, monkeypatch):
        self.log = []
        fsync, replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", lambda one: (self.log.append(("sync", self.name(one))), fsync(one))[1])
        monkeypatch.setattr(
            os, "replace", lambda old, new: (self.log.append(("name", str(old), str(new))), replace(old, new))[1]
        )

    @staticmethod
    def name(descriptor):
        return os.readlink(f"/proc/self/fd/{descriptor}")


def test_content_is_synced_before_its_name_and_the_name_before_the_block_is_left(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    write_json(tmp_path / "a.json", {"x": 1})
    (kind, written), (rename, old, new), (last, folder) = disk.log
    assert (kind, rename, last) == ("sync", "name", "sync")
    assert written == old
    assert (new, folder) == (str(tmp_path / "a.json"), str(tmp_path))


def test_every_file_of_a_folder_is_synced_before_the_folder_gets_its_name(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    with atomic_folder(tmp_path / "step") as temporary:
        (temporary / "weights").write_bytes(b"1")
        (temporary / "state").write_bytes(b"2")
    names = [entry[0] for entry in disk.log]
    assert names.index("name") == len(names) - 2
    synced = {Path(entry[1]).name for entry in disk.log[:-2]}
    assert {"weights", "state"} < synced
    assert sorted(path.name for path in (tmp_path / "step").iterdir()) == ["state", "weights"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_json(tmp_path / "a.json", 1)
    for way in (atomic_path, atomic_folder):
        with pytest.raises(ZeroDivisionError), way(tmp_path / "a.json") as temporary:
            (temporary / "b" if way is atomic_folder else temporary).write_text(str(1 / 0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert read_json(tmp_path / "a.json") == 1


@pytest.fixture
def small_files():
    """No file may be larger than 4 KB: what a full disk does, for whoever may not fill one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def large_tensors(path):
    with path.open("wb") as file:
        torch.save(torch.zeros(10_000), file)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text("x" * 10_000),
        lambda path: save_file({"a": torch.zeros(10_000)}, path),
        lambda path: pd.DataFrame({"a": range(10_000)}).to_parquet(path),
        lambda path: pd.DataFrame({"a": range(10_000)}).to_csv(path),
        large_tensors,
    ],
    ids=["text", "safetensors", "parquet", "csv", "torch"],
)
def test_a_disk_that_takes_no_more_is_told_with_the_file_whatever_library_writes(tmp_path, small_files, write):
    with pytest.raises(OSError, match="File too large") as told, atomic_path(tmp_path / "out") as temporary:
        write(temporary)
    assert told.value.filename == str(tmp_path / "out")
    with pytest.raises(OSError, match="File too large") as told, atomic_folder(tmp_path / "step") as temporary:
        write(temporary / "inner")
    assert told.value.filename == str(tmp_path / "step")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_under_ffmpeg_is_told_with_the_file(tmp_path, small_files):
    def write(path):
        with av.open(str(path), "w", format="wav") as container:
            stream = container.add_stream("pcm_s16le", rate=16_000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), layout="mono")
            frame.sample_rate = 16_000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)

    with pytest.raises(OSError, match="File too large") as told, atomic_path(tmp_path / "out.wav") as temporary:
        write(temporary)
    assert told.value.filename == str(tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EROFS])
def test_what_the_system_says_of_a_file_is_one_line_with_what_to_do(number):
    said = _in_words(OSError(number, os.strerror(number), "/there/out.json"))
    assert said.startswith("/there/out.json: ")
    assert re.search(r"\. (Make room|Raise the limit|Take a folder)", said)


def test_a_name_that_is_not_utf_8_where_only_text_can_be_kept_is_one_line_that_shows_it():
    with pytest.raises(UnicodeEncodeError) as told:
        os.fsdecode(b"/there/caf\xe9").encode()
    assert _in_words(told.value).startswith("/there/caf\\xe9: the name of a folder or file is not UTF-8")
    with pytest.raises(UnicodeEncodeError) as told:
        "half\ud800.mp4".encode()
    assert _in_words(told.value).startswith("half\\ud800.mp4: the name of a folder or file is not UTF-8")


def test_a_file_has_the_mode_of_the_umask_whatever_its_writer_gave_it(tmp_path):
    before = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "weights") as temporary:
            temporary.touch(mode=0o600)
        assert (tmp_path / "weights").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_files_of_a_folder_have_the_mode_of_the_umask_which_is_not_touched(tmp_path, monkeypatch):
    before = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", None)  # it is all threads' at once
        with atomic_folder(tmp_path / "step") as temporary:
            (temporary / "weights").touch(mode=0o600)
            assert [path.name for path in temporary.iterdir()] == ["weights"]
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert (tmp_path / "step" / "weights").stat().st_mode & 0o777 == 0o640


def test_beside_a_file_what_a_killed_writer_of_it_left_goes_and_what_is_being_written_stays(tmp_path):
    code = """
import os, sys
from pathlib import Path
from multimodal.files import atomic_path
with atomic_path(Path(sys.argv[1], "manifest.parquet")) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[1], check=False)
    other = tmp_path / ".split.multimodal-0123456789abcdef.parquet"
    other.touch()
    [left] = tmp_path.glob(".manifest.*")
    with atomic_path(tmp_path / "manifest.parquet") as temporary:
        for path in (left, temporary, other):
            os.utime(path, (0, 0))
        sweep_beside(tmp_path / "manifest.parquet")
        assert sorted(tmp_path.iterdir()) == sorted([temporary, other])
    assert sorted(tmp_path.iterdir()) == [other, tmp_path / "manifest.parquet"]


def test_leftovers_of_killed_writers_are_swept_and_nothing_else(tmp_path):
    code = """
import os, sys
from pathlib import Path
from multimodal.files import atomic_folder, atomic_path
folder = Path(sys.argv[1])
with atomic_path(folder / "index.parquet") as one, atomic_folder(folder / "step") as two:
    one.write_text("half")
    os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=False)
    (tmp_path / ".hidden").touch()
    assert sum(is_leftover(path) for path in tmp_path.iterdir()) == 2
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]


def test_who_holds_a_folder_leaves_what_another_verb_is_writing_there(tmp_path):
    with atomic_path(tmp_path / "manifest.parquet") as temporary:
        temporary.write_text("half")
        left = tmp_path / f".verdicts.multimodal-{'0' * 16}.json"
        left.touch()
        with held(tmp_path):
            assert temporary.exists()
            assert not left.exists()


def test_a_file_of_json_that_is_too_long_to_be_ours_is_not_read(tmp_path):
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(10**12)  # takes no room
    for read in (read_json, json_text):
        with pytest.raises(ValueError, match=r"config\.json has 1,000,000 MB"):
            read(path)
    assert read_description(tmp_path) == {}


def _claim(folder, number, answers):
    try:
        answers.put(claim(folder, "header.json", {"by": number}, kind="store")["by"])
    except ValueError as error:
        answers.put(str(error))


def test_of_many_that_claim_a_folder_together_one_writes_and_none_is_refused(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(3):
        answers = context.Queue()
        folder = tmp_path / f"store{attempt}"
        crowd = [context.Process(target=_claim, args=(folder, number, answers)) for number in range(12)]
        for one in crowd:
            one.start()
        found = {answers.get(timeout=30) for _ in crowd}
        for one in crowd:
            one.join()
        assert len(found) == 1
        assert found <= set(range(12))


def test_what_a_killed_claim_left_is_no_reason_to_refuse(tmp_path):
    (tmp_path / f".header.multimodal-{'0' * 16}.json").write_text("half")
    (tmp_path / LOCK).touch()
    assert claim(tmp_path, "header.json", {"x": 1}, kind="store") == {"x": 1}
    assert claim(tmp_path, "header.json", {"x": 2}, kind="store") == {"x": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, "header.json"]


def test_a_folder_of_other_things_and_a_file_are_not_claimed(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match="exists and is no store; give an empty or a new folder"):
        claim(tmp_path, "header.json", {}, kind="store")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ValueError, match="is a file and no store"):
        claim(tmp_path / "thesis.tex", "header.json", {}, kind="store")


def test_a_second_writer_is_told_who_holds_the_folder_and_a_dead_one_holds_nothing(tmp_path):
    code = """
import sys, time
from pathlib import Path
from multimodal.files import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(ValueError, match=f"being written by process {other.pid} on .+; wait for it"),
            held(tmp_path),
        ):
            pass
        other.kill()
        other.wait()
    with held(tmp_path):
        assert str(os.getpid()) in (tmp_path / WRITER).read_text()


def test_what_killed_writers_left_goes_when_a_writer_comes_and_not_while_another_is_at_work(tmp_path):
    half = tmp_path / f".tokens.multimodal-{'0' * 16}.safetensors"
    half.touch()
    with held(tmp_path):
        assert not half.exists()
    with shared(tmp_path):
        half.touch()
        with shared(tmp_path):
            assert half.exists()
    with shared(tmp_path):
        assert not half.exists()


@pytest.mark.parametrize("name", [f".a.{'0' * 32}", f".cache.{'a1' * 16}.json", ".x.multimodal-notes.txt"])
def test_what_others_call_nearly_so_is_not_swept(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").touch()
    sweep(tmp_path, is_deep=True)
    with held(tmp_path):
        pass
    assert (tmp_path / name / "mine").exists()


def test_a_link_that_is_called_as_a_leftover_goes_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / ".a.multimodal-0123456789abcdef").symlink_to(tmp_path / "mine")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ValueError, match=r"config\.json is no file"):
        read_json(tmp_path / "config.json")
    assert read_description(tmp_path) == {}


def test_a_deep_sweep_goes_below_and_a_plain_one_does_not(tmp_path):
    half = tmp_path / "figures" / f".roc.multimodal-{'0' * 16}.png"
    half.parent.mkdir()
    half.touch()
    sweep(tmp_path)
    assert half.exists()
    sweep(tmp_path, is_deep=True)
    assert not half.exists()


def test_a_link_in_the_place_of_a_file_is_not_written_through(tmp_path):
    mine, folder = tmp_path / "mine.txt", tmp_path / "folder"
    mine.write_text("mine")
    folder.mkdir()
    for name, leads_to in ((LOCK, mine), (WRITER, mine), ("journal", tmp_path / "elsewhere")):
        (folder / name).symlink_to(leads_to)
    with pytest.raises(ValueError, match=r"\.writer is a link, and would be written through"), held(folder):
        pass
    with pytest.raises(ValueError, match=r"\.writer is a link"), shared(folder):
        pass
    with pytest.raises(ValueError, match=r"journal is a link"):
        open_itself(folder / "journal", "a")
    (folder / "journal").unlink()
    with pytest.raises(ValueError, match=r"\.lock is a link"):
        claim(folder, "marker.json", {}, kind="folder of a test")
    assert mine.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_that_is_not_utf_8_goes_into_json_and_comes_back(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    write_json(tmp_path / "a.json", {"file": name})
    assert read_json(tmp_path / "a.json") == {"file": name}


def test_json_that_is_damaged_or_nested_without_end_is_one_line(tmp_path):
    for text in ("{", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
        (tmp_path / "a.json").write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match="not JSON"):
            read_json(tmp_path / "a.json")
