import numpy as np
import pytest
from scipy import stats

from multimodal.metrics.bootstrap import student
from multimodal.metrics.power import correct, detectable


def test_the_smallest_difference_seen_is_the_textbook_s():
    assert detectable(1.0, degrees=1e9) == pytest.approx(1.959964 + 0.841621, abs=1e-5)
    assert detectable(0.01, degrees=1e9, tests=5) == pytest.approx(0.01 * (2.575829 + 0.841621), abs=1e-7)
    assert detectable(1.0, degrees=4) == pytest.approx(2.776445 + 0.940965, abs=1e-5)


@pytest.mark.parametrize(("degrees", "tests"), [(8, 1), (30, 1), (30, 6), (200, 3)])
def test_a_planted_difference_of_that_size_is_found_in_four_of_five_studies(degrees, tests):
    rng = np.random.default_rng(0)
    planted = detectable(1.0, degrees, tests=tests)
    errors = np.sqrt(stats.chi2.rvs(degrees, size=2000, random_state=rng) / degrees)
    values = rng.normal(planted, 1.0, 2000)
    found = [
        (student(value, error, degrees).p_value or 1) < 0.05 / tests
        for value, error in zip(values, errors, strict=True)
    ]
    assert 0.74 < np.mean(found) < 0.86


def test_tests_that_share_a_level_see_less_each():
    entries = [student(0.01, 0.01, 30)._asdict() for _ in range(4)]
    alone = student(0.01, 0.01, 30)._asdict()
    untested = {"value": 0.0, "p_value": None, "error": None, "degrees": None}
    correct([*entries, untested], exploratory=True)
    correct([alone])
    assert entries[0]["detectable"] == pytest.approx(detectable(0.01, 30, tests=4))
    assert alone["detectable"] < entries[0]["detectable"]
    assert alone["p_holm"] == alone["p_value"]
    assert untested["detectable"] is None
    assert (alone["exploratory"], entries[0]["exploratory"]) == (False, True)
