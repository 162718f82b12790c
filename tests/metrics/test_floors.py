import itertools

import numpy as np
import pandas as pd
import pytest

from multimodal.labels import CLASSES
from multimodal.metrics.evaluation import evaluate_scores
from multimodal.metrics.floors import binary_floors, class_floors, expected_average_precision
from multimodal.metrics.ranking import average_precision_fake


def test_expected_average_precision_is_the_mean_over_every_order():
    orders = [
        average_precision_fake(-np.flatnonzero(order), -np.flatnonzero(1 - np.array(order)))
        for order in set(itertools.permutations([1, 1, 0, 0, 0]))
    ]
    assert expected_average_precision(2, 3) == pytest.approx(np.mean(orders))


def test_random_scores_reach_their_floor_on_average():
    rng = np.random.default_rng(2)
    labels = np.repeat([1, 0], [90, 30])
    runs = []
    for _ in range(100):
        table = pd.DataFrame({"any_fake": labels, "score_any": rng.random(120)})
        runs.append({name: entry["value"] for name, entry in evaluate_scores(table, replicates=0)["any"].items()})
    means = pd.DataFrame(runs).astype(float).mean()
    floor = binary_floors(90, 30)["random"]
    assert set(floor) == set(means.index)
    # the best of all thresholds profits from chance, and few clips in 15 bins look less calibrated than they are
    for name in set(floor) - {"min_dcf", "ece"}:
        assert means[name] == pytest.approx(floor[name], abs=0.03), name


def test_always_fake_reaches_its_floor_exactly():
    table = pd.DataFrame({"any_fake": [1] * 42 + [0], "score_any": np.ones(43)})
    found = {name: entry["value"] for name, entry in evaluate_scores(table, replicates=0)["any"].items()}
    floor = binary_floors(42, 1)["always_fake"]
    assert floor["accuracy"] == pytest.approx(42 / 43)
    for name, value in floor.items():
        if name not in ("log_loss", "cllr"):
            assert found[name] == pytest.approx(value), name


def test_there_is_no_floor_where_a_class_is_missing():
    assert binary_floors(10, 0) == {"random": {}, "always_fake": {}}
    assert class_floors(dict.fromkeys(CLASSES, 0)) == {"random": {}, "always_fake": {}}


def test_class_floors_of_always_fake_agree_with_the_evaluation():
    labels = ["RVRA"] * 2 + ["RVFA"] * 3 + ["FVRA"] * 5 + ["FVFA"] * 10
    posteriors = pd.DataFrame(0.0, index=range(20), columns=[f"p_{name}" for name in CLASSES])
    posteriors["p_FVFA"] = 1.0
    report = evaluate_scores(posteriors.assign(av_class=labels), replicates=0)
    for name, value in report["floors"]["class"]["always_fake"].items():
        assert report["class"][name]["value"] == pytest.approx(value), name
