import numpy as np
import pandas as pd
import pytest

from multimodal.metrics.minority import MinorityMeasures
from multimodal.metrics.minority_seeds import DrawnMeasures, compare_drawn, draw_measures, means_of


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
