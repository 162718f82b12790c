"""Metrics for anybody's scores, and thresholds and calibration of a run, as a person calls them."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from experiments.__main__ import main
from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics.threshold_rules import RULES

QUICK = ["--replicates", "20"]


def table(gap: float = 2.0, clips: int = 60, seed: int = 0) -> pd.DataFrame:
    """Logit-like scores of 60 clips of 12 people, two in three fake by two methods."""
    generator = np.random.default_rng(seed)
    label = (np.arange(clips) % 3 > 0).astype(int)
    return pd.DataFrame(
        {
            "clip_id": [f"clip {row}" for row in range(clips)],
            "score": generator.normal(gap * label, 1),
            "label": label,
            "identity": [f"person {row % 12}" for row in range(clips)],
            "method": np.where(label, np.where(np.arange(clips) % 2, "swap", "voice"), "real"),
        }
    )


def write(frame: pd.DataFrame, path) -> str:
    frame.to_csv(path, index=False)
    return str(path)


def error_of(capsys) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


# evaluate --scores


def test_decisions_in_place_of_scores_are_warned_of(tmp_path, capsys):
    whole = table()
    for frame, is_warned in ((whole, False), (whole.assign(score=(whole["score"] > 1).astype(int)), True)):
        assert main(["evaluate", "--scores", write(frame, tmp_path / "scores.csv"), *QUICK]) == 0
        printed = capsys.readouterr().out
        assert printed.count("decisions and not scores") == is_warned


def test_a_file_of_scores_is_judged_and_printed_with_intervals_and_floors(tmp_path, capsys):
    path = write(table(), tmp_path / "scores.csv")
    assert main(["evaluate", "--scores", path, *QUICK]) == 0
    printed = capsys.readouterr().out
    assert "any: 20 real, 40 fake, 12 identities, 0 not judged" in printed
    (auc,) = [line for line in printed.splitlines() if line.startswith("  ROC-AUC")]
    assert auc.split()[-2:] == ["0.500", "0.500"]
    assert all(word in printed for word in ("voice", "swap", "mean over methods", "minDCF"))
    assert "further warnings" in printed


def test_what_is_printed_is_written_with_a_page(tmp_path, capsys):
    path, out = write(table(), tmp_path / "scores.csv"), tmp_path / "out"
    assert main(["evaluate", "--scores", path, "--out", str(out), *QUICK]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert f"{metrics['any']['auc']['value']:.3f}" in capsys.readouterr().out
    assert pd.read_parquet(out / "scores.parquet")["score_any"].tolist() == pytest.approx(
        table()["score"].tolist()
    )
    assert "Scores of scores.csv" in (out / "report.html").read_text()
    assert {file.name for file in out.iterdir()} == {".writer", "metrics.json", "scores.parquet", "report.html"}


def test_two_files_are_compared_in_pairs(tmp_path, capsys):
    files = [write(table(gap, seed=seed), tmp_path / f"{seed}.csv") for seed, gap in enumerate((3.0, 0.3))]
    out = tmp_path / "out"
    assert main(["evaluate", "--scores", *files, "--out", str(out), *QUICK]) == 0
    assert "DeLong's test of the ROC areas: p < 0.001" in capsys.readouterr().out
    entry = json.loads((out / "comparison.json").read_text())["comparison"]["any"]["metrics"]["auc"]
    assert entry["low"] > 0
    assert "0.csv against 1.csv" in (out / "report.html").read_text()
    assert (out / "metrics_b.json").is_file()


def test_other_names_labels_and_polarity_are_stated_by_options(tmp_path):
    frame = table().rename(columns={"clip_id": "utt", "score": "cm", "label": "key", "identity": "speaker"})
    frame = frame.assign(cm=-frame["cm"], key=np.where(frame["key"], "spoof", "bonafide"))
    frame.to_parquet(tmp_path / "scores.parquet")
    columns = ["--columns.clip-id", "utt", "--columns.score", "cm", "--columns.label", "key"]
    columns += [
        "--columns.identity",
        "speaker",
        "--fake-label",
        "spoof",
        "--no-higher-is-fake",
        "--target",
        "audio",
    ]
    plain = write(table(), tmp_path / "plain.csv")
    for arguments, out in (([str(tmp_path / "scores.parquet"), *columns], "a"), ([plain], "b")):
        assert main(["evaluate", "--scores", *arguments, "--out", str(tmp_path / out), *QUICK]) == 0
    found, expected = (json.loads((tmp_path / out / "metrics.json").read_text()) for out in ("a", "b"))
    assert found["audio"]["auc"] == expected["any"]["auc"]


def test_probabilities_get_calibration_and_decisions_and_ranks_do_not(tmp_path, capsys):
    frame = table()
    path = write(frame.assign(score=1 / (1 + np.exp(-frame["score"]))), tmp_path / "scores.csv")
    assert main(["evaluate", "--scores", path, *QUICK]) == 0
    ranks = capsys.readouterr().out
    assert main(["evaluate", "--scores", path, "--kind", "probability", *QUICK]) == 0
    probabilities = capsys.readouterr().out
    assert "without decisions, calibration, Cllr and actDCF" in ranks
    assert "say --kind probability" in ranks
    assert "Brier score" not in ranks
    assert "Brier score" in probabilities


def test_text_without_header_is_judged_and_which_way_round_it_was_taken_is_said(tmp_path, capsys):
    lines = [
        f"{row.clip_id[5:]} {'spoof' if row.label else 'bonafide'} {-row.score}" for row in table().itertuples()
    ]
    (tmp_path / "scores.txt").write_text("\n".join(lines))
    for options, says in (
        (
            [],
            "taken as fake, which gives an AUC below 0.5; where it means the opposite, say --no-higher-is-fake",
        ),
        (["--no-higher-is-fake"], "a higher score is taken as real, for the file has no header that says so"),
    ):
        assert main(["evaluate", "--scores", str(tmp_path / "scores.txt"), *options, *QUICK]) == 0
        assert says in capsys.readouterr().out


def test_a_manifest_brings_the_labels_of_a_bare_list_of_scores(tmp_path, capsys):
    frame = table().assign(clip_id=[f"c{row}" for row in range(60)])
    frame[["clip_id", "score"]].to_csv(tmp_path / "scores.txt", sep=" ", header=False, index=False)
    protocol = write(frame[["clip_id", "label", "identity"]], tmp_path / "protocol.csv")
    assert main(["evaluate", "--scores", str(tmp_path / "scores.txt"), "--join", protocol, *QUICK]) == 0
    assert "any: 20 real, 40 fake, 12 identities, 0 not judged" in capsys.readouterr().out
    assert main(["evaluate", "--scores", str(tmp_path / "scores.txt"), *QUICK]) == 1
    assert "--join FILE" in error_of(capsys)


def test_an_inverted_polarity_is_warned_of(tmp_path, capsys):
    path = write(table().assign(score=-table()["score"]), tmp_path / "scores.csv")
    assert main(["evaluate", "--scores", path, *QUICK]) == 0
    assert "clearly below 0.5. Is the polarity inverted?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"label": 1}, "no real clip was judged"),
        ({"score": 0.25}, "all 60 scores are 0.25; they say nothing"),
        ({"score": np.where(np.arange(60) < 5, np.nan, 0.1 * np.arange(60))}, "5 clips (8.3%"),
        ({"identity": "ann"}, "no number or no interval: one identity only"),
        ({"identity": None}, "name no identity, so every clip counts as another person's"),
        ({"score": np.arange(60) % 2}, "auc 0.500 is not clearly better than the 0.500"),
    ],
)
def test_what_cannot_be_said_is_told_and_the_rest_is_said(change, says, tmp_path, capsys):
    path = write(table().assign(**change), tmp_path / "scores.csv")
    assert main(["evaluate", "--scores", path, "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert says in capsys.readouterr().out
    assert "NaN" not in (tmp_path / "out" / "metrics.json").read_text()


def rows_again(frame):
    return pd.concat([frame, frame[:3]])


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        (lambda frame: rows_again(frame), [], "3 rows repeat a clip"),
        (lambda frame: frame.assign(label=2 * frame["label"]), [], "not 1 and 0. Say with --fake-label"),
        (lambda frame: frame.assign(label=frame.index % 3), [], "want two labels"),
        (lambda frame: frame.assign(score=np.inf), [], "60 scores are infinite"),
        (lambda frame: frame.assign(score="high"), [], "60 scores are no numbers"),
        (lambda frame: frame.drop(columns="label"), [], "has no column 'label'"),
        (lambda frame: frame, ["--kind", "probability"], "must lie in [0, 1]"),
        (lambda frame: frame.assign(split=["val", "test"] * 30), [], "several splits: test, val. Say which"),
        (lambda frame: frame.assign(split="val"), ["--split", "test"], "has no split 'test'; it has val"),
        (lambda frame: frame, ["--split", "test"], "names no split; leave --split out"),
        (
            lambda frame: frame,
            ["--split-file", "{split}", "--split", "test"],
            "20 of 40 clips of the split have no",
        ),
        (lambda frame: frame, ["--split-file", "{split}"], "needs --split"),
        (lambda frame: frame[:0], [], "has no row"),
    ],
)
def test_files_that_cannot_be_judged_are_refused_with_one_line(change, options, says, tmp_path, capsys):
    from multimodal.splits import Split

    clips = [f"clip {row}" for row in range(40, 80)]
    assignment = pd.DataFrame({"clip_id": clips, "split": "test", "reason": None})
    Split(assignment, protocol="made for this test").write(tmp_path / "split.parquet")
    path = write(change(table()), tmp_path / "scores.csv")
    options = [option.format(split=tmp_path / "split.parquet") for option in options]
    assert main(["evaluate", "--scores", path, *options, *QUICK]) == 1
    assert says in error_of(capsys)


def test_files_of_other_clips_or_polarity_are_not_compared(tmp_path, capsys):
    first = write(table(), tmp_path / "a.csv")
    fewer = write(table()[:50], tmp_path / "b.csv")
    turned = write(table().assign(label=1 - table()["label"]), tmp_path / "c.csv")
    for other, says in ((fewer, "A has 10 clips that B lacks"), (turned, "disagree on any_fake of 60 clips")):
        assert main(["evaluate", "--scores", first, other, *QUICK]) == 1
        assert says in error_of(capsys)
    assert main(["evaluate", "--scores", first, first, first]) == 1
    assert "one file of scores, or two" in error_of(capsys)


def test_scores_of_a_file_are_judged_without_loading_torch(tmp_path):
    path = write(table(), tmp_path / "scores.csv")
    code = (
        "import sys; from experiments.__main__ import main; "
        f"main(['evaluate', '--scores', {path!r}, '--replicates', '0']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_each_way_of_a_verb_explains_itself(capsys):
    for arguments, words in (
        (["evaluate", "--help"], "evaluate --scores FILE"),
        (["evaluate", "--scores", "--help"], "--columns.clip-id"),
        (["thresholds", "--help"], "--cost-miss"),
        (["thresholds", "--transfer", "--help"], "those that would have been chosen"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert words in " ".join(capsys.readouterr().out.split())


# thresholds RUN


ASKED = ("--fake-prior", "0.1", "--cost-miss", "10", "--fpr", "0.05", "--beta", "3")


@pytest.fixture(scope="module")
def judged(run, tmp_path_factory):
    """A copy of the run whose scores are those of a better detector, with thresholds chosen."""
    folder = tmp_path_factory.mktemp("judged") / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("checkpoints", "tensorboard", "figures", "*.html"))
    known_scores().to_parquet(folder / "scores.parquet", index=False)
    assert main(["thresholds", str(folder), *ASKED, *QUICK]) == 0
    return folder


def known_scores(clips: int = 240) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    truth = np.arange(clips) // 2 % 4
    logits = generator.normal(0, 1, (clips, 4)) + 2 * np.eye(4)[truth]
    posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    video, audio = posterior[:, 2] + posterior[:, 3], posterior[:, 1] + posterior[:, 3]
    return pd.DataFrame(
        {
            "clip_id": [f"clip {row}" for row in range(clips)],
            "split": np.where(np.arange(clips) % 2, "test", "val"),
            "identity": [f"person {row % 24}" for row in range(clips)],
            "method": np.array(["real", "rtvc", "faceswap", "wav2lip"])[truth],
            "av_class": np.array(CLASSES)[truth],
            "any_fake": pd.array((truth > 0).astype(int), dtype="Int8"),
            "video_fake": pd.array(truth // 2, dtype="Int8"),
            "audio_fake": pd.array(truth % 2, dtype="Int8"),
            "score_any": 1 - posterior[:, 0],
            "score_video": video,
            "score_audio": audio,
            "head_video": video**2,
            "head_audio": audio**2,
            **{f"p_{name}": posterior[:, index] for index, name in enumerate(CLASSES)},
        }
    )


def test_every_rule_is_chosen_for_every_target_class_and_head(judged):
    chosen = json.loads((judged / "thresholds.json").read_text())
    assert set(chosen["thresholds"]) == {*TARGETS, *CLASSES, "video_alone", "audio_alone"}
    assert all(list(row) == list(RULES) for row in chosen["thresholds"].values())
    assert chosen["rules"]["target_fpr"] == {"fpr": 0.05}
    assert chosen["rules"]["f_beta"] == {"beta": 3}
    assert chosen["rules"]["least_cost"] == {"cost_of_missed": 10, "cost_of_flagged": 1}
    assert chosen["thresholds"]["any"]["least_cost"]["prior"] == pytest.approx(0.1)
    youden = chosen["thresholds"]["video"]["youden"]
    assert youden["low"] <= youden["threshold"] <= youden["high"]


def test_the_page_shows_the_targets_side_by_side_and_says_whose_clips_these_are(judged):
    page = (judged / "thresholds.html").read_text()
    assert page.count("<img") == 8
    assert "the numbers flatter" in page
    assert "even odds" in page
    for words in ("temperature", "Platt", "isotonic", "least cost (cost of missed 10, cost of flagged 1)"):
        assert words in page


def test_calibration_is_judged_on_test_and_probabilities_are_written(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics["calibration"]) == {*TARGETS, "video_alone", "audio_alone"}
    assert {"raw", "prior", "temperature", "platt", "isotonic", "floor"} <= set(metrics["calibration"]["any"])
    assert {f"probability_{target}" for target in TARGETS} <= set(pd.read_parquet(run / "scores.parquet"))
    assert set(metrics["at_thresholds"]) == {*TARGETS, *CLASSES, "video_alone", "audio_alone"}
    assert "split <b>test</b>" in (run / "thresholds.html").read_text()


def test_thresholds_move_to_other_scores_and_are_compared_with_those_chosen_there(judged, tmp_path, capsys):
    other = known_scores().assign(score_any=lambda t: t["score_any"] ** 3)
    other.to_parquet(tmp_path / "other.parquet", index=False)
    before = (judged / "thresholds.json").read_text()
    capsys.readouterr()
    assert main(["thresholds", str(judged), "--transfer", str(tmp_path / "other.parquet"), *QUICK]) == 0
    found = json.loads((judged / "transfer.json").read_text())
    moved = found["thresholds"]["any"]["youden"]
    assert found["split"] == "test"
    assert moved["offset"] == pytest.approx(moved["stored"] - moved["chosen_there"])
    assert moved["offset"] > 0
    assert moved["value_at_stored"] < moved["value_there"]
    assert "any youden" in capsys.readouterr().out
    assert "<img" in (judged / "transfer.html").read_text()
    assert (judged / "thresholds.json").read_text() == before


def test_thresholds_move_to_another_run_and_to_anybodys_table(judged, run, tmp_path):
    probabilities = table().assign(score=lambda t: 1 / (1 + np.exp(-t["score"])))
    path = write(probabilities, tmp_path / "scores.csv")
    for other, targets in ((str(run), set(TARGETS)), (path, {"any"})):
        assert main(["thresholds", str(judged), "--transfer", other, *QUICK]) == 0
        found = json.loads((judged / "transfer.json").read_text())["thresholds"]
        assert targets == set(found) & set(TARGETS)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rules", "f1", "--fpr", "0.1"], "an option of the rule target_fpr is given"),
        (["--transfer", "{tmp}/none.csv"], "no such file of scores"),
        (["--transfer", "{run}", "--split", "train"], "has no split 'train'"),
    ],
)
def test_what_thresholds_cannot_do_is_one_line(options, says, judged, tmp_path, capsys):
    capsys.readouterr()
    options = [option.format(tmp=tmp_path, run=judged) for option in options]
    assert main(["thresholds", str(judged), *options, *QUICK]) == 1
    assert says in error_of(capsys)


def altered(judged, folder, scores):
    shutil.copytree(judged, folder, ignore=shutil.ignore_patterns("*.html", "transfer.json"))
    scores.to_parquet(folder / "scores.parquet", index=False)
    return str(folder)


def test_thresholds_and_calibration_do_not_depend_on_the_test_scores(judged, tmp_path):
    scores = known_scores()
    test = scores["split"] == "test"
    said = [column for column in scores if column.startswith(("score_", "head_", "p_"))]
    noise = scores.copy()
    noise.loc[test, said] = np.random.default_rng(1).random((test.sum(), len(said)))
    assert main(["thresholds", altered(judged, tmp_path / "noise", noise), *ASKED, *QUICK]) == 0
    for file in ("thresholds.json", "calibration.json"):
        assert (judged / file).read_text() == (tmp_path / "noise" / file).read_text()


def test_a_run_without_validation_scores_has_no_thresholds(judged, tmp_path, capsys):
    scores = known_scores()
    folder = altered(judged, tmp_path / "run", scores[scores["split"] == "test"])
    capsys.readouterr()
    assert main(["thresholds", folder, *QUICK]) == 1
    assert "no validation scores" in error_of(capsys)
    (tmp_path / "run" / "thresholds.json").unlink()
    assert main(["thresholds", folder, "--transfer", folder]) == 1
    assert "choose them first" in error_of(capsys)


def test_a_class_missing_from_validation_leaves_the_others_and_says_why(judged, tmp_path, capsys):
    scores = known_scores()
    folder = altered(judged, tmp_path / "run", scores[(scores["any_fake"] == 1) | (scores["split"] == "test")])
    capsys.readouterr()
    assert main(["thresholds", folder, *QUICK]) == 0
    printed = capsys.readouterr().out
    assert "  any: no real clip to choose from" in printed
    assert "  RVRA: no RVRA clip to choose from" in printed
    assert "warning: any: no real clip was judged" in printed
    chosen = json.loads((tmp_path / "run" / "thresholds.json").read_text())["thresholds"]
    assert chosen["any"]["f1"]["threshold"] is None
    assert chosen["video"]["f1"]["threshold"] is not None
    calibration = json.loads((tmp_path / "run" / "calibration.json").read_text())
    assert "without real clips" in calibration["fits"]["any"]["platt"]["reason"]
