import numpy as np
import pytest
from scipy.stats import norm

from multimodal.metrics.bootstrap import (
    CHUNK,
    IdentityResampler,
    Precision,
    bootstrap,
    identity_codes,
    interval,
    precision_of,
)
from multimodal.metrics.perfect import AREA, OPEN_COST, Sample
from multimodal.metrics.ranking import roc_auc_of
from multimodal.metrics.sorted_scores import SortedScores

ENOUGH = Precision(degrees=50, inflation=1.0, sample=Sample((51, 51), (51, 51)))


def resampler_of(identity, label):
    return IdentityResampler(np.array(identity), np.array(label))


def test_every_replicate_draws_as_many_identities_as_there_are():
    resampler = resampler_of([0, 1, 2, 2], [0, 1, 0, 1])
    draws = list(resampler.draw(CHUNK + 3, np.random.default_rng(0)))
    assert [draw.shape for draw in draws] == [(3, CHUNK), (3, 3)]
    assert (np.concatenate(draws, axis=1).sum(axis=0) == 3).all()


def test_identities_of_one_class_each_are_drawn_class_by_class():
    resampler = resampler_of([0, 1, 2, 3, 4], [0, 0, 1, 1, 1])
    draw = next(resampler.draw(30, np.random.default_rng(0)))
    assert resampler.is_stratified
    assert (draw[:2].sum(axis=0) == 2).all()
    assert (draw[2:].sum(axis=0) == 3).all()


def test_draws_have_mean_one_and_the_variance_of_a_bootstrap():
    resampler = resampler_of(np.arange(50), np.zeros(50, dtype=int))
    draws = np.concatenate(list(resampler.draw(2000, np.random.default_rng(1))), axis=1)
    assert draws.mean() == 1
    assert draws.var() == pytest.approx(1 - 1 / 50, rel=0.02)


@pytest.mark.parametrize("replicates", [-1, 1])
def test_a_number_of_replicates_that_tells_no_spread_is_refused(replicates):
    with pytest.raises(ValueError, match=f"at least 2; got {replicates}"):
        next(resampler_of([0, 1], [0, 1]).draw(replicates, np.random.default_rng(0)))


def test_a_clip_without_identity_is_an_identity_of_its_own():
    assert identity_codes(["a", None, "a", float("nan"), "b"]).tolist() == [0, 2, 0, 3, 1]
    assert identity_codes([None, None]).tolist() == [0, 1]
    assert identity_codes([]).tolist() == []


def test_the_interval_of_a_mean_is_that_of_student():
    # replicates of a logit with standard deviation 0.2 around 0.8
    line = norm.ppf((np.arange(4000) + 0.5) / 4000) * 0.2 + np.log(4)
    found = interval(0.8, 1 / (1 + np.exp(-line)), Precision(10, 1.0, Sample((11,), (11,))))
    assert np.log(found.high / (1 - found.high)) - np.log(4) == pytest.approx(2.228 * 0.2, rel=0.01)
    assert np.log(found.low / (1 - found.low)) - np.log(4) == pytest.approx(-2.228 * 0.2, rel=0.01)


def test_the_interval_of_a_cost_stays_above_zero_and_may_pass_one():
    found = interval(0.9, np.random.default_rng(0).lognormal(np.log(0.9), 0.5, 500), ENOUGH, bounds=OPEN_COST)
    assert 0 < found.low < 0.9 < 1 < found.high


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(1.0, 0.025 ** (1 / 51), 1.0), (0.0, 0, 1 - 0.025 ** (1 / 51)), (1e-17, 0, 1 - 0.025 ** (1 / 51))],
)
def test_a_value_on_the_bound_is_not_certain(value, low, high):
    drawn = np.full(100, value)
    drawn[0] = 0.01
    found = interval(value, drawn, ENOUGH)
    assert found[1:3] == pytest.approx((low, high))


def test_a_value_that_is_not_defined_has_a_reason_and_no_number():
    found = interval(float("nan"), np.zeros(10), ENOUGH)
    assert found.as_json() == {"value": None, "low": None, "high": None, "reason": found.reason}


def test_too_many_replicates_without_a_class_leave_no_interval():
    found = interval(0.8, np.array([np.nan] * 20 + [0.8, 0.7] * 40), ENOUGH)
    assert found.value == 0.8
    assert found.low is None
    assert "tenth of the replicates" in found.reason


def test_one_identity_or_one_identity_of_a_class_leaves_no_interval_and_says_which():
    assert "one identity only" in precision_of(resampler_of([0, 0], [0, 1])).reason
    assert "all real clips are of one identity" in precision_of(resampler_of([0, 1, 2], [0, 1, 1])).reason
    assert precision_of(resampler_of([0, 1, 2, 3], [0, 0, 1, 1])).reason is None


def test_degrees_of_freedom_follow_the_identities():
    both = precision_of(resampler_of(np.tile(np.arange(10), 2), np.repeat([0, 1], 10)))
    apart = precision_of(resampler_of(np.arange(20), np.repeat([0, 1], 10)))
    assert (both.degrees, apart.degrees) == pytest.approx((9, 18))
    assert both.inflation == apart.inflation == pytest.approx(np.sqrt(10 / 9))


def coverage(trials, simulate, truth):
    covered = 0
    rng = np.random.default_rng(11)
    for _ in range(trials):
        fake, real, fake_identity, real_identity = simulate(rng)
        labels = np.repeat([1, 0], [len(fake), len(real)])
        resampler = IdentityResampler(np.concatenate([fake_identity, real_identity]), labels)
        ranked = SortedScores(fake, real, fake_identity, real_identity)
        drawn = np.concatenate([roc_auc_of(ranked.counts(m)) for m in resampler.draw(200, rng)])
        found = interval(float(roc_auc_of(ranked.counts())[0]), drawn, precision_of(resampler))
        covered += found.low <= truth <= found.high
    return covered / trials


def test_intervals_cover_the_true_area_with_clips_that_share_identities():
    shift = norm.ppf(0.85) * np.sqrt(2)
    who = np.arange(100) % 20

    def simulate(rng):
        effect = rng.normal(0, np.sqrt(0.5), 20)
        fake, real = (mean + effect[who] + rng.normal(0, np.sqrt(0.5), 100) for mean in (shift, 0))
        return fake, real, who, who

    # 150 trials: 0.95 give or take four standard errors; benchmarks/intervals.py has the full count
    assert 0.88 <= coverage(150, simulate, 0.85) <= 1.0


def test_drawing_clips_as_if_they_were_people_covers_too_seldom():
    shift = norm.ppf(0.85) * np.sqrt(2)
    who = np.arange(100) % 10

    def simulate(rng):
        fake_effect, real_effect = rng.normal(0, np.sqrt(0.7), (2, 10))
        fake = shift + fake_effect[who] + rng.normal(0, np.sqrt(0.3), 100)
        real = real_effect[who] + rng.normal(0, np.sqrt(0.3), 100)
        return fake, real, np.arange(100), 100 + np.arange(100)

    assert coverage(60, simulate, 0.85) < 0.8


def interval_of(fake, real, replicates=400):
    fake_of, real_of = np.arange(len(fake)), len(fake) + np.arange(len(real))
    ranked = SortedScores(np.array(fake, float), np.array(real, float), fake_of, real_of)
    resampler = IdentityResampler(np.concatenate([fake_of, real_of]), np.repeat([1, 0], [len(fake), len(real)]))
    drawn = bootstrap(
        lambda draw: {"auc": roc_auc_of(ranked.counts(draw))}, resampler, replicates=replicates, seed=0
    )
    return interval(*drawn["auc"], precision_of(resampler), bounds=AREA)


@pytest.mark.parametrize(("people", "low"), [(5, 0.656), (20, 0.955), (50, 0.991)])
def test_a_perfect_area_has_the_bound_of_two_normal_distributions(people, low):
    found = interval_of(np.full(people, 1.0), np.zeros(people))
    assert found.low == pytest.approx(low, abs=1e-3)
    assert found.high == 1


@pytest.mark.parametrize("people", [5, 10, 20, 50])
def test_an_almost_perfect_area_is_no_surer_than_a_perfect_one(people):
    fake, real = 1 + np.arange(people), -np.arange(people)
    perfect = interval_of(fake, real)
    lows = [perfect.low]
    for errors in (1, 2):
        swapped = fake.astype(float)
        swapped[:errors] = -0.5
        lows.append(interval_of(swapped, real).low)
    assert lows == sorted(lows, reverse=True)


def test_intervals_cover_the_true_area_near_its_bound():
    rng, covered, trials = np.random.default_rng(0), 0, 150
    for _ in range(trials):
        found = interval_of(rng.normal(norm.ppf(0.99) * np.sqrt(2), 1, 20), rng.normal(0, 1, 20), replicates=100)
        covered += found.low <= 0.99 <= found.high
    assert covered / trials >= 0.93
