import numpy as np
import pandas as pd
import pytest
from scipy import stats

from multimodal.metrics import evaluate_scores
from multimodal.metrics.bootstrap import IdentityResampler, Interval, precision_of
from multimodal.metrics.own_threshold import (
    caught_at,
    effective_clips,
    effective_sizes,
    least_cost,
    no_surer_than_threshold,
    share_limits,
)
from multimodal.metrics.sorted_scores import SortedScores
from multimodal.metrics.target_metrics import RANKING, with_intervals

DISTANCE = stats.norm.ppf(0.98) * np.sqrt(2)


def drawn(num_fake, num_real, seed):
    rng = np.random.default_rng(seed)
    return SortedScores(rng.normal(DISTANCE, 1, num_fake), rng.normal(0, 1, num_real))


def intervals(scores, seed=0, *, aware=True):
    size = len(scores.fake_rows), len(scores.real_rows)
    resampler = IdentityResampler(np.arange(sum(size)), np.repeat([1, 0], size))

    def system(multiplicities):
        counts = scores.counts(multiplicities)
        return {(name,): RANKING[name].compute(counts) for name in ("tpr_at_fpr_1pct", "min_dcf")}

    ranked = {(): scores} if aware else None
    return with_intervals(system, resampler, precision_of(resampler), replicates=100, seed=seed, ranked=ranked)


def test_limits_of_a_share_are_those_of_clopper_and_pearson():
    for seen, clips in ((0, 10), (3, 10), (10, 10), (1, 400)):
        exact = stats.binomtest(seen, clips).proportion_ci(method="exact")
        assert share_limits(seen / clips, clips) == pytest.approx((exact.low, exact.high))


def test_clips_of_one_identity_count_as_one_if_they_are_alike_and_as_all_if_they_are_not():
    alike = np.repeat(np.arange(20), 5)
    assert effective_clips(alike, np.arange(101)) == pytest.approx(20, abs=2)
    evenly = np.tile(np.arange(20), 5)
    assert effective_clips(evenly, np.arange(101)) == pytest.approx(100)
    assert effective_clips(np.zeros(9, dtype=int), np.arange(10)) == 1


def test_equal_scores_have_one_rank_whatever_their_order():
    tied = np.array([0, 3, 3, 6])
    for identity in ([0, 1, 2, 0, 1, 2], [2, 1, 0, 2, 0, 1]):
        assert effective_clips(np.array(identity), tied) == pytest.approx(6)


def test_with_ten_reals_the_truth_is_inside_where_the_bootstrap_alone_misses_it():
    truth = stats.norm.cdf(DISTANCE + stats.norm.ppf(0.01))
    inside = {True: 0, False: 0}
    for seed in range(40):
        scores = drawn(200, 10, seed)
        for aware in inside:
            _, low, high, _ = intervals(scores, seed, aware=aware)["tpr_at_fpr_1pct",]
            inside[aware] += low <= truth <= high
    assert inside[False] < 28
    assert inside[True] >= 37


def test_with_many_reals_the_threshold_adds_little():
    scores = drawn(500, 4000, 0)
    alone, both = (intervals(scores, aware=aware) for aware in (False, True))
    for name in both:
        wide, narrow = both[name].high - both[name].low, alone[name].high - alone[name].low
        assert narrow <= wide < 1.2 * narrow


def test_the_cost_is_as_sure_as_both_errors_at_its_threshold():
    scores = SortedScores([3.0, 4.0, 5.0, 6.0, 0.5], [0.0, 1.0, 2.0, 2.5])  # none flagged, one of five missed
    low, high = least_cost(0.2, scores)
    assert high == pytest.approx(0.2 + np.hypot(share_limits(0.2, 5)[1] - 0.2, 1.9 * share_limits(0, 4)[1]))
    assert low == pytest.approx(0.2 - (0.2 - share_limits(0.2, 5)[0]))


def test_what_is_caught_reaches_to_the_least_and_most_false_alarms_that_the_threshold_may_give():
    scores = drawn(10_000, 10, 0)  # of so many fakes the share that is caught is all but certain
    low, high = stats.norm.ppf(caught_at(0.01)(0.9, scores))
    least, most = stats.norm.ppf(stats.beta.ppf([0.025, 0.975], 1, 10))
    rate, value = stats.norm.ppf([0.01, 0.9])
    assert (low, high) == pytest.approx((value - (most - rate), value + (rate - least)), abs=0.01)
    assert effective_sizes(scores) == (10_000, 10)


def test_what_has_no_interval_or_lies_at_an_end_stays_as_it_is():
    scores = drawn(20, 20, 0)
    for found in (Interval(0.5), Interval(1.0, 0.6, 1.0), Interval(None, reason="why")):
        assert no_surer_than_threshold(found, caught_at(0.01), scores) == found


def test_methods_and_their_mean_are_no_surer_than_the_threshold_that_they_share():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "any_fake": np.repeat([0, 1], [10, 60]),
            "method": [None] * 10 + ["one", "two"] * 30,
            "score_any": stats.norm.cdf(np.concatenate([rng.normal(-1, 1, 10), rng.normal(1, 1, 60)])),
        }
    )
    report = evaluate_scores(table, replicates=100)
    parts = [report["per_method"]["any"][name]["tpr_at_fpr_1pct"] for name in ("one", "two")]
    mean = report["macro_over_methods"]["any"]["tpr_at_fpr_1pct"]
    assert mean["low"] <= np.mean([part["low"] for part in parts])
    assert mean["high"] >= np.mean([part["high"] for part in parts])
    assert parts[0]["high"] - parts[0]["low"] > 0.5
