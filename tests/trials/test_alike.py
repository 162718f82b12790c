"""The kernel machine of the trial of speech: it interpolates what it knows, and asks every kind of statistics."""

import numpy as np
import pytest

from experiments.trials.alike import KernelMachine, weights_of


@pytest.fixture(scope="module")
def kinds():
    """Two kinds of statistics of 40 clips: in the first fakes are round the reals, the second is noise."""
    generator, labels = np.random.default_rng(0), np.arange(40) % 2
    angles = generator.uniform(0, 2 * np.pi, size=40)
    ring = (1 + 2 * labels)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [ring, generator.standard_normal((40, 3))], labels


def test_what_no_line_can_divide_is_divided(kinds):
    tables, labels = kinds
    known, asked = [table[:30] for table in tables], [table[30:] for table in tables]
    scores = KernelMachine(known, labels[:30], np.ones(30))(asked)
    assert scores[labels[30:] == 1].min() > scores[labels[30:] == 0].max()


def test_scores_do_not_depend_on_the_scale_of_a_statistic(kinds):
    tables, labels = kinds
    scores = KernelMachine(tables, labels, np.ones(40))(tables)
    scaled = [100 * tables[0] + 3, tables[1]]
    np.testing.assert_allclose(KernelMachine(scaled, labels, np.ones(40))(scaled), scores, atol=1e-4)


def test_reals_and_fakes_count_as_much_whatever_their_number():
    labels = np.array([0, 0, 1, 1, 1, 1, 1])
    weights = weights_of(labels, np.array(["a", "b", "a", "a", "a", "a", "b"]))
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    assert weights[2] / weights[6] == pytest.approx(0.5)
    assert weights.mean() == pytest.approx(1)
