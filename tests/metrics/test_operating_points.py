import json

import numpy as np
import pandas as pd
import pytest

from multimodal.labels import CLASSES
from multimodal.metrics import evaluate_scores
from multimodal.metrics.operating_points import choose_thresholds


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
