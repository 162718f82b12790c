import json
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.labels import CLASSES
from multimodal.metrics import decisions as d
from multimodal.metrics import evaluate_scores
from multimodal.metrics.options import RuleName
from multimodal.metrics.threshold_rules import RULES
from multimodal.metrics.thresholds import choose_threshold, choose_thresholds, transfer_thresholds, value_at

FAKE, REAL = [0.9, 0.8, 0.6, 0.3], [0.7, 0.4, 0.2, 0.1]
OPTIONS = {
    "precision_at_recall": {"recall_wanted": 0.7},
    "recall_at_precision": {"precision_wanted": 0.7},
    "target_fpr": {"fpr": 0.25},
    "least_cost": {"prior": 0.5},
}


def chosen(rule, **options):
    return choose_threshold(rule, fake_scores=FAKE, real_scores=REAL, replicates=0, **options)


def test_every_rule_can_be_named_on_a_command_line():
    assert get_args(RuleName) == tuple(RULES)


def test_f1_by_hand():
    # three fakes and one real flagged: 6 / 8; all four fakes cost two reals: 8 / 10
    assert chosen("f1")[:2] == pytest.approx((0.25, 8 / 10))


def test_a_small_beta_asks_for_precision():
    # two flagged, both right: recall 1/2; 1.01 * 2 / (1.01 * 2 + 0.01 * 2) by hand
    assert chosen("f_beta", beta=0.1)[:2] == pytest.approx((0.75, 2.02 / 2.04))


def test_youden_by_hand_takes_the_highest_of_equal_thresholds():
    # J = 1/2 after two fakes, after three fakes and a real, and after all fakes and two reals
    assert chosen("youden")[:2] == pytest.approx((0.75, 0.5))


def test_break_even_flags_as_many_as_there_are_fakes():
    assert chosen("break_even")[:2] == pytest.approx((0.5, 3 / 4))


def test_precision_at_recall_by_hand():
    assert chosen("precision_at_recall", recall_wanted=0.75)[:2] == pytest.approx((0.5, 3 / 4))


def test_recall_at_precision_by_hand():
    assert chosen("recall_at_precision", precision_wanted=0.75)[:2] == pytest.approx((0.5, 3 / 4))


def test_equal_error_rate_threshold_by_hand():
    assert chosen("eer")[:2] == pytest.approx((0.5, 1 / 4))


def test_target_fpr_by_hand():
    assert chosen("target_fpr", fpr=0.0)[:2] == pytest.approx((0.75, 1 / 2))
    assert chosen("target_fpr", fpr=0.25)[:2] == pytest.approx((0.5, 3 / 4))


def test_least_cost_by_hand():
    # a fake in twenty, ten times the cost: 0.5 * FNR + 0.95 * FPR, least after the first two fakes
    assert chosen("least_cost", prior=0.05, cost_of_missed=10)[:2] == pytest.approx((0.75, 0.25))


def test_thresholds_of_the_class_real_leave_real_below():
    # calling real what is below 0.25: two of two right, recall 1/2; below 0.75: four right of six: F1 = 0.8
    assert chosen("f1", sought="real")[:2] == pytest.approx((0.75, 8 / 10))


@pytest.mark.parametrize("rule", RULES)
def test_the_value_is_that_of_the_decisions_at_the_threshold(rule):
    options = OPTIONS.get(rule, {})
    found = chosen(rule, **options)
    point = d.Decisions(*(count[None] for count in d.decide(FAKE, REAL, found.threshold)))
    assert RULES[rule](point, **options).value[0] == pytest.approx(found.value)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=10),
    st.lists(st.integers(0, 9), min_size=1, max_size=10),
    st.sampled_from(["f1", "youden", "least_cost"]),
)
@settings(max_examples=50, deadline=None)
def test_no_other_threshold_is_better(fake, real, rule):
    found = choose_threshold(rule, fake_scores=fake, real_scores=real, replicates=0, **OPTIONS.get(rule, {}))
    if found.threshold is None:
        assert len({*fake, *real}) == 1
        return
    for threshold in np.arange(-0.5, 10.5, 0.5):
        other = d.Decisions(*(count[None] for count in d.decide(fake, real, threshold)))
        ours = d.Decisions(*(count[None] for count in d.decide(fake, real, found.threshold)))
        merit = RULES[rule]
        options = OPTIONS.get(rule, {})
        assert merit(ours, **options).objective[0] >= merit(other, **options).objective[0] - 1e-12


def test_scores_by_position_are_refused_since_their_order_cannot_be_seen():
    with pytest.raises(TypeError, match="positional"):
        choose_threshold("youden", [0, 1], [0.1, 0.9])


def test_thresholds_stand_in_the_middle_of_a_gap_even_between_the_closest_floats():
    high = np.nextafter(0.5, 1)
    found = choose_threshold("youden", fake_scores=[high], real_scores=[0.5], replicates=0)
    assert 0.5 < found.threshold <= high


def test_uncertainty_covers_the_choice_and_is_the_same_for_a_seed():
    rng = np.random.default_rng(5)
    fake, real = rng.normal(1, 1, 200), rng.normal(-1, 1, 200)
    found = choose_threshold("youden", fake_scores=fake, real_scores=real, replicates=200, seed=1)
    assert found.low <= found.threshold <= found.high
    assert found.high - found.low > 0.1
    assert found == choose_threshold("youden", fake_scores=fake, real_scores=real, replicates=200, seed=1)


def test_fewer_identities_make_a_threshold_less_certain():
    rng = np.random.default_rng(6)
    effect = rng.normal(0, 1, 10)
    who = np.arange(200) % 10
    fake, real = (mean + effect[who] + rng.normal(0, 0.3, 200) for mean in (1, -1))
    alone = choose_threshold("youden", fake_scores=fake, real_scores=real, replicates=200)
    together = choose_threshold(
        "youden", fake_scores=fake, real_scores=real, fake_identity=who, real_identity=who, replicates=200
    )
    assert together.high - together.low > alone.high - alone.low


@pytest.mark.parametrize(
    ("fake", "real", "reason"),
    [([], [0.1], "no fake clip"), ([0.1], [], "no real clip"), ([0.5, 0.5], [0.5], "all scores are 0.5")],
)
def test_a_threshold_is_not_defined_without_two_classes_or_two_scores(fake, real, reason):
    found = choose_threshold("f1", fake_scores=fake, real_scores=real)
    assert found.threshold is None
    assert found.value is None
    assert reason in found.reason
    assert "reason" in found.as_json()


def test_a_precision_out_of_reach_has_no_threshold():
    found = choose_threshold(
        "recall_at_precision", fake_scores=[0.1, 0.2], real_scores=[0.8, 0.9], precision_wanted=0.9, replicates=0
    )
    assert found.threshold is None
    assert "reaches" in found.reason


def test_one_identity_gives_a_threshold_without_an_interval_and_says_why():
    found = choose_threshold(
        "youden", fake_scores=[0.9], real_scores=[0.1], fake_identity=["ann"], real_identity=["ann"]
    )
    assert found.threshold == pytest.approx(0.5)
    assert found.low is None
    assert "one identity" in found.reason


@pytest.mark.parametrize(
    ("rule", "options", "says"),
    [
        ("f3", {}, "unknown threshold rule 'f3'; did you mean 'f1'"),
        ("f1", {"beta": 2}, "has no option 'beta'"),
        ("least_cost", {}, "needs prior="),
        ("target_fpr", {"fpr": 1.5}, "Percent"),
        ("f1", {"sought": "authentic"}, "'fake' or 'real'"),
        ("f1", {"fake_identity": ["a"]}, "or of neither"),
        ("f1", {"fake_identity": ["a"], "real_identity": ["b"]}, "1 and 1 identities for 4 fake"),
    ],
)
def test_wrong_rules_and_options_are_refused(rule, options, says):
    with pytest.raises(ValueError, match=says):
        chosen(rule, **options)


def validation_scores(clips=120):
    rng = np.random.default_rng(0)
    labels = np.arange(clips) % 4
    posteriors = rng.dirichlet(np.ones(4), clips) * 0.6 + 0.4 * np.eye(4)[labels]
    table = pd.DataFrame(posteriors, columns=[f"p_{name}" for name in CLASSES])
    return table.assign(
        split="val",
        identity=[f"id{index % 20}" for index in range(clips)],
        av_class=np.array(CLASSES)[labels],
        video_fake=labels // 2,
        audio_fake=labels % 2,
        any_fake=(labels > 0).astype(int),
        score_video=posteriors[:, 2] + posteriors[:, 3],
        score_audio=posteriors[:, 1] + posteriors[:, 3],
        score_any=1 - posteriors[:, 0],
    )


def test_thresholds_of_every_target_and_class_are_json():
    found = choose_thresholds(validation_scores(), replicates=30)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["chosen_on"] == "val"
    assert set(found["thresholds"]) == {"any", "video", "audio", *CLASSES}
    for entry in found["thresholds"].values():
        assert set(entry) == {"f1", "youden"}
        assert entry["f1"]["low"] <= entry["f1"]["threshold"] <= entry["f1"]["high"]


def test_an_evaluation_reports_the_stored_thresholds_of_targets_and_classes():
    table = validation_scores()
    stored = choose_thresholds(table, {"target_fpr": {"fpr": 0.1}}, replicates=0)["thresholds"]
    at = evaluate_scores(table.assign(split="test"), thresholds=stored, replicates=20)["at_thresholds"]
    assert set(at) == {"any", "video", "audio", *CLASSES}
    for name in ("video", "FVRA"):
        assert at[name]["target_fpr"]["recall"]["value"] == pytest.approx(stored[name]["target_fpr"]["value"])
    assert at["video"]["target_fpr"]["recall_real"]["value"] >= 0.9


def test_a_class_missing_from_validation_has_no_threshold_and_says_why():
    table = validation_scores()
    found = choose_thresholds(table[table["av_class"] != "RVRA"], replicates=0)["thresholds"]
    assert found["any"]["f1"]["threshold"] is None
    assert "no real clip" in found["any"]["f1"]["reason"]
    assert found["RVRA"]["f1"] == {**found["any"]["f1"], "reason": "no RVRA clip to choose from"}
    assert found["video"]["f1"]["threshold"] is not None


@pytest.mark.parametrize("split", ["test", "train", ["val", "test"] * 60])
def test_thresholds_are_never_chosen_on_other_scores_than_validation(split):
    with pytest.raises(ValueError, match="split val alone"):
        choose_thresholds(validation_scores().assign(split=split))


def test_a_run_without_validation_scores_or_a_wrong_rule_is_refused_before_work():
    with pytest.raises(ValueError, match="no validation scores"):
        choose_thresholds(validation_scores().iloc[:0])
    with pytest.raises(ValueError, match="unknown threshold rule 'f'"):
        choose_thresholds(validation_scores(), {"f1": {}, "f": {}})
    with pytest.raises(ValueError, match="no target"):
        choose_thresholds(validation_scores()[["split", "identity"]])
    with pytest.raises(ValueError, match="119 rows repeat a clip"):
        choose_thresholds(validation_scores().assign(clip_id="the same"))


TRANSFER_OPTIONS = {
    "precision_at_recall": {"recall_wanted": 0.7},
    "recall_at_precision": {"precision_wanted": 0.7},
    "target_fpr": {"fpr": 0.25},
    "least_cost": {"prior": 0.5},
}


def table(fake, real):
    return pd.DataFrame({"any_fake": [1] * len(fake) + [0] * len(real), "score_any": [*fake, *real]})


def stored(**entry):
    return {"rules": {"youden": {}}, "thresholds": {"any": {"youden": entry}}}


def test_a_shifted_corpus_is_seen_in_offset_value_and_verdicts():
    there = table(fake=[0.5, 0.4, 0.3], real=[0.2, 0.1])
    found = transfer_thresholds(stored(threshold=0.45), there, replicates=0)["any"]["youden"]
    assert (found["chosen_there"], found["value_there"]) == pytest.approx((0.25, 1.0))
    assert found["value_at_stored"] == pytest.approx(1 / 3)
    assert found["offset"] == pytest.approx(0.2)
    assert found["called_differently"] == pytest.approx(2 / 5)


def test_the_same_scores_transfer_without_a_loss():
    generator = np.random.default_rng(0)
    scores = table(generator.normal(0.7, 0.1, 40).clip(0, 1), generator.normal(0.4, 0.1, 40).clip(0, 1))
    fake, real = scores["score_any"][:40], scores["score_any"][40:]
    chosen = choose_threshold("youden", fake_scores=fake, real_scores=real, replicates=0).as_json()
    found = transfer_thresholds(stored(**chosen), scores, replicates=20)["any"]["youden"]
    assert found["offset"] == 0
    assert found["value_at_stored"] == pytest.approx(found["value_there"])
    assert found["low"] <= found["stored"] <= found["high"]


@pytest.mark.parametrize("rule", RULES)
def test_the_value_at_a_chosen_threshold_is_the_value_that_was_reported(rule):
    fake, real, options = [0.9, 0.8, 0.6, 0.3], [0.7, 0.4, 0.2, 0.1], TRANSFER_OPTIONS.get(rule, {})
    found = choose_threshold(rule, fake_scores=fake, real_scores=real, replicates=0, **options)
    assert value_at(rule, np.array(fake), np.array(real), found.threshold, **options) == pytest.approx(found.value)


def test_what_is_not_defined_says_why_and_is_json():
    for entry, scores in (
        ({"threshold": None, "reason": "no fake clip to choose from"}, table([0.9], [0.1])),
        ({"threshold": 0.5}, table([0.9], [])),
    ):
        found = transfer_thresholds(stored(**entry), scores, replicates=5)["any"]["youden"]
        assert found["offset"] is None
        assert "clip" in found["reason"]
        json.dumps(found, allow_nan=False)


def test_scores_of_no_common_target_are_refused():
    with pytest.raises(ValueError, match="thresholds are of any; the scores are of video only"):
        transfer_thresholds(stored(threshold=0.5), pd.DataFrame({"video_fake": [1, 0], "score_video": [0.9, 0.1]}))


def test_thresholds_and_their_transfer_do_not_depend_on_the_order_of_rows():
    scores = validation_scores()
    scores = scores.assign(clip_id=[f"c/{number}" for number in range(len(scores))])
    mixed = scores.sample(frac=1, random_state=0)
    one, other = (choose_thresholds(of, {"youden": {}}, replicates=20) for of in (scores, mixed))
    assert one == other
    assert transfer_thresholds(one, scores, replicates=20) == transfer_thresholds(one, mixed, replicates=20)
