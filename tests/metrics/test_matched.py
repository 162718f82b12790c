import numpy as np
import pytest

from multimodal.metrics.matched import paired_accuracy, source_floor, within_sources


def test_a_system_that_knows_the_source_alone_is_chance_within_sources():
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    sources = np.array(list("aaaabbbb"))
    knows = (sources == "a").astype(float)
    assert source_floor(labels, sources).auc == 0.75
    found = within_sources(labels, knows, sources)
    assert found.auc.value == found.eer.value == 0.5
    assert {name: one[:2] for name, one in found.sources.items()} == {"a": (1, 3), "b": (3, 1)}


def test_the_interval_within_sources_widens_with_fewer_sources():
    generator = np.random.default_rng(0)

    def width(num_sources):
        labels = np.tile([0, 1] * 10, num_sources)
        sources = np.repeat(np.arange(num_sources), 20)
        hardness = np.repeat(generator.uniform(0, 2, num_sources), 20)
        scores = labels * hardness + generator.standard_normal(len(labels))
        interval = within_sources(labels, scores, sources).auc
        return interval.high - interval.low

    assert width(4) > 2 * width(40)


def test_one_source_with_both_labels_has_a_mean_and_no_interval():
    found = within_sources([0, 1, 1], [0.1, 0.9, 0.5], ["a", "a", "b"])
    assert found.auc.value == 1
    assert found.auc.low is None
    assert "one identity only" in str(found.auc.reason)


def test_without_a_source_of_both_labels_there_is_no_mean():
    assert within_sources([0, 1], [0.1, 0.9], ["a", "b"]).auc.reason == "no source holds both labels"


def test_paired_accuracy_has_the_exact_interval_of_clopper_and_pearson():
    fake, real = np.arange(30.0), np.where(np.arange(30) < 21, -1.0, 99.0)
    found = paired_accuracy(fake, real)
    assert found.accuracy == 0.7
    assert (found.low, found.high) == (pytest.approx(0.5060, abs=1e-4), pytest.approx(0.8527, abs=1e-4))


def test_a_tie_of_a_pair_is_a_miss():
    assert paired_accuracy([0.5, 0.5], [0.5, 0.4]).accuracy == 0.5


def test_pairs_want_as_many_fakes_as_reals():
    with pytest.raises(ValueError, match="as many fakes as reals"):
        paired_accuracy([0.5], [])
