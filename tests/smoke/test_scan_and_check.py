"""``scan`` and ``check`` as a person calls them, on files that are really there."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from experiments.__main__ import main
from multimodal.corpora import Manifest


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 24, 3), np.uint8)).save(path)


@pytest.fixture
def drive(tmp_path):
    """Two corpora on a drive: somebody's pictures, and a few clips of AV-Deepfake1M (without content)."""
    for number in range(4):
        draw(tmp_path / "drive/mine/train/real" / f"{number}.png", number)
        draw(tmp_path / "drive/mine/train/fake" / f"{number}.png", 10 + number)
    utterance = "id00012/21Uxsk56VDQ/00001"
    clips = tmp_path / "drive/av1m/val" / utterance
    clips.mkdir(parents=True)
    for name in ("real", "fake_video_real_audio"):
        (clips / f"{name}.mp4").write_bytes(name.encode())
    kinds = {"real": "real", "fake_video_real_audio": "visual_modified"}
    records = [{"file": f"{utterance}/{name}.mp4", "modify_type": kind} for name, kind in kinds.items()]
    (tmp_path / "drive/av1m/val_metadata.json").write_text(json.dumps(records))
    return tmp_path / "drive"


@pytest.fixture
def manifest(drive, tmp_path):
    path = tmp_path / "mine.parquet"
    assert main(["scan", "folder", "--root", str(drive / "mine"), "--out", str(path)]) == 0
    return path


def test_a_drive_is_walked_and_every_corpus_on_it_scanned(drive, tmp_path, capsys):
    assert main(["scan", "all", "--root", str(drive), "--out", str(tmp_path / "m")]) == 0
    printed = capsys.readouterr().out
    assert str(drive / "mine") in printed
    assert str(drive / "av1m") in printed
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["avdeepfake1m.parquet", "folder.parquet"]
    assert len(Manifest.read(tmp_path / "m/folder.parquet").clips) == 8
    assert Manifest.read(tmp_path / "m/avdeepfake1m.parquet").clips["av_class"].tolist() == ["FVRA", "RVRA"]


def test_a_corpus_that_cannot_be_read_does_not_stop_the_others(drive, tmp_path, capsys):
    (drive / "av1m/val_metadata.json").write_text("{")
    assert main(["scan", "all", "--root", str(drive), "--out", str(tmp_path / "m")]) == 1
    printed = capsys.readouterr()
    assert "1 of 2 could not be read: avdeepfake1m" in printed.err
    assert (tmp_path / "m/folder.parquet").is_file()


def test_a_drive_without_any_corpus_is_one_line(tmp_path, capsys):
    (tmp_path / "x" / "clip1").mkdir(parents=True)
    for name in ("1.png", "2.png"):
        (tmp_path / "x" / "clip1" / name).write_bytes(b"picture")
    assert main(["scan", "all", "--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: no corpus recognised under {tmp_path}; there is x/. Clips sorted")
    assert f"scan folder --root {tmp_path} --options" in said
    assert "x/clip1 with 2 images may be one clip each: then add frames true" in said


def test_options_reach_the_reader(drive, tmp_path):
    path = tmp_path / "m.parquet"
    arguments = ["--options", "real", "fake", "fake", "real"]
    assert main(["scan", "folder", "--root", str(drive / "mine"), "--out", str(path), *arguments]) == 0
    clips = Manifest.read(path).clips
    assert clips["any_fake"][clips["path"].str.contains("/real/")].tolist() == [1] * 4


def test_probing_lists_what_cannot_be_used(drive, tmp_path, capsys):
    (drive / "mine/train/fake/0.png").write_bytes(b"no picture")
    path, rejects = tmp_path / "m.parquet", tmp_path / "bad.csv"
    arguments = ["--out", str(path), "--probe", "--rejects", str(rejects), "--workers", "1"]
    assert main(["scan", "folder", "--root", str(drive / "mine"), *arguments]) == 0
    with open(rejects, newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["clip_id"] == "folder/train/fake/0.png"
    assert "1 cannot be used" in capsys.readouterr().out
    assert main(["check", str(path)]) == 0
    assert "folder/train/fake/0.png: no image that Pillow can open" in capsys.readouterr().out


def test_rejects_without_probing_is_one_line(drive, capsys):
    assert main(["scan", "folder", "--root", str(drive / "mine"), "--rejects", "x.csv"]) == 1
    assert "give --probe too" in capsys.readouterr().err


def test_a_clean_corpus_passes_as_text_json_and_page(manifest, tmp_path, capsys):
    page = tmp_path / "check.html"
    capsys.readouterr()
    assert main(["check", str(manifest), "--json", "--html", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["error"] == 0
    assert found["clips"] == {"folder": 8}
    assert "<h3>Nothing found</h3>" in page.read_text()


def test_an_inverted_label_and_a_copy_across_labels_fail_the_check(drive, tmp_path, capsys):
    source, copy = drive / "mine/train/real/0.png", drive / "mine/train/fake/copy.png"
    copy.write_bytes(source.read_bytes())
    path = tmp_path / "m.parquet"
    arguments = ["--options", "real", "fake", "fake", "real"]
    main(["scan", "folder", "--root", str(drive / "mine"), "--out", str(path), *arguments])
    assert main(["check", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "error: label polarity: folder: 9 labels contradict the name" in printed
    assert "error: same content: 2 files in 1 group of identical ones stand under different labels" in printed


def test_a_drive_that_is_not_mounted_is_told_and_can_be_given(manifest, drive, tmp_path, capsys):
    drive.rename(tmp_path / "elsewhere")
    assert main(["check", str(manifest)]) == 1
    assert "there is no folder" in capsys.readouterr().out
    assert main(["check", str(manifest), "--look-at", "nothing"]) == 0
    assert main(["check", str(manifest), "--roots", "folder", str(tmp_path / "elsewhere/mine")]) == 0


def test_nothing_to_check_is_one_line(capsys):
    assert main(["check"]) == 1
    assert (
        capsys.readouterr().err == "error: no manifest given; make one with scan, then: check manifest.parquet\n"
    )


@pytest.mark.parametrize("verb", ["statistics", "check"])
def test_a_verb_without_a_manifest_says_how_to_make_one(verb, capsys):
    assert main([verb]) == 1
    assert "no manifest given; make one with" in capsys.readouterr().err


def test_a_scan_that_fails_still_says_what_it_came_past(tmp_path, capsys):
    for folder in ("RealVideo-RealAudio", "FakeVideo-FakeAudio"):
        (tmp_path / folder).mkdir()
    (tmp_path / "FakeVideo-FakeAudio" / "clip.avi").write_bytes(b"x")
    assert main(["scan", "fakeavceleb", "--root", str(tmp_path), "--out", str(tmp_path / "m.parquet")]) == 1
    said = capsys.readouterr().err
    assert "skipped 1: not a clip: .avi" in said
    assert "no clip of fakeavceleb found" in said
