import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from multimodal.labels import CLASSES
from multimodal.metrics import evaluate_scores, ranking
from multimodal.metrics.bootstrap import Precision, interval
from multimodal.metrics.costs import min_dcf
from multimodal.metrics.minority import MINORITY_MEASURES, MinorityMeasures, draw_measures, means_of
from multimodal.metrics.perfect import (
    ACCURACY,
    ACT_DCF,
    AREA,
    BALANCED_ACCURACY,
    EQUAL_ERROR_RATE,
    MACRO_F1,
    MIN_DCF,
    OPEN_COST,
    Sample,
    average_precision,
    f_measure,
    fakes_caught,
    precision,
    share_of,
    smallest_distance,
)
from multimodal.metrics.seeds import judge_seeds
from multimodal.metrics.target_metrics import CLASS_METRICS, METRICS, PROBABILITIES

TWENTY = Sample((20, 20), (20, 20))
RARE = Sample((20, 40), (40, 800))


def test_average_precision_error_rate_and_cost_are_those_of_the_same_two_distributions():
    distance = smallest_distance(20, 40, 0.025)
    real, fake = (norm.ppf((np.arange(clips) + 0.5) / clips) for clips in (2_000, 40_000))  # the shares of RARE
    fake = fake + distance
    seen = {
        AREA.at_one: ranking.roc_auc(fake, real),
        average_precision(1).at_one: ranking.average_precision_fake(fake, real),
        average_precision(0).at_one: ranking.average_precision_real(fake, real),
        EQUAL_ERROR_RATE.at_zero: ranking.equal_error_rate(fake, real).rate,
        MIN_DCF.at_zero: min_dcf(fake, real),
        fakes_caught(0.01).at_one: ranking.tpr_at_fpr(fake, real, 0.01),
    }
    for worst, value in seen.items():
        assert worst(RARE, 0.025) == pytest.approx(value, abs=0.005)


def test_at_the_bound_a_perfect_ranking_is_seen_as_often_as_promised():
    distance, rng = smallest_distance(10, 20, 0.2), np.random.default_rng(1)
    lowest_fake = rng.normal(distance, 1, (4000, 20)).min(axis=1)
    assert (lowest_fake > rng.normal(0, 1, (4000, 10)).max(axis=1)).mean() == pytest.approx(0.2, abs=0.025)
    spared = smallest_distance(200, 20, 0.2, spared=2)
    third = np.sort(rng.normal(0, 1, (4000, 200)), axis=1)[:, -3]
    above = rng.normal(spared, 1, (4000, 20)).min(axis=1) > third
    assert above.mean() == pytest.approx(0.2, abs=0.025)


def test_what_is_made_of_shares_takes_the_worst_that_both_labels_allow_together():
    alone, together = 0.025 ** (1 / 20), 0.025 ** (1 / 40)
    assert share_of(1).at_one(RARE, 0.025) == pytest.approx(together)
    assert BALANCED_ACCURACY.at_one(TWENTY, 0.025) == pytest.approx(together, abs=1e-4)
    assert ACCURACY.at_one(TWENTY, 0.025) == pytest.approx(together, abs=1e-4)
    assert BALANCED_ACCURACY.at_one(Sample((5, 500), (5, 500)), 0.025) == pytest.approx(
        (1 + 0.025 ** (1 / 5)) / 2, abs=0.01
    )
    assert f_measure(0).at_one(RARE, 0.025) < alone < f_measure(1).at_one(RARE, 0.025)
    assert ACCURACY.at_one(Sample((20, 0), (20, 0)), 0.025) == pytest.approx(alone)
    assert MACRO_F1.at_one(TWENTY, 0.025) == pytest.approx(together, abs=0.01)
    # an error of 10 % at most costs the fakes, of which a missed one costs ten times a flagged real, the most
    assert ACT_DCF.at_zero(TWENTY, 0.025) >= 10 / 19 * 20 / 10 * (1 - alone) / 2


def test_the_precision_of_few_that_were_found_is_less_sure():
    everything, few = (precision(0, found).at_one(RARE, 0.025) for found in (1.0, 0.1))
    assert few < everything < 0.5  # 40 reals beside 800 fakes, of which 9 % may be called real


def test_a_loss_of_nothing_has_no_interval_for_the_next_error_may_cost_anything():
    ten = Precision(9, 1.0, Sample((10, 10), (10, 10)))
    found = interval(0.0, np.zeros(50), ten, bounds=OPEN_COST)
    assert found.high is None
    assert "cannot be seen" in found.reason


def test_limits_reach_as_far_as_the_replicates_of_a_value_at_the_end():
    drawn = np.repeat([0.0, 1.0], [60, 40])  # one real above all fakes: drawn, nothing is caught
    found = interval(0.0, drawn, Precision(19, 1.0, TWENTY), bounds=fakes_caught(0.01))
    assert (found.low, found.high) == (0, 1)


def test_half_of_a_balanced_accuracy_that_is_always_right_does_not_count_as_certain():
    clips = table(swapped=False, spread=0.3).query("av_class in ('RVRA', 'FVFA')").reset_index(drop=True)
    wrong = np.flatnonzero(clips["any_fake"] == 1)[::6]  # every other person has one fake called real
    clips.loc[wrong, "score_any"] = 0.1
    report = evaluate_scores(clips, replicates=60)["any"]
    both, fake, real = (report[name] for name in ("balanced_accuracy", "recall", "recall_real"))
    assert real["value"] == 1
    halves = ((fake["value"] - fake["low"]) ** 2 + (1 - real["low"]) ** 2) ** 0.5 / 2
    assert both["low"] == pytest.approx(both["value"] - halves)
    assert halves > 0.08


def table(swapped, spread):
    """Twenty people of three clips of each class, all told apart, but for one pair that changes places."""
    rng = np.random.default_rng(0)
    classes = np.tile(np.repeat([0, 1, 2, 3], 3), 20)
    video, audio = classes // 2, classes % 2
    p_video, p_audio = (np.abs(of - spread * rng.uniform(0.2, 1, len(of))) for of in (video, audio))
    if swapped:
        for p, of in ((p_video, video), (p_audio, audio)):
            pair = [int(np.flatnonzero(classes == 0)[7]), int(np.flatnonzero(classes == 3)[27])]
            p[pair] = p[pair[::-1]]
            assert ((p >= 0.5) != (of == 1)).sum() == 2
    posteriors = np.stack(
        [(1 - p_video) * (1 - p_audio), (1 - p_video) * p_audio, p_video * (1 - p_audio), p_video * p_audio]
    )
    return pd.DataFrame(
        {
            "clip_id": [f"made/{index}.mp4" for index in range(len(classes))],
            "split": "test",
            "identity": [f"id{index // 12}" for index in range(len(classes))],
            "method": np.array(["real", "rtvc", "wav2lip", "both"])[classes],
            "av_class": np.array(CLASSES)[classes],
            "video_fake": video,
            "audio_fake": audio,
            "any_fake": video | audio,
            "score_video": p_video,
            "score_audio": p_audio,
            "score_any": 1 - posteriors[0],
            **{f"p_{name}": posteriors[index] for index, name in enumerate(CLASSES)},
        }
    )


def leaves(report, path=()):
    """Every value with its interval, by its path."""
    if isinstance(report, dict) and {"value", "low"} <= set(report):
        yield path, report
    elif isinstance(report, dict):
        for key, part in report.items():
            yield from leaves(part, (*path, key))


@pytest.mark.parametrize("spread", [0.3, 0.0])
def test_the_interval_of_a_perfect_system_is_never_wider_than_with_one_pair_swapped(spread):
    rules = {"f1": {"threshold": 0.5}}
    thresholds = dict.fromkeys(("any", "video", "audio"), rules) | {"class": {"RVRA": rules}}
    perfect, almost = (
        dict(leaves(evaluate_scores(table(swapped, spread), thresholds=thresholds, replicates=60)))
        for swapped in (False, True)
    )
    ends = {path for path, entry in perfect.items() if entry["value"] in (0, 1)}
    assert len(ends) > 100
    assert {path[-1] for path in ends} >= set(METRICS) - set(PROBABILITIES) | set(CLASS_METRICS)
    assert [path for path in ends if width(perfect[path]) > width(almost[path]) + 1e-9] == []


def width(entry):
    return entry["high"] - entry["low"]


def seeds_of(errors, seeds=3):
    """Trainings that are right about 20 people of two clips each, but for ``errors`` people in the first seed."""
    clips = table(swapped=False, spread=0.3)
    clips = clips.groupby(["identity", "any_fake"], as_index=False).first()
    tables = [clips.copy() for _ in range(seeds)]
    rows = np.flatnonzero(clips["any_fake"] == 1)[:errors]
    tables[0].loc[rows, ["score_any", "score_video", "score_audio"]] = 0.01
    tables[0].loc[rows, [f"p_{name}" for name in CLASSES]] = [0.97, 0.01, 0.01, 0.01]
    return tables


def test_the_mean_over_seeds_of_perfect_trainings_is_never_surer_with_an_error_in_one_of_them():
    perfect, almost = (judge_seeds({"only": seeds_of(errors)}, "only", replicates=60)["only"] for errors in (0, 1))
    assert set(perfect) >= {"auc_any", "ap_real"}
    for measure, entry in perfect.items():
        assert entry["value"] == 1
        assert width(entry) <= width(almost[measure]) + 1e-9, measure


def test_the_minority_measures_of_perfect_trainings_are_never_surer_with_an_error_in_one_of_them():
    perfect, almost = (
        means_of(
            draw_measures(
                [
                    MinorityMeasures(one, threshold=0.5, real_prior=0.05, learnt_fake_prior=0.5)
                    for one in seeds_of(errors)
                ],
                replicates=60,
            )
        )
        for errors in (0, 1)
    )
    ends = [name for name, entry in perfect.items() if entry["value"] in (0, 1)]
    assert set(ends) == set(MINORITY_MEASURES) - {"cllr"}
    assert [name for name in ends if width(perfect[name]) > width(almost[name]) + 1e-9] == []
    assert perfect["precision"]["low"] < 0.3  # of 20 people's fakes 17 % may be called real, and reals are rare
