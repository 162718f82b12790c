import json

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.special import expit, logit
from sklearn import metrics as sklearn_metrics

from multimodal.metrics import calibration as c
from multimodal.metrics import evaluate_scores
from multimodal.metrics.calibration_error import (
    ClipSums,
    brier_of,
    expected_calibration_error,
    log_loss_of,
    reliability,
)
from multimodal.metrics.costs import log_likelihood_ratios
from multimodal.metrics.prior import correct_class_prior, correct_prior
from multimodal.metrics.ranking import roc_auc


def probabilities(stretch=1.0, shift=0.0, clips=4000, seed=0):
    """Fake and real scores whose logit, divided by ``stretch`` after ``shift``, is that of a true probability."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, clips)
    fake = rng.random(clips) < expit(truth)
    said = expit(stretch * truth + shift)
    return said[fake], said[~fake]


def test_temperature_undoes_overconfidence():
    found = c.fit_temperature(*probabilities(stretch=3))
    assert found.temperature == pytest.approx(3, rel=0.1)


def test_platt_undoes_scale_and_shift():
    found = c.fit_platt(*probabilities(stretch=2, shift=1))
    assert found.slope == pytest.approx(1 / 2, rel=0.1)
    assert found.intercept == pytest.approx(-1 / 2, abs=0.1)


@pytest.mark.parametrize("method", c.FITS)
def test_every_calibration_improves_the_losses_on_clips_it_was_not_fitted_on(method):
    found = c.fit_calibration(method, *probabilities(stretch=4, seed=1))
    fake, real = probabilities(stretch=4, seed=2)
    better = found.apply(fake), found.apply(real)
    labels = np.repeat([1, 0], [len(fake), len(real)])
    for loss in (sklearn_metrics.log_loss, sklearn_metrics.brier_score_loss):
        assert loss(labels, np.concatenate(better)) < loss(labels, np.concatenate([fake, real]))
    assert expected_calibration_error(*better) < expected_calibration_error(fake, real) / 2


@pytest.mark.parametrize("method", c.FITS)
def test_every_calibration_is_increasing_and_survives_json(method):
    fake, real = probabilities(stretch=2)
    found = c.fit_calibration(method, fake, real)
    grid = np.linspace(0, 1, 101)
    applied = found.apply(grid)
    assert (np.diff(applied) >= 0).all()
    assert applied.min() >= 0
    assert applied.max() <= 1
    assert np.array_equal(c.from_json(json.loads(json.dumps(c.to_json(found)))).apply(grid), applied)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_smooth_calibrations_change_no_rank(method):
    fake, real = probabilities(stretch=2, clips=300)
    found = c.fit_calibration(method, fake, real)
    assert roc_auc(found.apply(fake), found.apply(real)) == pytest.approx(roc_auc(fake, real), abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"stretch": 4, "shift": -3}, {"clips": 40, "seed": 3}])
def test_platt_is_at_the_minimum_that_scipy_finds(options):
    fake, real = probabilities(**options)
    found = c.fit_platt(fake, real)
    said = logit(np.concatenate([fake, real]))
    wanted = np.repeat([(len(fake) + 1) / (len(fake) + 2), 1 / (len(real) + 2)], [len(fake), len(real)])

    def loss(weights):
        line = weights[0] * said + weights[1]
        return (np.logaddexp(0, line) - wanted * line).mean()

    def slope(weights):
        off = expit(weights[0] * said + weights[1]) - wanted
        return np.array([(off * said).mean(), off.mean()])

    best = optimize.minimize(loss, [1.0, 0.0], jac=slope, method="BFGS", options={"gtol": 1e-11}).x
    assert [found.slope, found.intercept] == pytest.approx(best, abs=1e-6)


def test_platt_of_constant_scores_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"all 30 scores are 0\.5: there is nothing to calibrate"):
        c.fit_platt(np.full(20, 0.5), np.full(10, 0.5))


def test_the_log_loss_of_log_likelihood_ratios_is_not_clipped():
    table = pd.DataFrame({"any_fake": [1, 0, 1, 0], "score_any": [-800.0, 800.0, 0.0, 0.0]})
    found = evaluate_scores(table, kind="llr", replicates=0)["any"]["log_loss"]["value"]
    assert found == pytest.approx((800 + 800 + 2 * np.log(2)) / 4)


def test_platt_stays_finite_on_scores_that_separate_the_classes():
    found = c.fit_platt([0.8, 0.9], [0.1, 0.2])
    assert 0 < found.slope < 50
    # Platt's targets are (2 + 1) / (2 + 2) and 1 / (2 + 2)
    assert found.apply([0.1, 0.2, 0.8, 0.9]).mean() == pytest.approx(0.5)


def test_losses_agree_with_scikit_learn_in_every_replicate():
    fake, real = probabilities(clips=200)
    labels, scores = np.repeat([1, 0], [len(fake), len(real)]), np.concatenate([fake, real])
    clips = np.arange(len(labels))
    times = np.random.default_rng(1).integers(0, 4, (len(labels), 3)).astype(float)
    sums = ClipSums(scores, log_likelihood_ratios(scores, 0.5), labels, clips, len(labels))
    for replicate in range(3):
        brier, log_loss = (of(sums.totals(times))[replicate] for of in (brier_of, log_loss_of))
        weights = {"sample_weight": times[:, replicate]}
        assert brier == pytest.approx(sklearn_metrics.brier_score_loss(labels, scores, **weights), abs=1e-12)
        assert log_loss == pytest.approx(sklearn_metrics.log_loss(labels, scores, **weights), abs=1e-12)


def test_calibration_error_by_hand_and_as_the_evaluation_gives_it():
    # bins of width 1/2: said 0.2 found 1/2, said 0.9 found 1
    assert expected_calibration_error([0.3, 0.9], [0.1], num_bins=2) == pytest.approx((2 * 0.3 + 0.1) / 3)
    fake, real = probabilities(clips=300)
    table = pd.DataFrame(
        {"any_fake": np.repeat([1, 0], [len(fake), len(real)]), "score_any": np.concatenate([fake, real])}
    )
    report = evaluate_scores(table, replicates=0)["any"]
    assert report["ece"]["value"] == pytest.approx(expected_calibration_error(fake, real), abs=1e-12)


def test_reliability_points_by_hand():
    points = reliability([0.3, 0.9, 1.0], [0.1], num_bins=2)
    assert points.num_clips.tolist() == [2, 2]
    assert points.probability == pytest.approx([0.2, 0.95])
    assert points.share == pytest.approx([0.5, 1.0])
    # Wilson for two of two: low = 1 / (1 + z^2 / 2)
    assert points.low[1] == pytest.approx(1 / (1 + 1.959964**2 / 2), abs=1e-6)
    assert points.high[1] == 1


def test_prior_correction_by_hand():
    # odds 3 at even classes become 3 / 9 at a tenth of fakes
    assert correct_prior([0.75], assumed=0.5, wanted=0.1) == pytest.approx(1 / 4)
    assert correct_prior([0.2], assumed=0.3, wanted=0.3) == pytest.approx(0.2)


def test_prior_correction_is_a_shift_of_the_logit_and_can_be_undone():
    values = np.linspace(0.05, 0.95, 9)
    moved = correct_prior(values, assumed=0.5, wanted=0.02)
    assert logit(moved) - logit(values) == pytest.approx(np.full(9, logit(0.02)))
    assert correct_prior(moved, assumed=0.02, wanted=0.5) == pytest.approx(values)


def test_prior_correction_restores_probabilities_after_balanced_training():
    rng = np.random.default_rng(5)
    fake = rng.random(20000) < 0.05
    scores = rng.normal(np.where(fake, 1.0, -1.0), 1.0)
    balanced = expit(2 * scores)
    corrected = correct_prior(balanced, assumed=0.5, wanted=0.05)
    assert expected_calibration_error(balanced[fake], balanced[~fake]) > 0.1
    assert expected_calibration_error(corrected[fake], corrected[~fake]) < 0.01


def test_class_prior_correction_by_hand():
    found = correct_class_prior([[0.4, 0.3, 0.2, 0.1]], assumed=[0.25] * 4, wanted=[0.1, 0.2, 0.3, 0.4])
    assert found[0] == pytest.approx(np.array([0.04, 0.06, 0.06, 0.04]) / 0.2)


def test_a_class_ruled_out_has_no_probability_left():
    found = correct_class_prior([[0.5, 0.5, 0], [1, 0, 0]], assumed=[0.4, 0.4, 0.2], wanted=[0, 0.5, 0.5])
    assert found.tolist() == [[0, 1, 0], [0, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: c.fit_calibration("beta", [0.9], [0.1]), "unknown calibration 'beta'; choose from isotonic"),
        (lambda: c.fit_platt([0.1, 0.2], [0.8, 0.9]), "Is the polarity inverted"),
        (lambda: c.fit_temperature([3.0], [-2.0]), "logits"),
        (lambda: c.fit_isotonic([], [0.1]), "without fake clips"),
        (lambda: c.from_json({"method": "beta"}), "not a stored calibration"),
        (lambda: reliability([0.5], [0.1], num_bins=0), "num_bins"),
        (lambda: expected_calibration_error([], []), "without clips"),
        (lambda: correct_prior([0.5], assumed=0.5, wanted=42), "shares that sum to 1"),
        (lambda: correct_class_prior([[0.5, 0.5]], assumed=[1, 0], wanted=[0.5, 0.5]), "never seen in training"),
        (lambda: correct_class_prior([[2.0, -1.0]], assumed=[0.5, 0.5], wanted=[0.5, 0.5]), "logits"),
        (lambda: correct_class_prior([[0.5, 0.5]], assumed=[1.0], wanted=[0.5, 0.5]), "as many shares"),
        (lambda: correct_class_prior([[0.5, 0.5]], assumed=[10, 20], wanted=[0.5, 0.5]), "Divide"),
    ],
)
def test_wrong_calibrations_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()
