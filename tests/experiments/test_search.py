import dataclasses

import pandas as pd
import pytest

from experiments.ablate import ablate
from experiments.recipes import small
from experiments.runs.config import TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.settings import read_config, with_settings
from experiments.studies.search import parse_range
from experiments.studies.study import StudyOptions


def test_a_setting_is_changed_by_its_path_and_nothing_else_is():
    config = small.train()
    changed = with_settings(config, {"fit.learning_rate": 0.01})
    assert changed.fit.learning_rate == 0.01
    assert dataclasses.replace(changed, fit=config.fit) == config
    assert with_settings(config, {"fusion.options.width": 64}).fusion.options == {"width": 64}


def test_an_unknown_setting_and_a_range_that_cannot_be_read_are_refused():
    with pytest.raises(ValueError, match="unknown setting 'learning_rat'; did you mean 'learning_rate'"):
        with_settings(small.train(), {"fit.learning_rat": 0.1})
    for text in ("fit.steps=3", "fit.steps=9:3", "fit.learning_rate=0:1:log", "fit.steps=a:b", "fit.steps=1:2:3"):
        with pytest.raises(ValueError, match=f"cannot read the range '{text}'"):
            parse_range(text)


def test_a_range_is_of_whole_numbers_where_both_bounds_are():
    assert [type(bound) for bound in parse_range("fit.steps=1:9")[1:3]] == [int, int]
    assert [type(bound) for bound in parse_range("loss.gamma=0:2.0")[1:3]] == [int, float]


def test_a_search_goes_on_where_it_stopped_and_never_scores_the_test_split(run, tmp_path):
    pytest.importorskip("optuna", reason="the extra search is not installed")
    config = read_config(RunFolder(run).config, TrainConfig)
    config = dataclasses.replace(config, fit=dataclasses.replace(config.fit, steps=1, validate_every=1))
    space = ("fit.learning_rate=1e-4:1e-2:log", "fusion.options.width=16|32", "fit.steps=1:2")
    options = StudyOptions(only=("concat",), search="optuna", space=space, trials=2, workers=1)
    ablate("fusion", config, options, tmp_path / "search")
    found = ablate("fusion", config, dataclasses.replace(options, trials=3), tmp_path / "search")
    table = pd.read_csv(tmp_path / "search" / "trials.csv")
    assert (found["trials"], len(table)) == (3, 3)
    assert found["value"] == pytest.approx(table["value"].max())
    best = read_config(tmp_path / "search" / "best.json", TrainConfig)
    assert best.fit.learning_rate == found["settings"]["fit.learning_rate"]
    assert best.fit.steps in (1, 2)
    with pytest.raises(ValueError, match=r"holds a study of other settings; give a new --out"):
        ablate("fusion", config, dataclasses.replace(options, only=("gated",)), tmp_path / "search")
    for trial in (tmp_path / "search" / "trials").iterdir():
        assert set(pd.read_parquet(trial / "scores.parquet")["split"]) == {"val"}


def test_a_search_wants_one_variant_a_space_and_optuna(run, tmp_path, monkeypatch):
    config = read_config(RunFolder(run).config, TrainConfig)
    with pytest.raises(ValueError, match="a search is for one variant; give --only one of score, concat"):
        ablate("fusion", config, StudyOptions(search="optuna"), tmp_path / "search")
    with pytest.raises(ValueError, match="nothing to search; give --space"):
        ablate("fusion", config, StudyOptions(search="optuna", only=("concat",)), tmp_path / "search")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    options = StudyOptions(search="optuna", only=("concat",), space=("fit.learning_rate=1e-4:1e-2",))
    with pytest.raises(ValueError, match=r"needs optuna; install it with: pip install '\.\[search\]'"):
        ablate("fusion", config, options, tmp_path / "search")
