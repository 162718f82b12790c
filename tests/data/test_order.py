import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.data.draws import shuffled
from multimodal.data.order import SampleKey, StepBatches


def batches(start, end, *, clips=10, batch=4, rank=0, world=1, seed=0):
    order = shuffled(clips, seed=seed).order
    return list(StepBatches(order, batch_size=batch, start_step=start, end_step=end, rank=rank, world_size=world))


def test_every_clip_comes_once_an_epoch_in_an_order_that_changes():
    first, second = shuffled(50, seed=1).order(0), shuffled(50, seed=1).order(1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert list(first) != list(second)


@settings(max_examples=25, deadline=None)
@given(clips=st.integers(1, 20), batch=st.integers(1, 9), stop=st.integers(0, 12), seed=st.integers(0, 99))
def test_resuming_at_a_step_gives_the_batches_that_were_left(clips, batch, stop, seed):
    options = {"clips": clips, "batch": batch, "seed": seed}
    assert batches(0, stop, **options) + batches(stop, 12, **options) == batches(0, 12, **options)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_any_number_of_processes_shares_the_same_global_batches(world):
    alone = batches(0, 9, batch=8)
    shares = [batches(0, 9, batch=8, rank=rank, world=world) for rank in range(world)]
    for step, whole in enumerate(alone):
        assert sorted(key for share in shares for key in share[step]) == sorted(whole)
        assert all(len(share[step]) == 8 // world for share in shares)


def test_a_batch_size_that_the_processes_cannot_share_is_refused():
    with pytest.raises(ValueError, match="batch size 3 cannot be shared by 2 processes"):
        batches(0, 1, batch=3, world=2)


def test_a_clip_drawn_twice_in_an_epoch_gets_other_randomness():
    keys = [
        key
        for batch in StepBatches(lambda _: np.array([5, 5, 5]), batch_size=3, start_step=0, end_step=1)
        for key in batch
    ]
    assert keys == [SampleKey(5, 0, 0), SampleKey(5, 0, 1), SampleKey(5, 0, 2)]
    draws = {key.generator(seed=0).integers(1 << 60) for key in keys}
    assert len(draws) == 3
