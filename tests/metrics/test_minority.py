import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from multimodal.metrics.costs import cllr, log_likelihood_ratios
from multimodal.metrics.minority import (
    DrawnMeasures,
    MinorityMeasures,
    compare_drawn,
    draw_measures,
    f1_at,
    means_of,
)


@pytest.fixture
def scores() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [40, 120])
    return pd.DataFrame(
        {
            "any_fake": labels,
            "score_any": np.clip(generator.normal(0.4 + 0.25 * labels, 0.2), 0.001, 0.999),
            "identity": [f"person {number % 10}" for number in range(160)],
        }
    )


def measures(scores: pd.DataFrame, **options) -> MinorityMeasures:
    return MinorityMeasures(scores, **{"threshold": 0.5, "real_prior": 0.25, "learnt_fake_prior": 0.5} | options)


def once(one: MinorityMeasures) -> dict[str, float]:
    return {name: value.item() for name, value in one(np.ones((10, 1))).items()}


def test_at_the_prior_of_the_test_split_they_are_what_scikit_learn_counts(scores):
    found = once(measures(scores))
    real, called_real = scores["any_fake"] == 0, scores["score_any"] < 0.5
    assert found["recall"] == pytest.approx(recall_score(real, called_real))
    assert found["precision"] == pytest.approx(precision_score(real, called_real))
    assert found["f1"] == pytest.approx(f1_score(real, called_real))
    assert found["accuracy"] == pytest.approx((real == called_real).mean())


def test_f1_follows_from_recall_and_the_share_of_fakes_called_real(scores):
    found = once(measures(scores, real_prior=0.1))
    assert f1_at(found["recall"], found["false_real"], 0.1) == pytest.approx(found["f1"])
    # 10 of 100 are real, 5 of them found, and 9 of the 90 fakes called real: precision 5/14, recall 1/2
    assert f1_at(np.array(0.5), np.array(0.1), 0.1) == pytest.approx(2 * 5 / (14 + 10))


def test_another_prior_is_as_if_fakes_were_counted_several_times(scores):
    many = pd.concat([scores, *[scores[scores["any_fake"] == 1]] * 2], ignore_index=True)
    expected, found = once(measures(many, real_prior=0.1)), once(measures(scores, real_prior=0.1))
    assert found == pytest.approx({**expected, "ap": found["ap"]})
    assert found["recall"] == once(measures(scores))["recall"]
    assert found["precision"] < once(measures(scores))["precision"]


def test_cllr_is_that_of_the_ratios(scores):
    ratios = log_likelihood_ratios(scores["score_any"], 0.7)
    fake = scores["any_fake"].to_numpy() == 1
    assert once(measures(scores, learnt_fake_prior=0.7))["cllr"] == pytest.approx(
        cllr(ratios[fake], ratios[~fake])
    )


def test_counting_an_identity_twice_is_having_its_clips_twice(scores):
    twice = pd.concat([scores, scores[scores["identity"] == "person 3"]], ignore_index=True)
    draw = np.ones((10, 1))
    draw[3] = 2
    weighted = {name: value.item() for name, value in measures(scores)(draw).items()}
    assert weighted == pytest.approx(once(measures(twice)))


def test_recall_at_a_share_of_fakes_called_real_is_read_off_the_curve(scores):
    fake = np.sort(scores.loc[scores["any_fake"] == 1, "score_any"])
    real = scores.loc[scores["any_fake"] == 0, "score_any"]
    assert measures(scores).recall_at(0.05) == pytest.approx((real < fake[6]).mean(), abs=1 / 40)
    assert measures(scores).recall_at(1.0) == 1


def training(seed: int, gap: float = 1.5) -> MinorityMeasures:
    """Scores of 400 clips of 40 people by a training with that seed."""
    own, shared = np.random.default_rng(seed), np.random.default_rng(0)
    labels = np.arange(400) // 40 % 2
    logits = gap * (2 * labels - 1) + shared.normal(size=400) + 0.3 * own.normal(size=400)
    scores = pd.DataFrame(
        {
            "any_fake": labels,
            "score_any": 1 / (1 + np.exp(-logits)),
            "identity": [f"person {number % 40}" for number in range(400)],
        }
    )
    return MinorityMeasures(scores, threshold=0.5, real_prior=0.1, learnt_fake_prior=0.5)


def drawn(first: int, gap: float = 1.5) -> DrawnMeasures:
    return draw_measures([training(first + seed, gap) for seed in range(3)], replicates=200)


def test_every_measure_has_an_interval_calibration_too():
    for name, entry in means_of(drawn(1)).items():
        assert entry["low"] < entry["value"] < entry["high"], name


def test_the_interval_of_a_cost_may_pass_one():
    entry = means_of(drawn(1, gap=0.0))["cllr"]
    assert entry["value"] > 1
    assert 0 < entry["low"] < entry["value"] < entry["high"]


def test_a_better_training_is_told_from_chance_and_an_equal_one_is_not():
    found = compare_drawn({"plain": drawn(1), "better": drawn(11, gap=2.5), "equal": drawn(21)}, "plain")
    assert set(found) == {"better", "equal"}
    assert found["better"]["f1"]["low"] > 0
    assert found["better"]["f1"]["p_holm"] < 0.01
    assert found["better"]["cllr"]["high"] < 0
    assert found["equal"]["f1"]["low"] < 0 < found["equal"]["f1"]["high"]


def test_a_difference_in_pairs_is_surer_than_two_intervals_that_overlap():
    one, other = drawn(1), drawn(11)
    apart = [means_of(of)["recall"] for of in (one, other)]
    entry = compare_drawn({"a": one, "b": other}, "a")["b"]["recall"]
    assert entry["high"] - entry["low"] < sum(of["high"] - of["low"] for of in apart)
    assert entry["value"] == pytest.approx(apart[1]["value"] - apart[0]["value"])


def test_without_the_baseline_nothing_is_compared():
    assert compare_drawn({"a": drawn(1)}, "plain") == {}
