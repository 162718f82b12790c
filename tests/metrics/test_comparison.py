import numpy as np
import pandas as pd
import pytest

from multimodal.metrics.bootstrap import Precision, holm, paired_difference
from multimodal.metrics.comparison import COMPARED, compare, paired_test
from multimodal.metrics.perfect import Sample
from multimodal.metrics.ranking import roc_auc

RNG = np.random.default_rng(0)


def two_systems(clips=300, gain=0.8, seed=1, identities=60):
    rng = np.random.default_rng(seed)
    fake = np.arange(clips) % 2
    shared = rng.normal(0, 0.7, clips)
    tables = []
    for shift in (1 + gain, 1):
        logit = shift * (2 * fake - 1) / 2 + shared + rng.normal(0, 0.7, clips)
        tables.append(
            pd.DataFrame(
                {
                    "clip_id": [f"c{index}" for index in range(clips)],
                    "identity": [f"p{index % identities}" for index in range(clips)],
                    "any_fake": pd.array(fake, dtype="Int8"),
                    "score_any": 1 / (1 + np.exp(-logit)),
                }
            )
        )
    return tables


def against_chance(fake, real):
    """The test against a system that says the same of every clip, whose area is 1/2 and does not vary."""
    return paired_test(fake, real, np.zeros(len(fake)), np.zeros(len(real)))


def test_delong_variance_by_hand():
    # fakes beat 1 and 1/2 of the reals: variance 1/8 / 2; reals are beaten by 1 and 1/2 of the fakes: the same
    found = against_chance([3, 1], [2, 0])
    assert (found.difference, found.standard_error) == pytest.approx((0.75 - 0.5, np.sqrt(1 / 8)))


def test_delong_area_counts_ties_as_halves():
    fake, real = RNG.integers(0, 4, 30), RNG.integers(0, 4, 20)
    assert against_chance(fake, real).difference == pytest.approx(roc_auc(fake, real) - 0.5)


def test_delong_variance_is_that_of_repeated_samples():
    rng = np.random.default_rng(2)
    found = [against_chance(rng.normal(1, 1, 80), rng.normal(0, 1, 60)) for _ in range(400)]
    variance = np.mean([one.standard_error**2 for one in found])
    assert variance == pytest.approx(np.var([one.difference for one in found]), rel=0.15)


def test_paired_test_finds_no_difference_as_often_as_it_should():
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(300):
        fake, real = rng.normal(1, 1, 60), rng.normal(0, 1, 60)
        noisy = [np.concatenate([fake, real]) + rng.normal(0, 0.5, 120) for _ in range(2)]
        p_values.append(paired_test(noisy[0][:60], noisy[0][60:], noisy[1][:60], noisy[1][60:]).p_value)
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09


def test_equal_systems_have_nothing_to_test():
    assert paired_test([3, 1], [2, 0], [3, 1], [2, 0]) == (0.0, 0.0, None)


def test_delong_refuses_one_clip_of_a_class_and_unlike_sets():
    with pytest.raises(ValueError, match="two clips of each class"):
        against_chance([1], [0, 2])
    with pytest.raises(ValueError, match="the same clips"):
        paired_test([1, 2], [0, 1], [1, 2, 3], [0, 1])


def test_holm_by_hand():
    # 0.01 * 4, 0.02 * 3, then 0.03 * 2 = 0.06 and 0.04 * 1 lifted to it
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([None, 0.03]) == [None, 0.03]
    assert holm([]) == []


def test_a_paired_difference_is_student_s():
    found = paired_difference(0.2, np.array([0.1, 0.3] * 50), Precision(10, 1.0, Sample((11,), (11,))))
    error = np.std([0.1, 0.3] * 50, ddof=1)
    assert (found.high - found.low) / 2 == pytest.approx(2.228139 * error)
    assert found.p_value == pytest.approx(0.0739, abs=2e-3)


def test_a_difference_that_cannot_be_tested_says_why():
    good = Precision(10, 1.0, Sample((11,), (11,)))
    assert "not defined" in paired_difference(float("nan"), np.zeros(9), good).reason
    assert "same in every replicate" in paired_difference(0.0, np.zeros(9), good).reason
    assert "tenth" in paired_difference(0.1, np.array([np.nan, 0.1, 0.2]), good).reason
    assert (
        "one identity"
        in paired_difference(0.1, np.zeros(9), Precision(0, 1, Sample((1,), (1,)), "one identity only")).reason
    )


def test_a_better_system_is_found_better():
    report = compare(*two_systems(), replicates=200)["any"]
    assert set(report["metrics"]) == set(COMPARED)
    area = report["metrics"]["auc"]
    assert area["difference"] == pytest.approx(area["a"] - area["b"])
    assert 0 < area["low"] < area["difference"] < area["high"]
    assert area["p_value"] < 0.01
    assert area["p_holm"] == area["p_value"]
    assert not area["exploratory"]
    assert area["detectable"] < area["difference"]
    other = report["metrics"]["eer"]
    assert other["exploratory"]
    assert other["p_value"] <= other["p_holm"] <= 5 * other["p_value"]
    assert report["delong"]["p_value"] < 0.01
    assert report["counts"] == {"fake": 150, "real": 150, "identities": 60, "not_judged_by_both": 0}


def test_the_primary_metric_is_named_and_another_can_be():
    metrics = compare(*two_systems(), replicates=50, primary="eer")["any"]["metrics"]
    assert [name for name, entry in metrics.items() if not entry["exploratory"]] == ["eer"]
    with pytest.raises(ValueError, match="unknown primary metric 'area'"):
        compare(*two_systems(), replicates=50, primary="area")


def test_comparing_the_other_way_round_changes_the_sign_alone():
    first, second = two_systems()
    there, back = (
        compare(a, b, replicates=50)["any"]["metrics"]["auc"] for a, b in ((first, second), (second, first))
    )
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["p_value"] == pytest.approx(back["p_value"])


def test_without_a_bootstrap_differences_have_no_interval_and_say_why():
    area = compare(*two_systems(), replicates=0)["any"]["metrics"]["auc"]
    assert area["difference"] == pytest.approx(area["a"] - area["b"])
    assert area["low"] is None
    assert area["reason"] == "no bootstrap was asked for"


def test_clips_are_paired_by_name_and_not_by_row():
    first, second = two_systems()
    shuffled = second.sample(frac=1, random_state=4)
    assert compare(first, shuffled, replicates=50) == compare(first, second, replicates=50)


def test_clips_that_one_system_could_not_judge_are_left_out_of_both_and_counted():
    first, second = two_systems()
    first.loc[:4, "score_any"] = np.nan
    second.loc[5:7, "score_any"] = np.nan
    report = compare(first, second, replicates=20)["any"]
    assert report["counts"]["not_judged_by_both"] == 8
    assert report["counts"]["fake"] + report["counts"]["real"] == 292


def test_systems_with_scores_of_different_kinds_are_compared_in_what_both_have():
    first, second = two_systems()
    ranks = second.assign(score_any=10 * second["score_any"])
    report = compare(first, ranks, kinds=("probability", "score"), replicates=20)["any"]["metrics"]
    assert set(report) == set(COMPARED) - {"balanced_accuracy"}


def test_tables_that_cannot_be_paired_are_refused():
    first, second = two_systems(clips=20)
    with pytest.raises(ValueError, match=r"A has 1 clips that B lacks.*c19"):
        compare(first, second.iloc[:-1])
    with pytest.raises(ValueError, match=r"disagree on any_fake of 20 clips.*polarity"):
        compare(first, second.assign(any_fake=1 - second["any_fake"]))
    with pytest.raises(ValueError, match=r"B repeat a clip, e.g. c0"):
        compare(first, pd.concat([second, second.iloc[:1]]))
    with pytest.raises(ValueError, match="no clip_id"):
        compare(first.drop(columns="clip_id"), second)
    with pytest.raises(ValueError, match="share no target"):
        compare(first, second.rename(columns={"score_any": "score_video"}))
    with pytest.raises(ValueError, match="both fake and real clips"):
        compare(first[first["any_fake"] == 1], second[second["any_fake"] == 1])
