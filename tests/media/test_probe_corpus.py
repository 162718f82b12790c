"""Probing whole corpora: what is read, what is rejected, processes that die, and going on after a stop."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.media.errors import MediaError
from multimodal.media.probe_corpus import (
    SCHEMA,
    FileFacts,
    ProbeJob,
    probe_corpus,
    probe_file,
    probe_files,
    probe_path,
    read_probe_table,
    write_rejects,
)

KINDS = {".mp4": "video", ".wav": "audio", ".png": "image", ".jpg": "image"}


def manifest_of(root: Path) -> Manifest:
    files = sorted(path for path in root.iterdir() if path.suffix in KINDS)
    clips = [Clip(path.name, KINDS[path.suffix], 0, None, "real", path.stat().st_size) for path in files]
    return collect(clips, corpus="c", root=root)


@pytest.fixture(scope="module")
def root(tmp_path_factory, media) -> Path:
    folder = tmp_path_factory.mktemp("files")
    sound = np.concatenate([np.zeros(4_000), media.speech(0.75)])
    media.write(folder / "both.mp4", pictures=media.counting(12), sound=sound)
    media.write(folder / "silent.mp4", pictures=media.counting(5), frame_rate=10)
    media.write(folder / "sound.wav", sound=sound, sound_rate=16_000, audio_codec="pcm_s16le")
    Image.new("RGB", (40, 30)).save(folder / "picture.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(folder / "cut.jpg")
    whole = (folder / "cut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_bytes(b"<html>no video</html>" * 99)
    media.write(folder / "only_sound.mp4", sound=sound)
    return folder


@pytest.fixture(scope="module")
def table(root, tmp_path_factory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("out") / "m.probe.pq"
    return probe_corpus(manifest_of(root), path, workers=2).set_index("clip_id")


def test_a_video_with_sound_tells_all_of_its_streams(table):
    row = table.loc["c/both.mp4"]
    assert (row["video_codec"], row["audio_codec"], row["audio_rate"]) == ("h264", "aac", 48_000)
    assert (row["width"], row["height"], row["frame_rate"], row["num_frames"]) == (128, 96, 25.0, 12)
    assert row["duration_seconds"] == pytest.approx(1.0, abs=0.1)
    assert row["start_silence_seconds"] == pytest.approx(0.25, abs=0.06)


def test_absent_streams_are_null_and_an_image_is_a_single_frame(table):
    assert table.loc["c/silent.mp4"].loc[["audio_codec", "audio_rate", "start_silence_seconds"]].isna().all()
    assert table.loc["c/sound.wav"].loc[["video_codec", "width", "num_frames"]].isna().all()
    picture = table.loc["c/picture.png"]
    assert (picture["container"], picture["width"], picture["height"], picture["video_codec"]) == (
        "png",
        40,
        30,
        "RGB",
    )


def test_files_that_cannot_be_used_are_rows_with_a_reason(table):
    rejected = table[table["reason"].notna()]
    assert dict(zip(rejected.index, rejected["stage"], strict=True)) == {
        "c/cut.jpg": "decode",
        "c/empty.mp4": "open",
        "c/only_sound.mp4": "open",
        "c/text.mp4": "open",
    }
    assert rejected.loc["c/empty.mp4", "reason"] == "the file is empty"
    assert rejected.loc["c/only_sound.mp4", "reason"] == "there is no moving picture in it"
    assert all("\n" not in reason for reason in rejected["reason"])


def test_a_video_may_lack_sound_but_a_sound_file_may_not(root, tmp_path):
    with pytest.raises(MediaError, match="there is no sound in it"):
        probe_file(root / "silent.mp4", "audio")
    assert probe_file(root / "silent.mp4", "video").audio_codec is None


def test_the_reject_list_is_a_csv_with_a_reason_a_line(table, tmp_path):
    assert write_rejects(table.reset_index(), tmp_path / "r.csv") == 4
    with open(tmp_path / "r.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip_id"] for row in rows] == ["c/cut.jpg", "c/empty.mp4", "c/only_sound.mp4", "c/text.mp4"]
    assert rows[1] == {"clip_id": "c/empty.mp4", "stage": "open", "reason": "the file is empty"}


def test_what_is_known_is_not_opened_again_unless_the_file_changed(root, tmp_path):
    path = probe_path(tmp_path / "m.parquet")
    manifest = manifest_of(root)
    first = probe_corpus(manifest, path, workers=1)
    opened: list[str] = []

    def watch(outcomes, total):
        for outcome in outcomes:
            opened.append(outcome.job.clip_id)
            yield outcome

    again = probe_corpus(manifest, path, workers=1, progress=watch)
    assert opened == []
    pd.testing.assert_frame_equal(first, again)
    changed = manifest.clips.assign(
        size_bytes=manifest.clips["size_bytes"] + (manifest.clips["path"] == "picture.png")
    )
    probe_corpus(Manifest(changed, manifest.roots), path, workers=1, progress=watch)
    assert opened == ["c/picture.png"]
    assert read_probe_table(path)["clip_id"].is_unique


def test_a_run_that_was_stopped_goes_on_past_a_journal_cut_off_in_the_middle(root, tmp_path):
    path = tmp_path / "m.probe.pq"
    manifest = manifest_of(root)

    def stop(outcomes, total):
        for number, outcome in enumerate(outcomes):
            if number == 3:
                raise KeyboardInterrupt
            yield outcome

    with pytest.raises(KeyboardInterrupt):
        probe_corpus(manifest, path, workers=1, progress=stop)
    assert not path.exists()
    (journal,) = tmp_path.iterdir()
    lines = journal.read_text().splitlines()
    assert [set(json.loads(line)) <= set(SCHEMA.names) for line in lines] == [True] * 3
    journal.write_text(journal.read_text()[:-10])
    left: list[int] = []
    probe_corpus(manifest, path, workers=1, progress=lambda outcomes, total: left.append(total) or outcomes)
    assert left == [len(manifest.clips) - 2]
    assert list(read_probe_table(path)["clip_id"]) == list(manifest.clips["clip_id"])
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def hurt(path: str, media: str) -> FileFacts:
    """What a file may do to the process that opens it, by its name."""
    if "crash" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in path:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(60)
    if "odd" in path:
        raise RuntimeError("a library\ngave up")
    return FileFacts(container=path)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_files_that_crash_or_hang_their_process_are_found_and_the_others_are_read(monkeypatch):
    monkeypatch.setattr("multimodal.media.probe_corpus.probe_file", hurt)
    # Workers that are forked inherit what is patched.
    monkeypatch.setattr("multimodal.media.isolation.fork_server_context", lambda _: get_context("fork"))
    names = [f"fine{number}" for number in range(6)] + ["crash1", "hang1", "odd1"]
    jobs = [ProbeJob(name, name, "video") for name in [*names[:2], *names[6:], *names[2:6]]]
    outcomes = {one.job.clip_id: one for one in probe_files(jobs, workers=2, seconds_per_file=1.0)}
    assert sorted(outcomes) == sorted(names)
    assert {name: one.failure.stage for name, one in outcomes.items() if one.failure} == {
        "crash1": "crash",
        "hang1": "time limit",
        "odd1": "open",
    }
    assert outcomes["odd1"].failure.reason == "RuntimeError: a library gave up"
    assert outcomes["fine0"].result == FileFacts(container="fine0")


def test_a_worker_starts_without_torch_pandas_and_the_readers_of_corpora():
    heavy = "{'torch', 'pandas', 'multimodal.corpora'} & set(sys.modules)"
    code = f"import sys, multimodal.media.probe_corpus; sys.exit(str({heavy}) if {heavy} else 0)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


def test_another_file_in_the_place_of_the_table_is_an_error_that_names_it(tmp_path):
    (tmp_path / "m.probe.pq").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"not a probe table.*m\.probe\.pq"):
        read_probe_table(tmp_path / "m.probe.pq")
