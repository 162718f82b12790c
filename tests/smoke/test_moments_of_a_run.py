"""From a corpus with forged stretches to a detector that says when: scan, prepare, train, evaluate."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.runs.lips import genuine_pairs
from experiments.runs.scoring import open_detector_run, open_judge


@pytest.fixture(scope="module")
def localised(tmp_path_factory) -> Path:
    """A run on a generated LAV-DF, with heads for moments; the corpus lies beside it."""
    folder = tmp_path_factory.mktemp("moments")
    files = {name: str(folder / name) for name in ("corpus", "manifest.parquet", "split.parquet", "store", "run")}
    corpus, manifest, split, store, run = files.values()
    made = ["--identities", "3", "--clips", "1", "--clip-seconds", "1", "--frame-size", "96", "--workers", "1"]
    assert main(["generate", "lavdf", "--out", corpus, *made]) == 0
    assert main(["scan", "lavdf", "--root", corpus, "--out", manifest]) == 0
    assert main(["split", manifest, "--protocol", "official", "--out", split]) == 0
    assert main(["prepare", manifest, "--store", store, "--frame-rate", "10", "--crop-size", "32"]) == 0
    data = ["--manifest", manifest, "--split", split, "--store", store, "--num-frames", "4", "--num-workers", "0"]
    steps = ["--fit.steps", "2", "--fit.validate-every", "2", "--frame-weight", "1"]
    with redirect_stdout(StringIO()) as printed:
        assert main(["train", "small", *data, *steps, "--out", run]) == 0
    assert "audio 200 ms, video 100 ms; no shorter stretch than 400 ms can be placed" in printed.getvalue()
    assert main(["thresholds", run, "--replicates", "0"]) == 0
    return Path(run)


def test_evaluate_says_how_well_stretches_are_found_and_the_judge_shows_them(localised, capsys):
    assert main(["evaluate", str(localised), "--replicates", "0", "--no-floors", "--no-lips"]) == 0
    metrics = json.loads((localised / "metrics.json").read_text())
    assert "synchrony" not in metrics
    found = metrics["localisation"]
    assert found["chosen_on"] == "val"
    assert found["clips"] == 4
    assert set(found["test"]["any"]) >= {"ap@0.5", "ap@0.95", "ar@5", "ar@100", "frame_auc"}
    assert 0 <= found["test"]["video"]["frame_auc"]["value"] <= 1
    assert "frame_auc" in capsys.readouterr().out
    assert "When it is forged" in (localised / "report.html").read_text()
    validations = json.loads((localised / "history.json").read_text())
    assert all({"auc_moments_video", "auc_moments_audio"} <= row.keys() for row in validations)
    clip = next((localised.parent / "corpus" / "test").glob("*.mp4"))
    segments = open_judge(localised, "youden").file(clip).main.segments
    assert segments is not None
    assert all(0 <= one.start_seconds < one.end_seconds <= 1.3 for one in segments)


def test_of_lips_and_sound_no_more_than_the_beginning_of_a_clip_is_read(localised, monkeypatch):
    for module in ("experiments.runs.lips", "multimodal.synchrony"):
        monkeypatch.setattr(f"{module}.LEAST_SECONDS", 0.5)
    monkeypatch.setattr("experiments.runs.lips._SECONDS", 0.6)
    clips = open_detector_run(localised).read()
    pairs = genuine_pairs(clips.store, clips.of("test"), "test")
    assert [len(pair.seen) for pair in pairs] == [6]


def test_kept_tokens_know_nothing_of_moments(localised, capsys):
    tokens = ["--freeze-encoders", "--tokens", str(localised.parent / "tokens"), "--frame-weight", "1"]
    data = [f"--{name.split('.')[0]}={localised.parent / name}" for name in ("manifest.parquet", "split.parquet")]
    command = ["train", "small", *data, f"--store={localised.parent / 'store'}", *tokens]
    assert main([*command, "--out", str(localised.parent / "other")]) == 1
    assert "kept tokens know nothing of frames" in capsys.readouterr().err
