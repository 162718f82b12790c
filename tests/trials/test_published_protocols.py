"""FakeAVCeleb by the protocols of its users, each run on the generated layout."""

import json

import pandas as pd
import pytest

from experiments.__main__ import main
from experiments.trials.published import PUBLISHED, run_published
from multimodal.corpora.manifest import Manifest
from multimodal.metrics.target_metrics import METRICS

TINY = ["--video.name", "frames", "--video.options", "backbone", "test_resnet", "frame_size", "32"]
TINY += ["--audio.name", "spectrogram", "--audio.options", "backbone", "test_resnet", "n_mels", "16"]
TINY += ["--num-frames", "3", "--batch-size", "4", "--windows-per-clip", "1", "--num-workers", "0"]
TINY += ["--fusion.out-dim", "8", "--fit.steps", "1", "--fit.validate-every", "1", "--precision", "no"]


@pytest.fixture(scope="module")
def lists(workspace, tmp_path_factory):
    """Lists of people, as AVH-Align publishes them of the real corpus."""
    people = sorted(Manifest.read(workspace / "manifest.parquet").clips["identity"].dropna().unique())
    folder = tmp_path_factory.mktemp("lists")
    parts = {"train": people[:-2], "val": people[-2:-1], "test": people[-1:]}
    for name, part in parts.items():
        (folder / f"{name}.txt").write_text("".join(f"{one.rpartition(':')[2]}\n" for one in part))
    return [word for name in parts for word in (name, str(folder / f"{name}.txt"))]


@pytest.mark.parametrize("name", [one for one in PUBLISHED if one not in ("without_FVRA-WL", "without_FVFA-WL")])
def test_a_published_protocol_runs_to_the_figure_beside_the_published_one(
    name, workspace, lists, tmp_path, capsys
):
    data = ["--manifest", str(workspace / "manifest.parquet"), "--store", str(workspace / "store")]
    options = ["--options", *lists] if PUBLISHED[name].lists else []
    command = ["trial", "published", name, *data, *TINY, *options, "--out", str(tmp_path), "--replicates", "0"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert PUBLISHED[name].papers in printed
    report = json.loads((tmp_path / "published.json").read_text())
    assert report["published"] == PUBLISHED[name].published
    assert 0 <= report["ours"]["value"] <= 1
    assert report["counts"]["fake"] > 0
    scores = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert (scores["split"] == "test").any()


def test_every_published_protocol_names_a_metric_and_what_to_know_of_it():
    for name, one in PUBLISHED.items():
        assert one.metric in METRICS, name
        assert one.caution, name
        assert all(0.5 < figure < 1 for figure in one.published.values()), name


def test_lists_that_are_not_given_are_asked_for(tmp_path, capsys):
    assert main(["trial", "published", "avh_align", "--out", str(tmp_path)]) == 1
    assert "give --options train FILE val FILE test FILE" in capsys.readouterr().err


def test_an_unknown_protocol_offers_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="random_70_30"):
        run_published("random_70_3", None, tmp_path)  # type: ignore[arg-type]
