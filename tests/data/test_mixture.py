from itertools import chain

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.data.mixture import mixed, mixture_shares
from multimodal.data.order import StepBatches

CORPORA = pd.Series(["large"] * 80 + ["small"] * 20)
LABELS = np.array([0] * 10 + [1] * 70 + [0] * 15 + [1] * 5)


def cell_counts(order, epochs=1):
    drawn = np.concatenate([order(epoch) for epoch in range(epochs)])
    return pd.Series(1, index=drawn).groupby([CORPORA[drawn].to_numpy(), LABELS[drawn]]).sum().to_dict()


def test_without_weights_every_clip_comes_once_an_epoch():
    draw = mixed(mixture_shares(CORPORA, LABELS), seed=0)
    assert sorted(draw.order(0)) == sorted(draw.order(7)) == list(range(100))
    assert draw.order(0).tolist() != draw.order(7).tolist()


def test_corpora_and_classes_get_the_shares_that_were_stated():
    shares = mixture_shares(CORPORA, LABELS, weights={"large": 1, "small": 3}, fake_share=0.4)
    draw = mixed(shares, seed=5)
    expected = {("large", 0): 15, ("large", 1): 10, ("small", 0): 45, ("small", 1): 30}
    for epoch in range(5):
        counts = cell_counts(lambda _, epoch=epoch: draw.order(epoch))
        assert all(abs(counts[cell] - number) <= 1 for cell, number in expected.items()), counts
    assert draw.counts(LABELS, 2) == pytest.approx([60, 40])


def test_no_clip_of_a_cell_comes_again_before_the_others_have_come():
    draw = mixed(mixture_shares(CORPORA, LABELS, fake_share=0.5), seed=1)
    times = np.bincount(draw.order(3), minlength=100)
    for corpus in ("large", "small"):
        for label in (0, 1):
            here = times[(corpus == CORPORA) & (label == LABELS)]
            assert here.max() - here.min() <= 1


def test_a_corpus_of_one_label_gives_that_whatever_the_share_of_fakes():
    corpora, labels = pd.Series(["both"] * 4 + ["reals"] * 4), np.array([0, 1, 1, 1, 0, 0, 0, 0])
    shares = mixture_shares(corpora, labels, fake_share=0.5)
    assert shares[4:].sum() == pytest.approx(0.5)
    assert shares[:4] == pytest.approx([1 / 4, 1 / 12, 1 / 12, 1 / 12])


@settings(max_examples=30, deadline=None)
@given(stop=st.integers(0, 6), world=st.sampled_from([1, 2, 4]), seed=st.integers(0, 99))
def test_a_mixture_is_the_same_for_any_number_of_processes_and_after_a_restart(stop, world, seed):
    order = mixed(
        mixture_shares(CORPORA, LABELS, weights={"large": 2, "small": 1}, fake_share=0.5), seed=seed
    ).order

    def steps(start, end, rank=0, size=1):
        return list(StepBatches(order, batch_size=32, start_step=start, end_step=end, rank=rank, world_size=size))

    whole = steps(0, 6)
    assert steps(0, stop) + steps(stop, 6) == whole
    shares = [steps(0, 6, rank, world) for rank in range(world)]
    assert [sorted(chain.from_iterable(parts)) for parts in zip(*shares, strict=True)] == [
        sorted(batch) for batch in whole
    ]


@settings(max_examples=50, deadline=None)
@given(weights=st.lists(st.floats(0.01, 100), min_size=3, max_size=12), seed=st.integers(0, 999))
def test_an_epoch_is_always_as_long_as_there_are_clips(weights, seed):
    shares = np.array(weights) / sum(weights)
    assert len(mixed(shares, seed=seed).order(seed)) == len(weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": {"large": 1}}, "must name every corpus: large, small; got large"),
        ({"weights": {"large": 1, "smal": 1}}, "must name every corpus: large, small; got large, smal"),
        ({"weights": {"large": 0, "small": 0}}, "must not be negative, nor all 0"),
        ({"weights": {"large": 2, "small": -1}}, "must not be negative"),
        ({"fake_share": 1.0}, "share of fakes must be between 0 and 1; got 1.0"),
    ],
)
def test_shares_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mixture_shares(CORPORA, LABELS, **options)
