import json

import numpy as np
import pandas as pd
import pytest

from multimodal.metrics import choose_threshold
from multimodal.metrics.threshold_rules import RULES
from multimodal.metrics.transfer import transfer_thresholds, value_at

OPTIONS = {
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
    chosen = choose_threshold("youden", fake, real, replicates=0).as_json()
    found = transfer_thresholds(stored(**chosen), scores, replicates=20)["any"]["youden"]
    assert found["offset"] == 0
    assert found["value_at_stored"] == pytest.approx(found["value_there"])
    assert found["low"] <= found["stored"] <= found["high"]


@pytest.mark.parametrize("rule", RULES)
def test_the_value_at_a_chosen_threshold_is_the_value_that_was_reported(rule):
    fake, real, options = [0.9, 0.8, 0.6, 0.3], [0.7, 0.4, 0.2, 0.1], OPTIONS.get(rule, {})
    found = choose_threshold(rule, fake, real, replicates=0, **options)
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
