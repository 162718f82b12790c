import dataclasses
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from encoders import create_encoder
from experiments.__main__ import main
from experiments.ablate import ablate
from experiments.runs.config import TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.parts import EncoderConfig
from experiments.runs.settings import read_config, with_settings
from experiments.studies import runs
from experiments.studies.study import (
    Job,
    StudyFolder,
    StudyOptions,
    check_content,
    content_of,
    settle_study,
)
from multimodal.corpora.manifest import GENERATED_NOTICE, Manifest

OPTIONS = StudyOptions(seeds=2, only=("gated", "video_only"), workers=1, replicates=30)


@pytest.fixture(scope="module")
def config(run) -> TrainConfig:
    config = read_config(RunFolder(run).config, TrainConfig)
    return dataclasses.replace(config, fit=dataclasses.replace(config.fit, steps=2, validate_every=2))


@pytest.fixture(scope="module")
def study(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "fusion"
    return folder, ablate("fusion", config, OPTIONS, folder)


def test_a_study_is_a_folder_with_table_page_and_a_run_for_each_variant_and_seed(study):
    folder, results = study
    assert {"table.csv", "table.md", "report.html", "results.json", "study.json"} <= {
        p.name for p in folder.iterdir()
    }
    assert sorted(path.name for path in (folder / "runs").iterdir()) == [
        f"{name}-seed{seed}" for name in ("concat", "gated", "video_only") for seed in (0, 1)
    ]
    table = pd.read_csv(folder / "table.csv").set_index("variant")
    assert list(table.index) == ["concat", "gated", "video_only"]
    for name, row in results["variants"].items():
        assert table.loc[name, "auc_any"] == pytest.approx(row["measures"]["auc_any"]["value"])
        assert row["parameters"] > 0
        assert row["flops"] > 0
    assert results["variants"]["video_only"]["parameters"] < results["variants"]["concat"]["parameters"]
    assert results["generated"]


def test_the_page_says_what_is_larger_than_chance_and_that_media_are_generated(study):
    folder, results = study
    page = (folder / "report.html").read_text()
    assert "Generated media" in page
    assert "times as long" in page
    assert "AUC any" in page
    assert results["baseline"] == "concat"
    table = (folder / "table.md").read_text()
    assert "| **concat** (baseline) |" in table
    assert table.endswith("\n\n" + GENERATED_NOTICE + "\n")


def test_a_mode_of_one_modality_knows_nothing_without_it(study):
    _, results = study
    alone = results["variants"]["video_only"]["measures"]["auc_audio_alone"]
    assert alone["value"] == pytest.approx(0.5)


def test_a_study_of_frozen_random_encoders_warns_of_them(config, tmp_path, capsys):
    published = EncoderConfig(name="wav2vec2", options={"checkpoint": "facebook/wav2vec2-base"})
    random = with_settings(config, {"encoders.audio": published, "encoders.video.weights": None})
    settle_study(random, OPTIONS, tmp_path)
    assert capsys.readouterr().err == (
        "warning: the video encoder is frozen and has random weights; give --video.weights FOLDER\n"
    )


def test_a_run_of_a_study_is_a_run_like_any_other(study, capsys):
    folder, _ = study
    run = folder / "runs" / "gated-seed0"
    assert main(["thresholds", str(run), "--replicates", "20"]) == 0
    assert main(["evaluate", str(run), "--replicates", "20"]) == 0


def test_a_finished_study_repeats_nothing_and_a_failed_run_is_done_alone(study, config, monkeypatch):
    folder, before = study
    done, run_job = [], runs.run_job

    def note(job):
        done.append(job.folder.name)
        if len(done) == 1:
            raise RuntimeError("the disk went away")
        return run_job(job)

    monkeypatch.setattr(runs, "run_job", note)
    ablate("fusion", config, OPTIONS, folder)
    assert done == []
    (folder / "runs" / "gated-seed1" / "study.json").unlink()
    ablate("fusion", config, OPTIONS, folder)
    assert json.loads((folder / "failures.json").read_text()) == {"gated-seed1": "the disk went away"}
    assert "the disk went away" in (folder / "report.html").read_text()
    after = ablate("fusion", config, OPTIONS, folder)
    assert done == ["gated-seed1", "gated-seed1"]
    assert json.loads((folder / "failures.json").read_text()) == {}
    assert {name: row["measures"] for name, row in after["variants"].items()} == {
        name: row["measures"] for name, row in before["variants"].items()
    }


def test_a_study_is_bound_to_clips_labels_split_and_store(study, config, workspace, tmp_path):
    folder, _ = study
    source = config.data.source
    planned = content_of(source)
    manifest = Manifest.read(source.manifest)
    manifest.clips.loc[0, "any_fake"] = 1 - manifest.clips.loc[0, "any_fake"]
    manifest.write(tmp_path / "manifest.parquet")
    other = content_of(source._replace(manifest=tmp_path / "manifest.parquet"))
    assert [name for name in planned if planned[name] != other[name]] == ["labels"]
    shutil.copytree(folder, tmp_path / "study")
    for name in ("split", "store"):
        plan = json.loads((folder / "study.json").read_text())
        plan["content"][name] = "of before"
        (tmp_path / "study" / "study.json").write_text(json.dumps(plan))
        with pytest.raises(
            ValueError, match=rf"planned with (another|other) {name} \({name} of before, now [0-9a-f]+\)"
        ):
            ablate("fusion", config, OPTIONS, tmp_path / "study")


def test_tables_with_other_labels_or_clips_are_not_compared(study, config, tmp_path):
    folder, _ = study
    shutil.copytree(folder, tmp_path / "study")
    jobs = [Job(name, 0, config, tmp_path / "study" / "runs" / f"{name}-seed0") for name in ("concat", "gated")]
    check_content(StudyFolder(tmp_path / "study"), jobs)
    scores = pd.read_parquet(jobs[1].scores)
    scores.assign(video_fake=1 - scores["video_fake"]).to_parquet(jobs[1].scores)
    with pytest.raises(ValueError, match="concat-seed0 and gated-seed0 were judged on other labels"):
        check_content(StudyFolder(tmp_path / "study"), jobs)
    scores.head(3).to_parquet(jobs[1].scores)
    with pytest.raises(ValueError, match="were judged on other clips"):
        check_content(StudyFolder(tmp_path / "study"), jobs)


def test_a_folder_of_another_study_and_an_unknown_variant_are_refused(study, config):
    folder, _ = study
    with pytest.raises(ValueError, match=r"holds a study .*of other settings"):
        ablate("loss", config, StudyOptions(workers=1), folder)
    with pytest.raises(ValueError, match="unknown variant 'gatd'; did you mean 'gated'"):
        ablate("fusion", config, StudyOptions(only=("gatd",)), folder)
    with pytest.raises(ValueError, match="workers must be at least 1; got 0"):
        StudyOptions(workers=0)


@pytest.fixture(scope="module")
def other_encoders(tmp_path_factory):
    """Folders of two encoders: one for sound, and one for pictures of another size than the store's."""
    folder = tmp_path_factory.mktemp("encoders")
    create_encoder("spectrogram", backbone="test_resnet", stage=2).save_pretrained(folder / "dense" / "encoder")
    create_encoder("aasist").save_pretrained(folder / "raw")
    return folder / "dense" / "encoder", folder / "raw"


def test_encoders_are_compared_each_in_the_place_of_its_own_modality(config, other_encoders, tmp_path, capsys):
    dense, raw = other_encoders
    folders = {name: _saved(encoder, tmp_path / name) for name, encoder in config.encoders.items()}
    frozen = config.with_weights(**folders)
    options = StudyOptions(seeds=1, encoders=(dense, raw), workers=1, replicates=20)
    results = ablate("encoder", frozen, options, tmp_path / "study")
    assert list(results["variants"]) == ["configured", "dense", "raw"]
    parameters = {name: row["encoder_parameters"] for name, row in results["variants"].items()}
    assert len(set(parameters.values())) == 3
    assert results["variants"]["dense"]["tokens"]["audio"] > results["variants"]["configured"]["tokens"]["audio"]
    assert results["variants"]["dense"]["tokens"]["video"] == results["variants"]["configured"]["tokens"]["video"]
    assert "encoder parameters" in (tmp_path / "study" / "table.md").read_text()
    printed = capsys.readouterr().out
    assert "dense: Tokens of a window: audio" in printed
    assert "A run on tokens took" in printed


def _saved(config, folder):
    create_encoder(config.name, **config.options).save_pretrained(folder)
    return folder


def test_encoders_of_random_weights_are_not_compared_and_folders_only_by_their_study(config, other_encoders):
    options = StudyOptions(seeds=1, encoders=other_encoders, workers=1)
    random = with_settings(config, {"encoders.video.weights": None})
    with pytest.raises(ValueError, match=r"the video encoder .* has random weights; give --video.weights FOLDER"):
        ablate("encoder", random, options, Path("unused"))
    with pytest.raises(ValueError, match="give --encoders RUN/encoder"):
        ablate("encoder", config, StudyOptions(), Path("unused"))
    with pytest.raises(ValueError, match="--encoders is for ablate encoder"):
        ablate("fusion", config, options, Path("unused"))


def test_encoders_that_fail_are_a_listed_failure_and_others_go_on(config, tmp_path):
    on_tokens = dataclasses.replace(config, tokens=tmp_path / "tokens")
    trainings = {"good": on_tokens, "bad": on_tokens.with_weights(audio=tmp_path / "gone")}
    jobs = [Job(name, 0, training, tmp_path / name) for name, training in trainings.items()]
    failures = runs.embed_all(jobs)
    assert list(failures) == ["bad"]
    assert "no weights at" in failures["bad"]


def test_training_end_to_end_gives_a_study_too(config, tmp_path):
    options = StudyOptions(seeds=1, only=("focal",), workers=1, end_to_end=True, replicates=20)
    results = ablate("loss", config, options, tmp_path / "study")
    assert set(results["variants"]) == {"cross_entropy", "focal"}
    assert "One seed" in (tmp_path / "study" / "report.html").read_text()


@pytest.fixture
def cluster_of_two_nodes(monkeypatch):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else other work on the machine starves the tasks
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield
    cluster.shutdown()


@pytest.fixture
def job_array(monkeypatch, tmp_path):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    monkeypatch.setenv("SUBMITIT_CLUSTER", "local")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)  # where the jobs' logs go


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("engine", "place"), [("ray", "cluster_of_two_nodes"), ("slurm", "job_array")])
def test_elsewhere_too_a_failed_run_is_listed_and_done_alone(engine, place, config, tmp_path, request):
    request.getfixturevalue(place)
    options = dataclasses.replace(OPTIONS, seeds=1, only=("gated",), engine=engine, workers=2)
    folder = tmp_path / "study"
    before = ablate("fusion", config, options, folder)
    assert json.loads((folder / "failures.json").read_text()) == {}
    shutil.rmtree(folder / "runs" / "gated-seed0")
    (folder / "runs" / "gated-seed0").write_text("a file where a folder must be")
    finished = (folder / "runs" / "concat-seed0" / "study.json").stat().st_mtime_ns
    ablate("fusion", config, options, folder)
    assert list(json.loads((folder / "failures.json").read_text())) == ["gated-seed0"]
    (folder / "runs" / "gated-seed0").unlink()
    after = ablate("fusion", config, options, folder)
    assert json.loads((folder / "failures.json").read_text()) == {}
    assert (folder / "runs" / "concat-seed0" / "study.json").stat().st_mtime_ns == finished
    values = [study["variants"]["gated"]["measures"]["auc_any"]["value"] for study in (before, after)]
    assert values[0] == values[1]


@pytest.mark.parametrize("engine", ["ray", "slurm"])
def test_an_engine_that_is_not_installed_says_what_to_install(engine, config, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=rf"install it with: pip install '\.\[{engine}\]'"):
        ablate("loss", config, StudyOptions(engine=engine), tmp_path / "study")


def test_the_command_line_offers_studies_and_recipes(capsys):
    assert main(["ablate", "fuson"]) == 2
    assert "did you mean 'fusion'?" in capsys.readouterr().err
    assert main(["ablate", "fusion", "smal"]) == 2
    assert "did you mean 'small'?" in capsys.readouterr().err
