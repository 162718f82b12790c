"""What the verb adds to ``prepare_corpus``: parts, estimates, engines."""

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.prepare import prepare
from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.reader import Store

OPTIONS = PrepareOptions(crop_size=32)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    """Six sounds, quick to prepare, the last of them broken."""
    from scipy.io import wavfile

    root = tmp_path_factory.mktemp("sounds")
    noise = np.random.default_rng(0).normal(0, 3000, 8000).astype(np.int16)
    for number in range(6):
        wavfile.write(root / f"{number}.wav", 16_000, noise)
    (root / "5.wav").write_bytes(b"")
    clips = [Clip(path.name, "audio", None, 0, "real", size_bytes=1) for path in sorted(root.iterdir())]
    path = root.parent / f"{root.name}.parquet"
    collect(clips, corpus="sounds", root=root).write(path)
    return path


def test_the_parts_of_a_manifest_together_are_the_whole(manifest, tmp_path, capsys):
    for number in range(2):
        prepare((manifest,), store=tmp_path / "s", options=OPTIONS, shard=f"{number}/2", workers=1, max_failures=1)
    store = Store.open(tmp_path / "s")
    assert store.index["clip_id"].tolist() == [f"sounds/{number}.wav" for number in range(5)]
    assert store.failures["clip_id"].tolist() == ["sounds/5.wav"]
    prepare((manifest,), store=tmp_path / "s", options=OPTIONS, workers=1, max_failures=1)
    assert "6 were finished before" in capsys.readouterr().out


@pytest.mark.parametrize("shard", ["2/2", "1", "a/b", "-1/2"])
def test_a_part_that_does_not_exist_is_refused(shard, manifest, tmp_path):
    with pytest.raises(ValueError, match=r"no part|must be the number"):
        prepare((manifest,), store=tmp_path / "s", shard=shard)


def test_an_estimate_gives_time_and_disk_with_their_spread_and_leaves_nothing(manifest, tmp_path, capsys):
    prepare((manifest,), store=tmp_path / "s", options=OPTIONS, estimate=True, sample=4, workers=1)
    text = capsys.readouterr().out
    spread = r"about [\d.]+ \w+ \([\d.]+ to [\d.]+\)"
    assert re.search(rf"6 clips with 1 workers: {spread} and [\d.]+ MB \([\d.]+ to [\d.]+\)", text)
    assert "from 4 clips drawn at random" in text
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_not_there_is_refused_before_any_clip_fails(manifest, tmp_path):
    with pytest.raises(ValueError, match=r"sounds is not at .*nowhere: no such folder; say where it lies now"):
        prepare((manifest,), store=tmp_path / "s", root=tmp_path / "nowhere", options=OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_too_many_failures_are_an_error_and_remain_one_when_the_run_goes_on(manifest, tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match=r"1 of 6 clips failed, more than --max-failures 0\.1"):
            prepare((manifest,), store=tmp_path / "s", options=OPTIONS, workers=1, max_failures=0.1)


def test_a_cluster_that_cannot_be_reached_is_named_in_seconds(manifest, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ValueError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        prepare((manifest,), store=tmp_path / "s", options=OPTIONS, engine="ray")


@pytest.mark.filterwarnings("ignore")
def test_a_ray_cluster_of_two_nodes_gives_the_same_store(manifest, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else other work on the machine starves the tasks
    monkeypatch.setattr("experiments.prepare._PARTS_A_WORKER", 1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        prepare((manifest,), store=tmp_path / "ray", options=OPTIONS, engine="ray", workers=2, max_failures=1)
    finally:
        cluster.shutdown()
    prepare((manifest,), store=tmp_path / "local", options=OPTIONS, workers=1, max_failures=1)
    ours, theirs = Store.open(tmp_path / "ray"), Store.open(tmp_path / "local")
    assert ours.failures.to_dict("records") == theirs.failures.to_dict("records")
    assert len(Manifest.read(manifest).clips) == len(ours.index) + 1
    for clip_id in theirs.index["clip_id"]:
        np.testing.assert_array_equal(ours.read(clip_id).waveform, theirs.read(clip_id).waveform)


def test_clips_that_did_not_reach_the_store_are_no_prepared_clips(manifest, tmp_path):
    with pytest.raises(ValueError, match=r"6 of 6 clips are not in the store .*; call again to go on"):
        prepare_corpus(Manifest.read(manifest), tmp_path / "s", OPTIONS, progress=lambda outcomes, total: ())
