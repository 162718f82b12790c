import dataclasses
import json

import pandas as pd
import pytest

from experiments.ablate import ablate_imbalance
from experiments.runs.config import BalanceConfig, TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.settings import read_config
from experiments.studies.imbalance import BALANCES
from experiments.studies.study import StudyOptions
from multimodal.corpora.manifest import GENERATED_NOTICE


@pytest.fixture(scope="module")
def config(run) -> TrainConfig:
    config = read_config(RunFolder(run).config, TrainConfig)
    return dataclasses.replace(
        config,
        fit=dataclasses.replace(config.fit, steps=1, validate_every=1),
        # a class has a handful of embeddings by an encoder of four steps here: Tomek's cleaning may leave none
        balance=BalanceConfig(neighbours=1, cleaner="undersample"),
    )


@pytest.fixture(scope="module")
def study(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "imbalance"
    options = StudyOptions(seeds=1, workers=1, replicates=20)
    return folder, ablate_imbalance(config, options, (4,), folder)


def test_every_balance_meets_every_loss_at_both_thresholds(study):
    folder, results = study
    table = pd.read_csv(folder / "table.csv")
    assert len(table) == len(BALANCES) * 3 * 2
    assert table.groupby(["fakes_per_real", "balance", "loss"])["threshold"].nunique().eq(2).all()
    assert json.loads((folder / "failures.json").read_text()) == {}
    assert results["generated"]
    assert GENERATED_NOTICE in (folder / "table.md").read_text()


def test_tuning_a_threshold_changes_no_ranking(study):
    table = pd.read_csv(study[0] / "table.csv")
    assert table.groupby(["fakes_per_real", "balance", "loss"])["auc"].nunique().eq(1).all()


def test_a_strategy_is_compared_with_plain_training_in_pairs(config, study):
    results = study[1]
    plain, *others = results["ratios"]["4"]
    assert (plain["balance"], plain["loss"], plain["differences"]) == ("none", "cross_entropy", None)
    for row in others[1:]:
        measure = row["measures"]["recall"]["value"]
        there = next(
            r for r in results["ratios"]["4"] if r["differences"] is None and r["threshold"] == row["threshold"]
        )
        assert row["differences"]["recall"]["value"] == pytest.approx(
            measure - there["measures"]["recall"]["value"]
        )


def test_losses_that_are_one_training_are_named(study):
    page = (study[0] / "report.html").read_text()
    table = pd.read_csv(study[0] / "table.csv").set_index(["balance", "threshold", "loss"])["auc"].unstack()
    same = table["focal"] == table["weighted_focal"]
    assert same.loc["class_weights"].all()
    names = "none with weighted_focal, class_weights with focal, class_weights with weighted_focal"
    assert f"One and the same training, by design: {names}" in page


def test_the_test_split_is_the_same_for_all(study):
    runs = sorted((study[0] / "runs").iterdir())
    clips = {tuple(sorted(pd.read_parquet(run / "study_scores.parquet")["clip_id"])) for run in runs}
    assert len(clips) == 1


def test_the_page_has_a_table_for_each_ratio_and_says_that_media_are_generated(study):
    page = (study[0] / "report.html").read_text()
    assert "Generated media" in page
    assert "4 fakes for each real clip" in page
    assert "plain cross entropy has F1" in page


def test_options_of_other_studies_are_refused(config, tmp_path):
    with pytest.raises(ValueError, match="--only and --baseline are for other studies"):
        ablate_imbalance(config, StudyOptions(only=("smote",)), (1,), tmp_path / "study")
