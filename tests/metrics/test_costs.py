import numpy as np
import pytest

from multimodal.metrics import costs

# pushed through ASVspoof 5's rules by hand, with its polarity turned: ratios of fake against real
FAKE, REAL = [3.0, 1.0, 0.5, -1.0], [0.6, 0.0, -1.0, -2.0, -3.0]


def test_the_default_model_is_that_of_asvspoof5():
    # 10 * 0.05 = 0.5 for a missed fake, 1 * 0.95 for a flagged real, divided by the lesser
    assert costs.ASVSPOOF5.weights == pytest.approx((1.0, 1.9))
    assert costs.ASVSPOOF5.threshold == pytest.approx(np.log(1.9))


def test_min_dcf_by_hand():
    # after 3.0 and 1.0: two of four missed, none flagged: 0.5; flagging 0.6 costs 1.9 / 5 and wins 0.25 with 0.5
    assert costs.min_dcf(FAKE, REAL) == pytest.approx(0.5)
    assert costs.min_dcf([2, 1], [0, -1]) == 0


def test_min_dcf_of_scores_that_say_nothing_is_one():
    assert costs.min_dcf([0.5] * 3, [0.5] * 4) == pytest.approx(1.0)


def test_act_dcf_by_hand():
    # log 1.9 = 0.642: 0.5 and -1.0 are missed, no real reaches it
    assert costs.act_dcf(FAKE, REAL) == pytest.approx(0.5)
    # shifted by 0.1 the real at 0.7 is flagged: 2 / 4 + 1.9 * 1 / 5
    assert costs.act_dcf(np.add(FAKE, 0.1), np.add(REAL, 0.1)) == pytest.approx(0.5 + 1.9 / 5)


def test_act_dcf_depends_on_the_scale_and_min_dcf_does_not():
    shifted = np.add(FAKE, 10), np.add(REAL, 10)
    assert costs.min_dcf(*shifted) == pytest.approx(costs.min_dcf(FAKE, REAL))
    assert costs.act_dcf(*shifted) == pytest.approx(1.9)


def test_cllr_by_hand():
    assert costs.cllr([0.0], [0.0]) == pytest.approx(1.0)
    # log2(1 + e^-ln 3) = log2(4/3) for the fake, log2(1 + e^ln 1) = 1 for the real
    assert costs.cllr([np.log(3)], [0.0]) == pytest.approx((np.log2(4 / 3) + 1) / 2)


def test_cllr_of_certain_and_wrong_ratios_is_large_and_finite():
    assert costs.cllr([-1000.0], [1000.0]) == pytest.approx(1000 / np.log(2))


def test_the_definitions_of_asvspoof5_in_its_own_polarity_give_the_same():
    rng = np.random.default_rng(4)
    fake, real = rng.normal(1, 1, 40), rng.normal(-1, 1, 30)
    bona_fide, spoof = -real, -fake
    beta = 1 * (1 - 0.05) / (10 * 0.05)
    missed = (bona_fide < -np.log(beta)).mean()
    accepted = (spoof >= -np.log(beta)).mean()
    assert costs.act_dcf(fake, real) == pytest.approx((0.95 * missed + 0.5 * accepted) / 0.5, abs=1e-12)
    every = np.concatenate([[-np.inf], np.sort(np.concatenate([bona_fide, spoof])), [np.inf]])
    least = min(0.95 * (bona_fide < t).mean() + 0.5 * (spoof >= t).mean() for t in every)
    assert costs.min_dcf(fake, real) == pytest.approx(least / 0.5, abs=1e-12)


def test_probabilities_become_ratios_by_taking_their_prior_away():
    assert costs.log_likelihood_ratios([0.75], fake_prior=0.75) == pytest.approx(0.0)
    assert np.isfinite(costs.log_likelihood_ratios([0.0, 1.0], fake_prior=0.5)).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: costs.CostModel(fake_prior=5), "Percent"),
        (lambda: costs.CostModel(cost_of_missed_fake=0), "costs must be above 0"),
        (lambda: costs.log_likelihood_ratios([1.2], 0.5), "logits or log-likelihood"),
        (lambda: costs.min_dcf([], [1.0]), "without fake clips"),
        (lambda: costs.cllr([1.0], [np.nan]), "NaN"),
    ],
)
def test_wrong_costs_and_scores_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()
