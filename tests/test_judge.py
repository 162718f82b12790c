"""A detector with thresholds, moments and lips that it was given: what it says of a file, in every form."""

import base64
import errno
import json
import os
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from judged import tiny_judge, write_tiny_clip
from permissions import unreadable
from PIL import Image

from experiments.__main__ import main
from experiments.predict import _judge, _lines, _Minutes, find_files
from multimodal.familiarity import learn_familiar
from multimodal.files import JUDGE_FILE
from multimodal.judge import load_detector
from multimodal.labels import MODALITIES, TARGETS
from multimodal.media.errors import MediaError
from multimodal.media.reading.frame_folder import probe_clip
from multimodal.media.reading.images import read_image
from multimodal.report.verdict import FileVerdict, Judgement, WindowScores
from multimodal.synchrony import BANDS, PATCH, Synchrony, to_json

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "verdict.schema.json").read_text())
LIPS = Synchrony(see=[[1.0]] * PATCH[0] * PATCH[1], hear=[[1.0]] * BANDS, correlations=[1.0], least_sureness=99.0)
LEARNT = MappingProxyType(
    {
        "localisation": {"thresholds": {"video": -1.0, "audio": None}},
        "synchrony": {"learnt": to_json(LIPS)},
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    judge = tiny_judge()
    far = np.full(judge.detector.encoders["video"].embed_dim, 100.0)
    judge.familiar = {
        "video": learn_familiar(far + np.random.default_rng(0).normal(size=(30, len(far))), range(30))
    }
    judge.metrics = dict(LEARNT)
    judge.metrics |= {"split": "test", "floors": {}, "counts": {}}
    kept = tmp_path_factory.mktemp("judge") / "d"
    judge.save_pretrained(kept)
    return kept


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_tiny_clip(tmp_path_factory.mktemp("clip of <b>"))


@pytest.fixture(scope="module")
def out(folder, clip, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    arguments = ["predict", str(clip), "--run", str(folder), "--out", str(out), "--doubt", "0"]
    assert main([*arguments, "--device", "cpu"]) == 0
    return out


def test_the_json_of_a_verdict_follows_its_schema(out):
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    Draft202012Validator(SCHEMA).validate(verdict)
    assert (out / "verdicts.jsonl").read_text().count("\n") == 1
    assert verdict["end_seconds"] == pytest.approx(1.5, abs=0.25)
    assert len(verdict["boxes"]) >= 2


def test_a_fake_part_makes_the_whole_fake_and_the_conflict_is_named(out):
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    words = {name: one["verdict"] for name, one in verdict["modalities"].items()}
    assert words == {"any": "fake", "video": "fake", "audio": "real"}
    assert verdict["modalities"]["any"]["reason"] == "the video is fake"
    assert any("one fake part makes it fake" in conflict for conflict in verdict["conflicts"])


def test_stretches_lie_within_the_clip_and_overlap_nowhere(out):
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    stretches = [one for one in verdict["segments"] if one["modality"] == "video"]
    assert stretches
    assert [one for one in verdict["segments"] if one["modality"] == "audio"] == []
    for one, after in pairwise(stretches):
        assert one["start_seconds"] < one["end_seconds"] <= after["start_seconds"]
    assert stretches[-1]["end_seconds"] <= verdict["end_seconds"] + 1e-9


def test_lips_that_fit_no_better_than_those_of_others_are_not_judged(out):
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    assert verdict["synchrony"]["sound_leads_seconds"] is None
    assert verdict["synchrony"]["reason"]


def test_a_picture_that_lies_far_from_validation_is_called_unlike_it(out):
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    assert set(verdict["familiarity"]) == {"video"}
    assert verdict["familiarity"]["video"]["is_unlike"]
    note = "The picture is unlike anything it was trained on"
    assert any(warning.startswith(note) for warning in verdict["warnings"])
    page = (out / "verdicts.html").read_text()
    assert note in page
    assert "<dt>Does it know such clips?</dt><dd>The picture is unlike those" in page


def test_a_table_has_a_row_a_face(out, clip):
    table = pd.read_csv(out / "verdicts.csv")
    assert table["file"].tolist() == [str(clip)]
    assert table["any_verdict"].tolist() == ["fake"]


def test_the_page_plays_the_file_from_where_it_lies(out, clip):
    page = (out / "verdicts.html").read_text()
    (address,) = re.findall(r'<video class="medium" controls preload="metadata" src="([^"]+)">', page)
    assert "%3Cb%3E" in address
    assert "<b>/" not in page


def test_thresholds_that_are_set_by_hand_decide_and_are_said(folder, clip, tmp_path):
    command = ["predict", str(clip), "--run", str(folder), "--out", str(tmp_path), "--device", "cpu"]
    assert main([*command, "--threshold-video", "1", "--threshold-audio", "0"]) == 0
    (verdict,) = json.loads((tmp_path / "verdicts.json").read_text())
    said = {name: (one["verdict"], one["threshold"]) for name, one in verdict["modalities"].items()}
    assert (said["video"], said["audio"]) == (("real", 1.0), ("fake", 0.0))
    assert any("by hand" in note and "video 1.000, audio 0.000" in note for note in verdict["warnings"])


def test_files_that_cannot_be_read_or_are_no_media_are_rows_beside_the_judged_and_never_in_the_page(
    folder, clip, tmp_path, capsys
):
    inbox, secret = tmp_path / "inbox", tmp_path / "passwords"
    inbox.mkdir()
    shutil.copy(clip, inbox / "a.mp4")
    secret.write_text("root:x:0:0")
    (inbox / "b.mp4").symlink_to(secret)
    shutil.copy(clip, inbox / "c.mp4")
    command = ["predict", str(inbox), "--run", str(folder), "--out", str(tmp_path / "out"), "--player", "embed"]
    with unreadable(inbox / "c.mp4"):
        assert main([*command, "--device", "cpu"]) == 1
    verdicts = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert [one["name"] == "not judged" for one in verdicts[:2]] == [False, True]  # of root the worker reads c.mp4
    assert len(pd.read_csv(tmp_path / "out" / "verdicts.csv")) == 3
    page = (tmp_path / "out" / "verdicts.html").read_text()
    assert page.count('src="data:video/mp4;base64,') == 1
    assert base64.b64encode(secret.read_bytes()).decode()[:10] not in page


def test_a_folder_that_may_not_be_looked_into_is_a_row_too(folder, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.mp4").write_text("nothing")
    (tmp_path / "b.mp4").write_text("nothing")
    with unreadable(inbox):
        found = find_files([tmp_path / "b.mp4", inbox / "a.mp4"])
    assert found == [tmp_path / "b.mp4", inbox / "a.mp4"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a" * 300 + ".mp4", "file name too long"),
        ("a" * 300 + "/*.mp4", "file name too long"),
        ("loop.mp4", "too many levels of symbolic links"),
        ("a\0.mp4", "no file can have such a name"),
        ("clip.mp4/a.mp4", "no such file"),
    ],
)
def test_a_name_of_which_the_system_tells_nothing_is_a_row_beside_the_judged(folder, tmp_path, name, said):
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "clip.mp4").write_text("nothing")
    odd = tmp_path / name
    assert find_files([tmp_path / "clip.mp4", odd]) == [tmp_path / "clip.mp4", odd]
    with pytest.raises(ValueError, match=said):
        find_files([odd])
    verdict, line = _judge(load_detector(folder), odd, explain=False)
    assert verdict.warnings[-1] == f"open: {said}"
    assert json.loads(line)["name"] == "not judged"


def test_a_disk_that_fails_under_one_name_costs_the_others_nothing(tmp_path, monkeypatch):
    def fail(self, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))

    (tmp_path / "a.mp4").write_text("nothing")
    monkeypatch.setattr(Path, "stat", fail)
    with pytest.raises(ValueError, match=r"a\.mp4: input/output error"):
        find_files([tmp_path / "a.mp4"])


def test_permission_is_told_in_the_same_words_wherever_it_is_met(tmp_path):
    said = "permission denied. Ask its owner, or give files that you may read"
    frames = tmp_path / "frames"
    frames.mkdir()
    files = [tmp_path / "a.mp4", tmp_path / "a.png"]
    for file in files:
        file.write_text("nothing")
    reads = (probe_clip, probe_clip, read_image, probe_clip)
    with unreadable(frames, *files):
        for path, read in zip([*files, files[1], frames], reads, strict=True):
            with pytest.raises(MediaError, match=rf"^open: {said}$"):
                read(path)
        with pytest.raises(ValueError, match=rf"frames: {said}$"):
            find_files([frames])
        with pytest.raises(ValueError, match=rf"b\.mp4: {said}$"):
            find_files([frames / "b.mp4"])
        with pytest.raises(MediaError, match=rf"^open: {said}$"):
            probe_clip(frames / "b.mp4")


def test_numbers_that_are_none_in_the_verdict_on_one_file_cost_the_others_nothing(folder, clip):
    judge = load_detector(folder)
    odd = judge.cannot_judge(clip, "x")
    judge.file = lambda *_: replace(odd, main=replace(odd.main, start_seconds=float("nan")))
    verdict, line = _judge(judge, clip, explain=False)
    assert json.loads(line)["start_seconds"] == 0.0
    assert "Out of range" in verdict.warnings[-1]


def test_a_wide_band_of_doubt_leaves_nothing_to_say(folder):
    judge = load_detector(folder, doubt=0.99)
    means = pd.Series({f"score_{name}": 0.5 for name in TARGETS} | {f"head_{name}": 0.5 for name in MODALITIES})
    said = judge.decider.verdicts(means, {})
    assert {one.verdict for one in said.values()} == {"cannot say"}
    assert "in 99% of the draws" in said["video"].reason
    assert judge.decider.heads(means, {"audio": "no audio stream"}) == {}
    alone = load_detector(folder, doubt=0.0).decider.verdicts(means, {"video": "no face found"})
    assert alone["any"].verdict == "cannot say"
    assert alone["any"].reason == "the audio alone looks real, and the video cannot be judged: no face found"


def test_a_photograph_as_tiff_is_judged_as_a_picture(folder, tmp_path, capsys):
    photograph = Image.fromarray(np.zeros((64, 64, 3), dtype=np.uint8))
    photograph.save(tmp_path / "photograph.tif")
    arguments = ["predict", str(tmp_path / "photograph.tif"), "--run", str(folder), "--out", str(tmp_path / "out")]
    main([*arguments, "--device", "cpu"])
    assert "an image has no sound; no face found" in capsys.readouterr().out


@pytest.mark.parametrize("thresholds", [{"video": 0.5}, {"video": "x", "audio": None}, 3])
def test_moments_without_a_threshold_are_refused_before_a_file_is_opened(folder, thresholds, tmp_path):
    shutil.copytree(folder, tmp_path / "d")
    kept = json.loads((folder / JUDGE_FILE).read_text())
    kept["metrics"]["localisation"] = {"thresholds": thresholds}
    (tmp_path / "d" / JUDGE_FILE).write_text(json.dumps(kept))
    says = r"thresholds of moments are no numbers|not a detector that judges files"
    with pytest.raises(ValueError, match=says) as caught:
        load_detector(tmp_path / "d")
    assert "\n" not in str(caught.value)


def test_thresholds_of_stretches_that_were_scored_otherwise_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "d")
    kept = json.loads((folder / JUDGE_FILE).read_text())
    kept["metrics"]["localisation"] = {"thresholds": {"any": 0.5, "video": 0.5, "audio": 0.5}}
    (tmp_path / "d" / JUDGE_FILE).write_text(json.dumps(kept))
    with pytest.raises(ValueError, match="for other scores than these; evaluate the run again"):
        load_detector(tmp_path / "d")


def test_every_minute_of_a_file_is_told_though_no_face_lasts_that_long(capsys):
    tell = _Minutes()
    for start in (0.0, 25.0, 50.0):
        assert capsys.readouterr().out == ""
        for name, score in (("face 1", 0.25), ("face 2", 0.75)):
            tell(f"{name} of {start:.0f}", [WindowScores(start, start + 11, video=score, any=score)] * 2)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "  face 1 of 0, 0 to 11 s: video 0.250  any 0.250"
    assert len(told) == 5  # the last face comes with the next minute


def test_a_name_with_line_breaks_does_not_pass_for_a_verdict():
    named = "a.mp4\n  any   real  score 0.001"
    verdict = FileVerdict(
        file=named,
        main=Judgement(name="face 1", modalities={}),
        trained_on="12 clips",
        synthetic=False,
        warnings=[f"{named} is odd"],
    )
    assert list(_lines(verdict)) == [
        "a.mp4\\u000a  any   real  score 0.001",
        "  note: a.mp4\\u000a  any   real  score 0.001 is odd",
    ]
