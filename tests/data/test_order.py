from itertools import chain

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.data.order import (
    Draw,
    SampleKey,
    StepBatches,
    evenly_drawn,
    frames_per_clip,
    matched_drawn,
    shuffled,
)


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


def epochs(draw: Draw, count: int) -> np.ndarray:
    return np.concatenate([draw.order(epoch) for epoch in range(count)])


def assert_shares(drawn: np.ndarray, expected: list[float]) -> None:
    shares = np.bincount(drawn) / len(drawn)
    assert np.abs(shares - expected).max() < 4 * np.sqrt(0.25 / len(drawn))


def test_an_even_draw_gives_each_class_its_share_within_sampling_error():
    classes = np.repeat([0, 1, 2, 3], [10, 30, 160, 800])
    assert_shares(classes[epochs(evenly_drawn(classes, seed=4), 10)], [0.25] * 4)


def test_an_even_draw_by_group_gives_each_method_of_a_class_its_share():
    classes = np.repeat([0, 1], [20, 480])
    methods = np.repeat(["real", "wav2lip", "faceswap", "fsgan"], [20, 400, 70, 10])
    drawn = epochs(evenly_drawn(classes, seed=1, groups=methods), 20)
    assert_shares(classes[drawn], [0.5, 0.5])
    names = np.array(["real", "wav2lip", "faceswap", "fsgan"])
    assert_shares(np.searchsorted(np.sort(names), methods[drawn]), [1 / 6, 1 / 6, 1 / 2, 1 / 6])


def test_clips_without_a_group_are_one_group():
    classes = np.zeros(6, int)
    draw = evenly_drawn(classes, seed=0, groups=np.array(["ann", "bob", "bob", None, None, None], dtype=object))
    assert draw.shares == pytest.approx([1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9])


def test_frames_per_clip_shows_a_rare_clip_as_often_as_it_has_windows_and_never_oftener():
    classes = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    windows = np.array([9, 2, 5, 5, 5, 5, 5, 5, 5, 5])
    times = np.bincount(frames_per_clip(classes, windows, seed=0).order(3))
    assert times.tolist() == [4, 2, 1, 1, 1, 1, 1, 1, 1, 1]


def draws_of(classes: np.ndarray) -> dict[str, Draw]:
    return {
        "shuffled": shuffled(len(classes), seed=9),
        "evenly": evenly_drawn(classes, seed=9),
        "frames": frames_per_clip(classes, np.full(len(classes), 3), seed=9),
    }


@settings(max_examples=30, deadline=None)
@given(
    stop=st.integers(0, 6),
    world=st.sampled_from([1, 2, 4]),
    name=st.sampled_from(["shuffled", "evenly", "frames"]),
)
def test_a_draw_is_the_same_for_any_number_of_processes_and_after_a_restart(stop, world, name):
    order = draws_of(np.repeat([0, 1], [3, 17]))[name].order

    def steps(start, end, rank=0, size=1):
        return list(StepBatches(order, batch_size=8, start_step=start, end_step=end, rank=rank, world_size=size))

    whole = steps(0, 6)
    assert steps(0, stop) + steps(stop, 6) == whole
    shares = [steps(0, 6, rank, world) for rank in range(world)]
    assert [sorted(chain.from_iterable(parts)) for parts in zip(*shares, strict=True)] == [
        sorted(batch) for batch in whole
    ]


@pytest.mark.parametrize("name", ["shuffled", "evenly", "frames"])
def test_the_counts_of_a_draw_are_what_is_drawn_on_average(name):
    classes = np.repeat([0, 1, 3, -1], [5, 20, 50, 5])
    draw = draws_of(classes)[name]
    drawn = classes[epochs(draw, 200)]
    counts = draw.counts(classes, 4)
    seen = np.bincount(drawn[drawn >= 0], minlength=4) * len(classes) / len(drawn)
    assert counts == pytest.approx(seen, rel=0.08, abs=1e-9)


def test_a_source_does_not_tell_the_class_of_what_is_drawn_of_it():
    classes = np.array([0, 1, 1, 1, 0, 0, 1, 0, 1])
    sources = np.array(["a", "a", "a", "a", "b", "b", "b", "real only", "fake only"])
    methods = np.array(["real", "gan", "gan", "tts", "real", "real", "gan", "real", "gan"])
    draw = matched_drawn(classes, sources, methods, seed=0)
    table = pd.DataFrame({"class": classes, "source": sources, "method": methods, "share": draw.shares})
    halves = table[table["source"].isin(["a", "b"])].groupby(["source", "class"])["share"].sum()
    assert halves.to_numpy() == pytest.approx(1 / 6)
    assert table.groupby("class")["share"].sum().to_numpy() == pytest.approx(1 / 2)
    assert draw.shares[3] == pytest.approx(2 * draw.shares[1])  # one clip of tts beside two of gan
    drawn = np.concatenate([draw.order(epoch) for epoch in range(2000)])
    assert np.bincount(drawn, minlength=9) / len(drawn) == pytest.approx(draw.shares, abs=0.01)
