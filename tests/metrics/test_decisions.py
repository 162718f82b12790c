import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from multimodal.metrics import decisions as d
from multimodal.metrics.checks import as_labels, by_label

# 10 fakes to 2 reals, everything but one called fake
LOPSIDED = d.decide([0.9] * 9 + [0.1], [0.8, 0.7], threshold=0.5)
METRICS = [d.accuracy, d.recall, d.precision, d.balanced_accuracy, d.f_beta]


def test_decisions_by_hand():
    assert [float(count) for count in LOPSIDED] == [9, 1, 2, 0]
    assert d.accuracy(LOPSIDED) == pytest.approx(9 / 12)
    assert d.precision(LOPSIDED) == pytest.approx(9 / 11)
    assert d.recall(LOPSIDED) == pytest.approx(9 / 10)
    assert d.balanced_accuracy(LOPSIDED) == pytest.approx((9 / 10 + 0) / 2)
    assert d.f_beta(LOPSIDED) == pytest.approx(18 / 21)
    assert d.f_beta(LOPSIDED, beta=2) == pytest.approx(5 * 9 / (5 * 9 + 4 * 1 + 2))


def test_the_same_decisions_seen_from_the_class_real():
    real = LOPSIDED.seeking_real()
    assert d.recall(real) == 0
    assert d.precision(real) == 0
    assert d.f_beta(real) == 0


def test_a_score_on_the_threshold_is_called_fake():
    assert d.decide([0.5], [0.5], 0.5).fake_called_fake == 1
    assert d.decide([0.5], [0.5], 0.5).real_called_fake == 1


def test_precision_is_not_defined_where_nothing_is_flagged_and_f1_is_zero():
    nothing = d.decide([0.1], [0.2], 0.5)
    assert np.isnan(d.precision(nothing))
    assert d.f_beta(nothing) == 0


def test_metrics_of_an_absent_class_are_not_defined():
    only_real = d.decide([], [0.2, 0.9], 0.5)
    assert np.isnan(d.recall(only_real))
    assert np.isnan(d.f_beta(only_real))
    assert np.isnan(d.precision(only_real))
    assert np.isnan(d.precision(d.decide([0.2, 0.9], [], 0.5)))
    assert np.isnan(d.balanced_accuracy(only_real))
    assert d.accuracy(only_real) == 0.5


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_binary_metrics_agree_with_scikit_learn(clips):
    labels, calls = (np.array(column, dtype=int) for column in zip(*clips, strict=True))
    found = d.decide(*by_label(labels, calls), threshold=0.5)
    expected = {
        d.accuracy: sklearn_metrics.accuracy_score(labels, calls),
        d.recall: sklearn_metrics.recall_score(labels, calls, zero_division=np.nan),
    }
    if 0 < labels.sum() < len(labels):  # with one class alone, scikit-learn says 0 or 1 and we say nothing
        expected[d.precision] = sklearn_metrics.precision_score(labels, calls, zero_division=np.nan)
        expected[d.f_beta] = sklearn_metrics.f1_score(labels, calls)
        expected[lambda x: d.f_beta(x, 0.5)] = sklearn_metrics.fbeta_score(labels, calls, beta=0.5)
        expected[d.balanced_accuracy] = sklearn_metrics.balanced_accuracy_score(labels, calls)
    for metric, value in expected.items():
        assert metric(found) == pytest.approx(value, abs=1e-9, nan_ok=True)


def test_four_class_metrics_agree_with_scikit_learn():
    rng = np.random.default_rng(3)
    posteriors, labels = rng.dirichlet(np.ones(4), 60), np.arange(60) % 4
    counts, calls = d.confusion(labels, posteriors), posteriors.argmax(axis=1)
    assert counts.sum() == 60
    assert counts[2, 1] == ((labels == 2) & (calls == 1)).sum()
    assert d.multiclass_accuracy(counts) == pytest.approx(sklearn_metrics.accuracy_score(labels, calls))
    balanced = sklearn_metrics.balanced_accuracy_score(labels, calls)
    assert d.multiclass_balanced_accuracy(counts) == pytest.approx(balanced, abs=1e-9)
    assert d.macro_f1(counts) == pytest.approx(sklearn_metrics.f1_score(labels, calls, average="macro"), abs=1e-9)


def test_class_averages_are_not_defined_without_one_of_the_classes():
    counts = d.confusion([0, 1], [[0.9, 0.1, 0], [0.2, 0.8, 0]])
    assert d.multiclass_accuracy(counts) == 1
    assert np.isnan(d.multiclass_balanced_accuracy(counts))
    assert np.isnan(d.macro_f1(counts))


def test_posteriors_and_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="class indices 0 to 3"):
        d.confusion([0, 4], np.full((2, 4), 0.25))
    with pytest.raises(ValueError, match=r"posteriors \(n, classes\)"):
        d.confusion([0, 1], [0.2, 0.8])
    with pytest.raises(ValueError, match="NaN"):
        d.confusion([0], [[np.nan, 1]])


def test_a_threshold_that_is_not_defined_is_refused():
    with pytest.raises(ValueError, match="not defined when chosen"):
        d.decide([0.5], [0.1], float("nan"))
    with pytest.raises(ValueError, match="beta must be above 0"):
        d.f_beta(LOPSIDED, beta=0)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([1, -1], r"\+1/-1 labels"),
        ([1, 2], "1/2 labels"),
        (["fake", "real"], "got 'fake', 'real'"),
        ([0.1, 0.2, 0.3, 0.4, 0.7], "exchanged"),
        ([[0, 1]], "one label a clip"),
    ],
)
def test_labels_other_than_0_and_1_are_refused_with_a_guess(labels, says):
    with pytest.raises(ValueError, match=says):
        as_labels(labels)


def test_labels_and_scores_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 labels for 3 scores"):
        by_label([0, 1], [0.1, 0.2, 0.3])
