import json
import math
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import av
import pandas as pd
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator

from experiments.__main__ import main
from experiments.runs.scoring import open_judge
from multimodal.judge import Judge
from multimodal.labels import CLASSES, TARGETS
from multimodal.media.faces import create_detector
from multimodal.media.streamed import pieces_of

ROOT = Path(__file__).parents[2]


def test_a_run_folder_holds_what_a_run_is_rebuilt_and_judged_from(run):
    expected = {"config.json", "environment.json", "provenance.json", "architecture.json", "history.json"}
    expected |= {"best.safetensors", "scores.parquet", "metrics.json", "thresholds.json", "report.html"}
    assert expected <= {path.name for path in run.iterdir()}
    assert list((run / "figures").glob("*.png"))
    assert list((run / "tensorboard").rglob("events.*"))


def test_the_scores_table_has_a_row_a_clip_of_validation_and_test(run, workspace):
    scores = pd.read_parquet(run / "scores.parquet")
    split = pd.read_parquet(workspace / "split.parquet").set_index("clip_id")["split"]
    assert scores["clip_id"].is_unique
    assert (scores["split"].to_numpy() == split.loc[scores["clip_id"]].to_numpy()).all()
    assert set(scores["split"]) == {"val", "test"}
    posterior = scores[[f"p_{name}" for name in CLASSES]]
    assert posterior.sum(axis=1).round(5).eq(1).all()
    assert scores["score_video"].to_numpy() == pytest.approx(
        (posterior["p_FVRA"] + posterior["p_FVFA"]).to_numpy()
    )


def test_metrics_have_intervals_and_floors_for_every_target(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["split"] == "test"
    for target in TARGETS:
        assert set(metrics[target]["auc"]) >= {"value", "low", "high"}
        assert metrics["floors"][target]["random"]["auc"] == 0.5


def test_the_report_says_that_the_media_are_generated(run):
    assert "generated media" in (run / "report.html").read_text().lower()


@pytest.mark.parametrize(
    "command",
    [
        "statistics {workspace}/manifest.parquet",
        "check {workspace}/manifest.parquet --look-at sizes",
        "split {workspace}/manifest.parquet --protocol random --out {tmp}/split.parquet",
        "thresholds {tmp}/run --replicates 0",
        "thresholds {tmp}/run --transfer {run} --replicates 0",
        "evaluate {tmp}/run --replicates 0",
        "evaluate --scores {tmp}/run/scores.parquet --columns.score score_any --columns.label any_fake"
        " --split test --replicates 0 --out {tmp}/judged",
    ],
)
def test_a_verb_that_prints_results_says_that_the_media_are_generated(command, run, workspace, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "run")
    main(command.format(workspace=workspace, run=run, tmp=tmp_path).split())
    assert "generated media: a smoke test" in capsys.readouterr().out
    for page in tmp_path.glob("*/report.html"):
        assert "Generated media" in page.read_text()


def test_predict_judges_each_modality_and_says_why_where_it_cannot(run, workspace, tmp_path, capsys):
    fake = next((workspace / "corpus" / "FakeVideo-FakeAudio").rglob("*.mp4"))
    broken = tmp_path / "broken <blink>.mp4"
    broken.write_bytes(b"")
    judging = ["--run", str(run), "--out", str(tmp_path / "out"), "--doubt", "0"]
    assert main(["predict", str(fake), str(broken), *judging]) == 1
    printed = capsys.readouterr()
    assert "means nothing" in printed.out
    assert f"error: {broken}" in printed.err
    judged, unreadable = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert all(judged["modalities"][target]["verdict"] in ("fake", "real") for target in TARGETS)
    likely = [judged["modalities"][target]["probability"] for target in TARGETS]
    assert all(
        0 <= value <= 1 for value in likely if value is not None
    )  # None where no calibration could be fitted
    assert sum(judged["posterior"].values()) == pytest.approx(1, abs=1e-5)
    assert judged["windows"]
    assert all(unreadable["modalities"][target]["verdict"] == "cannot say" for target in TARGETS)
    assert "<blink>" not in (tmp_path / "out" / "verdicts.html").read_text()
    schema = json.loads((ROOT / "docs" / "verdict.schema.json").read_text())
    for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines():
        Draft202012Validator(schema).validate(json.loads(line))
    table = pd.read_csv(tmp_path / "out" / "verdicts.csv")
    assert table["any_verdict"].tolist() == [judged["modalities"]["any"]["verdict"], "cannot say"]


def test_in_doubt_nothing_is_said(run, workspace, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    chosen = json.loads((copy / "thresholds.json").read_text())
    for name in TARGETS:
        chosen["thresholds"][name]["youden"] |= {"threshold": 0.5, "draws": [0.0, 0.5, 1.0]}
    (copy / "thresholds.json").write_text(json.dumps(chosen))
    clip = next((workspace / "corpus" / "FakeVideo-FakeAudio").rglob("*.mp4"))
    for doubt, words in ((0.0, {"fake", "real"}), (0.99, {"cannot say"})):
        verdict = open_judge(copy, "youden", doubt=doubt).file(clip)
        assert {one.verdict for one in verdict.main.modalities.values()} <= words
    assert "in 99% of the draws" in verdict.main.modalities["video"].reason


def test_a_training_of_the_same_folder_goes_on_and_of_other_settings_is_refused(run, workspace, capsys):
    data = ["--manifest", str(workspace / "manifest.parquet"), "--split", str(workspace / "split.parquet")]
    assert main(["train", "small", *data, "--store", str(workspace / "store"), "--out", str(run)]) == 1
    assert "holds a run with other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trainn"], "unknown verb 'trainn'"),
        (["train", "smal"], "did you mean 'small'?"),
        (["evaluate", "{tmp}"], "not a run"),
        (["thresholds", "{tmp}"], "not a run"),
        (["predict", "{tmp}/x.mp4", "--run", "{tmp}"], "no such file: "),
        (["scan", "fakeavceleb", "--root", "{tmp}/nowhere", "--out", "{tmp}/m.parquet"], "nowhere"),
        (["statistics", "{tmp}/none.parquet"], "manifest not found"),
        (["split", "{tmp}/none.parquet", "--protocol", "random"], "manifest not found"),
        (["prepare", "{tmp}/none.parquet", "--store", "{tmp}/s"], "manifest not found"),
        (["train", "small", "--manifest", "{tmp}/none.parquet"], "manifest not found"),
        (["pretrain", "vidoe"], "did you mean 'video'?"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line_and_a_bad_exit(arguments, message, tmp_path, capsys):
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) != 0
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("error: ")


def test_an_unknown_option_is_one_clear_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "small", "--stpes", "3"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_verb_explains_itself(capsys):
    from experiments.__main__ import VERBS

    assert main(["--help"]) == 0
    usage = capsys.readouterr().out
    assert all(verb in usage for verb in VERBS)
    for verb in VERBS:
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
        assert "usage: python -m experiments " + verb in capsys.readouterr().out


def test_the_run_is_rebuilt_from_its_files_alone(run):
    from experiments.runs.scoring import open_run

    assert not open_run(run).model.training


def test_no_score_of_the_test_split_is_there_when_thresholds_are_chosen(run):
    from experiments.runs.folder import RunFolder

    assert set(RunFolder(run).validation_scores()["split"]) == {"val"}
    assert "test" in set(pq.read_table(run / "scores.parquet")["split"].to_pylist())


def test_a_split_that_was_changed_after_training_is_refused(run, workspace, tmp_path, capsys):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    other = tmp_path / "other.parquet"
    assert main(["split", str(workspace / "manifest.parquet"), "--protocol", "random", "--out", str(other)]) == 0
    config = json.loads((copy / "config.json").read_text())
    config["data"]["split"] = str(other)
    (copy / "config.json").write_text(json.dumps(config))
    assert main(["evaluate", str(copy), "--replicates", "10"]) == 1
    assert "the split is not the one that the run was trained with" in capsys.readouterr().err


def write_video_file(path, *, sound: bool) -> None:
    """Two seconds of a plain picture without a face."""
    import numpy as np

    from multimodal.synthetic.clip import write_video

    frames = (np.full((96, 96, 3), 90, dtype=np.uint8) for _ in range(50))
    noise = np.random.default_rng(0).normal(scale=0.1, size=88_200) if sound else None
    write_video(path, frames, frame_rate=25, crf=30, sound=noise)


def test_a_file_with_neither_face_nor_sound_is_named_and_the_others_are_judged(run, workspace, tmp_path, capsys):
    empty = tmp_path / "plain.mp4"
    write_video_file(empty, sound=False)
    real = next((workspace / "corpus" / "RealVideo-RealAudio").rglob("*.mp4"))
    assert main(["predict", str(empty), str(real), "--run", str(run), "--out", str(tmp_path / "out")]) == 1
    assert f"error: {empty}: nothing to judge: " in capsys.readouterr().err
    first, second = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert first["name"] == "not judged"
    assert {target: one["reason"] for target, one in first["modalities"].items()} == {
        "any": "no face found; no audio stream",
        "video": "no face found",
        "audio": "no audio stream",
    }
    assert second["posterior"]


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, "fake"), (1.0, "cannot say"), (None, "cannot say")])
def test_sound_alone_can_make_a_clip_fake_but_not_real(run, tmp_path, threshold, expected):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    chosen = json.loads((copy / "thresholds.json").read_text())
    chosen["thresholds"]["audio_alone"]["youden"]["threshold"] = threshold
    (copy / "thresholds.json").write_text(json.dumps(chosen))
    faceless = tmp_path / "faceless.mp4"
    write_video_file(faceless, sound=True)
    assert main(["predict", str(faceless), "--run", str(copy), "--out", str(tmp_path / "out")]) == 0
    (verdict,) = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert verdict["modalities"]["video"]["verdict"] == "cannot say"
    assert verdict["modalities"]["any"]["verdict"] == expected


def test_a_probability_by_sound_alone_is_calibrated_for_the_head_that_gave_the_score(run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    chosen = json.loads((copy / "thresholds.json").read_text())
    chosen["thresholds"]["audio_alone"]["youden"]["threshold"] = 0.0
    (copy / "thresholds.json").write_text(json.dumps(chosen))
    calibration = json.loads((copy / "calibration.json").read_text())
    calibration["fits"]["audio_alone"]["platt"] = {"method": "platt", "slope": 1e-9, "intercept": math.log(9)}
    (copy / "calibration.json").write_text(json.dumps(calibration))
    faceless = tmp_path / "faceless.mp4"
    write_video_file(faceless, sound=True)
    assert main(["predict", str(faceless), "--run", str(copy), "--out", str(tmp_path / "out")]) == 0
    (verdict,) = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert verdict["modalities"]["audio"]["probability"] == pytest.approx(0.9)
    assert verdict["modalities"]["any"]["probability"] == pytest.approx(0.9)


def test_a_folder_that_another_verb_wrote_is_no_run_of_a_detector(run, tmp_path, capsys):
    plain = json.loads((run / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(plain | {"modality": "video"}))
    (tmp_path / "x.mp4").touch()
    assert main(["predict", str(tmp_path / "x.mp4"), "--run", str(tmp_path)]) == 1
    assert (
        "was not written by `train`, or by another version of it: unknown setting 'modality'"
        in capsys.readouterr().err
    )


def test_a_run_that_learnt_from_other_crops_is_refused(run, tmp_path, capsys):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    provenance = json.loads((copy / "provenance.json").read_text())
    provenance["store"] = json.dumps(json.loads(provenance["store"]) | {"cropper_version": 0})
    (copy / "provenance.json").write_text(json.dumps(provenance))
    (tmp_path / "x.mp4").touch()
    assert main(["predict", str(tmp_path / "x.mp4"), "--run", str(copy), "--out", str(tmp_path / "out")]) == 1
    assert "was trained on other crops than this program makes (cropper_version is 0" in capsys.readouterr().err


def remux(source, target) -> None:
    """The same streams in a container that can be read up to where it is cut."""
    with av.open(str(source)) as container, av.open(str(target), "w") as copy:
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                copy.mux(packet)


def test_a_video_that_was_cut_off_is_judged_with_a_word_of_it(run, workspace, tmp_path):
    whole = next((workspace / "corpus" / "FakeVideo-FakeAudio").rglob("*.mp4"))
    remux(whole, tmp_path / "whole.mkv")
    content, cut = (tmp_path / "whole.mkv").read_bytes(), tmp_path / "cut.mkv"
    cut.write_bytes(content[: int(len(content) * 0.7)])
    main(["predict", str(cut), "--run", str(run), "--out", str(tmp_path / "out"), "--doubt", "0"])
    (verdict,) = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert verdict["modalities"]["video"]["verdict"] in ("fake", "real")
    assert any("the file is damaged: cut off" in warning for warning in verdict["warnings"])


def test_a_folder_or_a_pattern_given_to_predict_means_the_media_files_in_it(run, workspace, tmp_path):
    for number, clip in enumerate(sorted((workspace / "corpus").rglob("*.mp4"))[:3]):
        target = tmp_path / "inbox" / ("deep/a.mp4" if number == 0 else f"{number}.mp4")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, target)
    (tmp_path / "inbox" / "notes.txt").write_text("none")
    given = [str(tmp_path / "inbox"), str(tmp_path / "inbox" / "[12].mp4")]
    assert main(["predict", *given, "--run", str(run), "--out", str(tmp_path / "out")]) == 0
    judged = [verdict["file"] for verdict in json.loads((tmp_path / "out" / "verdicts.json").read_text())]
    assert judged == [str(tmp_path / "inbox" / name) for name in ("1.mp4", "2.mp4", "deep/a.mp4")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.mp4", "no such file: nowhere.mp4"),
        ("*.mp4", "no file fits the pattern *.mp4"),
        (".", "no media file in .; looked for .264, "),
    ],
)
def test_predict_says_at_once_that_there_is_nothing_of_a_name(given, message, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("experiments.runs.scoring.open_judge", refuse)
    monkeypatch.chdir(tmp_path)
    assert main(["predict", given, "--run", "run"]) == 1
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def three_files(workspace, tmp_path):
    paths = [tmp_path / "in" / name for name in ("a.mp4", os.fsdecode(b"caf\xe9.mp4"), "z.mp4")]
    paths[0].parent.mkdir()
    for path in paths:
        shutil.copy(next((workspace / "corpus" / "RealVideo-RealAudio").rglob("*.mp4")), path)
    return paths


def test_an_odd_file_with_an_odd_name_ends_no_batch(run, three_files, tmp_path, monkeypatch, capsys):
    judge_face = Judge._judge_face

    def odd(judge, face):
        if face.found.clip.clip_id.startswith("a"):
            raise ZeroDivisionError("of a library")
        return judge_face(judge, face)

    monkeypatch.setattr(Judge, "_judge_face", odd)
    out = tmp_path / "out"
    assert main(["predict", *map(str, three_files), "--run", str(run), "--out", str(out)]) == 1
    first, second, third = json.loads((out / "verdicts.json").read_text())
    assert first["modalities"]["any"]["reason"] == "ZeroDivisionError: of a library"
    assert second["file"].endswith(r"caf\xe9.mp4")
    assert second["posterior"] == third["posterior"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert r"caf\xe9.mp4" in (out / "verdicts.html").read_text()


def test_what_was_judged_is_safe_when_somebody_stops_a_batch(run, three_files, tmp_path, monkeypatch):
    def stopped(judge, path, watch):
        if path == three_files[1]:
            seen.extend((out / "verdicts.jsonl").read_text().splitlines())
            raise KeyboardInterrupt
        return judge.cannot_judge(path, "because")

    seen, out = [], tmp_path / "out"
    monkeypatch.setattr(Judge, "file", stopped)
    assert main(["predict", *map(str, three_files), "--run", str(run), "--out", str(out)]) == 130
    assert [json.loads(line)["file"] for line in seen] == [str(three_files[0])]
    (kept,) = json.loads((out / "verdicts.json").read_text())
    assert kept["file"] == str(three_files[0])


def test_who_stops_a_batch_before_its_first_verdict_finds_those_of_an_earlier_one(
    run, three_files, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(Judge, "file", lambda judge, path, watch: judge.cannot_judge(path, "because"))
    command = ["predict", str(three_files[0]), "--run", str(run), "--out", str(tmp_path)]
    assert main(command) == 1
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("verdicts.*")}
    monkeypatch.setattr(Judge, "file", lambda judge, path, watch: signal.raise_signal(signal.SIGINT))
    assert main(command) == 130
    assert {path.name: path.read_bytes() for path in tmp_path.glob("verdicts.*")} == kept
    assert "the same command judges all files anew" in capsys.readouterr().err


def test_predict_gives_up_a_file_that_takes_more_than_it_may(run, three_files, tmp_path):
    limits = ["--seconds-per-file", "0.001"]
    out = tmp_path / "out"
    assert main(["predict", str(three_files[0]), "--run", str(run), "--out", str(out), *limits]) == 1
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    assert verdict["modalities"]["any"]["reason"].startswith("time limit")


def test_which_sound_was_taken_is_a_note_and_no_damage(run, three_files, monkeypatch):
    judge = open_judge(run, "youden")

    def with_note(asked):
        found, *others = pieces_of(asked, options=judge.crops, detector=create_detector("mtcnn"))
        note = "sound track 1 of 2 is silent: track 2 is taken"
        return iter([[replace(one, clip=replace(one.clip, sound_note=note)) for one in found], *others])

    monkeypatch.setattr(judge.preparer, "pieces", with_note)
    notes = judge.file(three_files[0]).warnings
    assert "of the sound: sound track 1 of 2 is silent: track 2 is taken" in notes
    assert not any("damaged" in note for note in notes)
