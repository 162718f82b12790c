"""A system at the threshold of before: on clips that are changed, and in groups of people."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from multimodal.metrics.operating_point import by_group, paired_change


def scores(seed=0, clips=80, people=16, shift=1.5):
    generator = np.random.default_rng(seed)
    fake = np.arange(clips) % 2
    person = np.arange(clips) % people
    return pd.DataFrame(
        {
            "clip_id": [f"c/{number:03d}" for number in range(clips)],
            "identity": [f"p{number}" for number in person],
            "group": np.where(person % 4 < 2, "one", "other"),
            "any_fake": fake,
            "score_any": 1 / (1 + np.exp(-(generator.normal(size=clips) + shift * (fake - 0.5)))),
        }
    )


def test_a_table_against_itself_changes_by_nothing():
    table = scores()
    found = paired_change(table, table.sample(frac=1, random_state=0), "any", threshold=0.5, replicates=50)
    assert {name: one["change"]["value"] for name, one in found.items()} == dict.fromkeys(found, 0.0)
    assert found["auc"]["before"] == pytest.approx(roc_auc_score(table["any_fake"], table["score_any"]))


def test_lower_scores_keep_the_area_and_move_the_operating_point():
    table = scores()
    lower = table.assign(score_any=table["score_any"] / 2)
    found = paired_change(table, lower, "any", threshold=0.5, replicates=200)
    assert found["auc"]["change"]["value"] == 0
    before = table["score_any"] >= 0.5
    assert found["false_alarms"]["before"] == pytest.approx(before[table["any_fake"] == 0].mean())
    assert found["found"]["after"] == 0.0
    change = found["found"]["change"]
    assert change["value"] == pytest.approx(-before[table["any_fake"] == 1].mean())
    assert change["low"] < change["value"] < change["high"]


def test_noise_costs_area_and_the_interval_rules_chance_out():
    table = scores(clips=200, people=40, shift=4)
    noisy = table.assign(score_any=np.random.default_rng(1).random(len(table)))
    change = paired_change(table, noisy, "any", threshold=None, replicates=200)["auc"]["change"]
    assert change["high"] < 0


def test_a_change_of_nearly_everything_is_said_to_be_no_more_than_that():
    table = scores(clips=40, people=5, shift=20)
    table.loc[0, "score_any"] = 0.9  # a real that is called fake
    found = paired_change(table, table.assign(score_any=1.0), "any", threshold=0.5)["false_alarms"]["change"]
    assert found["value"] == pytest.approx(0.95)
    assert found["low"] < 0.95
    assert found["high"] == 1


def test_other_clips_are_refused_and_one_label_says_nothing():
    table = scores()
    with pytest.raises(ValueError, match="of other clips"):
        paired_change(table, table.head(4), "any", threshold=0.5)
    reals = table[table["any_fake"] == 0]
    assert paired_change(reals, reals, "any", threshold=0.5) is None


def test_the_group_whose_reals_are_called_fake_is_named():
    table = scores(clips=160, people=32)
    pays = (table["group"] == "other") & (table["any_fake"] == 0)
    table.loc[pays, "score_any"] = 0.4 + table.loc[pays, "score_any"] * 0.6
    found = by_group(table, "group", "any", threshold=0.5, replicates=200)
    one, other = found["groups"]["one"], found["groups"]["other"]
    reals = table[table["any_fake"] == 0]
    alarms = (reals["score_any"] >= 0.5).groupby(reals["group"]).mean()
    assert (one["false_alarms"]["value"], other["false_alarms"]["value"]) == pytest.approx(tuple(alarms))
    assert other["false_alarms"]["low"] < alarms["other"] < other["false_alarms"]["high"]
    assert (found["worst"]["group"], found["worst"]["is_clear"]) == ("other", True)
    assert found["worst"]["overall"] == pytest.approx((reals["score_any"] >= 0.5).mean())


def test_groups_of_one_label_and_people_of_one_clip_have_what_is_defined():
    table = scores(clips=24, people=12)
    found = by_group(table, "identity", "any", threshold=0.5, replicates=20)["groups"]
    assert {of["auc"]["value"] for of in found.values()} == {None}  # a person has one label here
    assert found["p0"]["false_alarms"]["low"] is None
    assert found["p1"]["false_alarms"]["value"] is None
