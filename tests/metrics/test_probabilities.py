import json

import numpy as np
import pandas as pd
import pytest

from multimodal.labels import CLASSES
from multimodal.metrics.calibration_error import ClipSums
from multimodal.metrics.costs import log_likelihood_ratios
from multimodal.metrics.prior import shares_of, smoothed_shares, stated_shares
from multimodal.metrics.probabilities import JUDGED, fit_probabilities, judge_probabilities, probabilities
from multimodal.metrics.target_metrics import PROBABILITIES

EQUAL = shares_of(dict.fromkeys(CLASSES, 0.25), video_alone=0.5, audio_alone=0.5)
LOPSIDED = np.array([0.1, 0.2, 0.3, 0.4])


def scores_table(clips=4000, seed=0, overconfident=1.0):
    """Posteriors that are true where classes are equally common, on clips where they are not."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, clips, p=LOPSIDED)
    evidence = rng.normal(0, 1, (clips, 4)) + 1.5 * np.eye(4)[truth]
    likelihood = np.exp(1.5 * overconfident * evidence)
    posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
    video, audio = posterior[:, 2] + posterior[:, 3], posterior[:, 1] + posterior[:, 3]
    columns = {f"p_{name}": posterior[:, index] for index, name in enumerate(CLASSES)}
    return pd.DataFrame(
        {
            "identity": [f"id{row % 50}" for row in range(clips)],
            "av_class": np.array(CLASSES)[truth],
            "any_fake": pd.array((truth > 0).astype(int), dtype="Int8"),
            "video_fake": pd.array(truth // 2, dtype="Int8"),
            "audio_fake": pd.array(truth % 2, dtype="Int8"),
            "score_any": 1 - posterior[:, 0],
            "score_video": video,
            "score_audio": audio,
            "head_video": video,
            "head_audio": audio,
            **columns,
        }
    )


def test_a_prior_correction_makes_balanced_posteriors_true_where_classes_are_not():
    calibration = fit_probabilities(scores_table(seed=1), EQUAL)
    judged = judge_probabilities(scores_table(seed=2), calibration, replicates=0)["any"]
    assert judged["raw"]["ece"]["value"] > 0.04
    assert judged["prior"]["ece"]["value"] < 0.02
    assert judged["prior"]["log_loss"]["value"] < judged["raw"]["log_loss"]["value"]


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_calibration_on_validation_helps_an_overconfident_detector_on_test(method):
    calibration = fit_probabilities(scores_table(seed=1, overconfident=3), EQUAL)
    judged = judge_probabilities(scores_table(seed=2, overconfident=3), calibration, replicates=0)
    for name in ("any", "video", "audio"):
        for metric in ("ece", "brier", "log_loss", "cllr"):
            assert judged[name][method][metric]["value"] < judged[name]["raw"][metric]["value"], (name, metric)


def test_a_stated_share_of_fakes_moves_the_mean_probability_to_it():
    calibration = fit_probabilities(scores_table(seed=1), EQUAL, fake_prior=0.01)
    test = scores_table(seed=2)
    said = probabilities(test, calibration, "platt")["any"].to_numpy()
    fake = test["any_fake"].to_numpy() == 1
    mean_where_one_in_a_hundred_is_fake = 0.01 * said[fake].mean() + 0.99 * said[~fake].mean()
    assert mean_where_one_in_a_hundred_is_fake == pytest.approx(0.01, abs=0.003)
    floor = judge_probabilities(test, calibration, replicates=0)["any"]["floor"]
    assert floor["brier"] == pytest.approx(0.01 * 0.99)


def without_sound(table, clips):
    """The same, where the first clips lack sound: no posterior, and the picture's own head is the score."""
    table = table.copy()
    rows = table.index[:clips]
    table.loc[rows, ["head_audio", "score_audio", *(f"p_{name}" for name in CLASSES)]] = np.nan
    table.loc[rows, ["score_video", "score_any"]] = table.loc[rows, "head_video"]
    return table


@pytest.mark.parametrize("stage", ["raw", "prior", "temperature", "platt", "isotonic"])
def test_where_a_modality_is_absent_every_stage_is_that_of_the_other_s_own_head(stage):
    table = scores_table(300)
    table["head_video"] = table["head_video"] ** 2  # a head that needs a fit of its own
    table = without_sound(table, 10)
    said = probabilities(table, fit_probabilities(table, EQUAL), stage)
    assert said["audio"][:10].isna().all()
    for name in ("any", "video"):
        assert said[name][:10].tolist() == said["video_alone"][:10].tolist()
    assert (said["video"][10:] != said["video_alone"][10:]).mean() > 0.5


def test_clips_without_sound_fit_the_head_of_the_picture_and_nothing_of_both():
    fits = fit_probabilities(without_sound(scores_table(300), 50), EQUAL)["fits"]
    fitted_on = {name: fit["fake"] + fit["real"] for name, fit in fits.items()}
    assert fitted_on == {"any": 250, "video": 250, "audio": 250, "video_alone": 300, "audio_alone": 250}


def test_a_head_without_a_fit_of_its_own_leaves_clips_that_need_it_undefined_and_says_why():
    validation, test = scores_table(300, seed=1), without_sound(scores_table(300, seed=2), 10)
    validation["head_video"] = 1 - validation["head_video"]
    calibration = fit_probabilities(validation, EQUAL)
    assert probabilities(test, calibration, "platt")["video"].isna().sum() == 10
    assert "inverted" in judge_probabilities(test, calibration, replicates=0)["video"]["platt"]["reason"]


def test_a_class_missing_from_validation_leaves_calibration_undefined_with_a_reason():
    table = scores_table(300)
    calibration = fit_probabilities(table[table["any_fake"] == 1], EQUAL)
    assert "without real clips" in calibration["fits"]["any"]["platt"]["reason"]
    assert probabilities(table, calibration, "platt")["any"].isna().all()
    judged = judge_probabilities(table, calibration, replicates=0)["any"]
    assert "without real clips" in judged["platt"]["reason"]
    assert judged["prior"]["brier"]["value"] > 0
    assert calibration["prior"]["validation"]["RVRA"] > 0


def test_inverted_scores_get_no_platt_fit_and_the_reason_guesses_the_polarity():
    table = scores_table(300)
    inverted = table.assign(head_video=1 - table["head_video"])
    assert "inverted" in fit_probabilities(inverted, EQUAL)["fits"]["video_alone"]["platt"]["reason"]


def test_calibration_and_its_judgement_are_json_with_intervals():
    table = scores_table(300)
    calibration = json.loads(json.dumps(fit_probabilities(table, EQUAL), allow_nan=False))
    judged = json.loads(json.dumps(judge_probabilities(table, calibration, replicates=20), allow_nan=False))
    for stage in ("raw", "prior", "temperature", "platt", "isotonic"):
        for metric in JUDGED:
            entry = judged["video"][stage][metric]
            assert entry["low"] <= entry["value"] <= entry["high"]


def test_a_split_of_one_label_is_not_judged():
    table = scores_table(300)
    calibration = fit_probabilities(table, EQUAL)
    assert judge_probabilities(table[table["any_fake"] == 1], calibration)["any"] == {
        "reason": "not defined without both fake and real clips"
    }


def test_weights_count_clips_several_times():
    values, labels = np.array([0.8, 0.3, 0.6]), np.array([1, 0, 0])
    ratios, twice = log_likelihood_ratios(values, 0.5), [0, 1, 1, 2]
    weighted = ClipSums(values, ratios, labels, np.arange(3), 3, np.array([1.0, 2.0, 1.0])).totals(np.ones((3, 1)))
    repeated = ClipSums(values[twice], ratios[twice], labels[twice], np.arange(4), 4).totals(np.ones((4, 1)))
    for name, metric in PROBABILITIES.items():
        assert metric.compute(weighted) == pytest.approx(metric.compute(repeated)), name


def test_shares_are_refused_where_they_cannot_be():
    with pytest.raises(ValueError, match="Percent"):
        stated_shares(5, like=smoothed_shares({"RVRA": 1}))
