import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from multimodal.metrics import ranking
from multimodal.metrics.costs import CostModel, min_dcf_of
from multimodal.metrics.sorted_scores import SortedScores

# few distinct values, so that ties are common
score_lists = st.lists(st.integers(-4, 4).map(lambda value: value / 4), min_size=1, max_size=12)
RANKING_METRICS = [
    ranking.roc_auc,
    ranking.average_precision_fake,
    ranking.average_precision_real,
    lambda fake, real: ranking.equal_error_rate(fake, real).rate,
    lambda fake, real: ranking.tpr_at_fpr(fake, real, 0.2),
]
FAKE, REAL = [0.9, 0.8, 0.4], [0.6, 0.2, 0.1]


def test_roc_area_by_hand():
    # pairs won: 0.9 and 0.8 beat all three reals, 0.4 beats two of them
    assert ranking.roc_auc(FAKE, REAL) == pytest.approx(8 / 9)


def test_a_tied_pair_counts_one_half():
    assert ranking.roc_auc([0.5], [0.5]) == 0.5


def test_average_precision_of_fake_by_hand():
    # fakes stand at ranks 1, 2 and 4
    assert ranking.average_precision_fake(FAKE, REAL) == pytest.approx((1 + 1 + 3 / 4) / 3)


def test_average_precision_of_real_by_hand():
    # from below, reals stand at ranks 1, 2 and 4
    assert ranking.average_precision_real(FAKE, REAL) == pytest.approx((1 + 1 + 3 / 4) / 3)


def test_equal_error_rate_by_hand_where_a_threshold_reaches_it():
    # at 0.5 one fake of three is missed and one real of three is flagged
    assert ranking.equal_error_rate(FAKE, REAL) == pytest.approx((1 / 3, 0.5))


def test_equal_error_rate_is_read_between_two_points():
    # ROC points (0, 1/2) then (1/3, 1/2) then (1/3, 1): crossing at FPR = 1 - TPR = 1/3 on the last line
    assert ranking.equal_error_rate([0.9, 0.3], [0.5, 0.2, 0.1]).rate == pytest.approx(1 / 3)
    # (0, 1/2) then (1, 1/2) is flat: crossing at FPR = 1/2
    assert ranking.equal_error_rate([0.9, 0.1], [0.5]).rate == pytest.approx(1 / 2)


def test_tied_scores_are_one_straight_line_of_the_curve():
    assert ranking.equal_error_rate([0.5, 0.5], [0.5]).rate == pytest.approx(0.5)
    assert ranking.equal_error_rate([1, 0.5], [0.5, 0]).rate == pytest.approx(1 / 4)


def test_perfect_separation_has_no_error_and_a_threshold_in_the_middle_of_the_gap():
    assert ranking.equal_error_rate([0.8, 0.9], [0.2, 0.4]) == pytest.approx((0, 0.6))


def test_tpr_at_fpr_allows_no_false_alarm_more_than_asked_for():
    fake, real = [0.9, 0.7, 0.5, 0.3], [0.8, 0.6, 0.4, 0.2]
    assert ranking.tpr_at_fpr(fake, real, 0.0) == pytest.approx(1 / 4)
    assert ranking.tpr_at_fpr(fake, real, 0.24) == pytest.approx(1 / 4)
    assert ranking.tpr_at_fpr(fake, real, 0.25) == pytest.approx(2 / 4)
    assert ranking.tpr_at_fpr(fake, real, 1.0) == 1


@given(score_lists, score_lists)
@settings(max_examples=40, deadline=None)
def test_an_increasing_map_of_the_scores_changes_no_ranking_metric(fake, real):
    mapped = [np.exp(2 * np.asarray(scores)) + 3 for scores in (fake, real)]
    for metric in RANKING_METRICS:
        assert metric(*mapped) == pytest.approx(metric(fake, real), abs=1e-12)


@given(score_lists, score_lists)
@settings(max_examples=40, deadline=None)
def test_swapping_the_classes_and_negating_the_scores_changes_nothing(fake, real):
    turned = -np.asarray(real), -np.asarray(fake)
    assert ranking.roc_auc(*turned) == pytest.approx(ranking.roc_auc(fake, real))
    assert ranking.equal_error_rate(*turned).rate == pytest.approx(ranking.equal_error_rate(fake, real).rate)
    assert ranking.average_precision_real(*turned) == pytest.approx(ranking.average_precision_fake(fake, real))


@given(score_lists, score_lists, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_weighted_metrics_agree_with_scikit_learn_on_every_replicate(fake, real, seed):
    multiplicities = np.random.default_rng(seed).integers(0, 4, (len(fake) + len(real), 3)).astype(float)
    multiplicities[0], multiplicities[-1] = 1, 2
    labels, scores = np.repeat([1, 0], [len(fake), len(real)]), np.array(fake + real)
    counts = SortedScores(fake, real).counts(multiplicities)
    for replicate in range(3):
        weights = {"sample_weight": multiplicities[:, replicate]}
        fpr, tpr, _ = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False, **weights)
        expected = {
            ranking.roc_auc_of: sklearn_metrics.roc_auc_score(labels, scores, **weights),
            ranking.average_precision_fake_of: sklearn_metrics.average_precision_score(labels, scores, **weights),
            ranking.average_precision_real_of: sklearn_metrics.average_precision_score(
                1 - labels, -scores, **weights
            ),
            lambda c: ranking.tpr_at_fpr_of(c, 0.1): tpr[fpr <= 0.1 + 1e-12].max(),
            lambda c: min_dcf_of(c, CostModel()): (1 - tpr + 1.9 * fpr).min(),
            ranking.equal_error_rate_of: np.interp(0, fpr + tpr - 1, fpr),
        }
        for metric, value in expected.items():
            assert metric(counts)[replicate] == pytest.approx(value, abs=1e-9)


def test_weights_follow_the_identity_and_not_the_position_of_a_clip():
    ranked = SortedScores([0.1, 0.9], [0.5], fake_identity=[1, 0], real_identity=[1])
    # identity 0 (the fake at 0.9) counted three times, identity 1 once: 3 of 4 pairs won
    assert ranking.roc_auc_of(ranked.counts(np.array([[3.0], [1.0]])))[0] == pytest.approx(3 / 4)


def test_a_replicate_without_a_class_is_not_defined():
    counts = SortedScores([0.9], [0.5]).counts(np.array([[1.0], [0.0]]))
    for metric in (ranking.roc_auc_of, ranking.equal_error_rate_of, ranking.average_precision_real_of):
        assert np.isnan(metric(counts)[0])
    assert np.isnan(ranking.tpr_at_fpr_of(counts, 0.01)[0])


@pytest.mark.parametrize(
    ("fake", "real", "says"),
    [
        ([], [0.5], "without fake clips"),
        ([0.5], [], "without real clips"),
        ([np.nan, 0.5], [0.1], "1 of 2 are NaN"),
        ([np.inf], [0.1], "infinite; was a logit taken"),
        ([[0.5]], [0.1], "one score a clip"),
        (["high"], [0.1], "must be numbers"),
    ],
)
def test_scores_that_cannot_be_ranked_are_refused_with_a_guess(fake, real, says):
    with pytest.raises(ValueError, match=says):
        ranking.roc_auc(fake, real)


def test_a_false_positive_rate_in_percent_is_refused():
    with pytest.raises(ValueError, match="Percent"):
        ranking.tpr_at_fpr(FAKE, REAL, 5)
