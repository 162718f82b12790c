import time

import pytest

from multimodal.data.ahead import taken_ahead


def test_batches_come_in_their_order_and_all_of_them():
    assert list(taken_ahead(range(1, 6))) == [1, 2, 3, 4, 5]


def test_no_batch_is_no_batch():
    assert list(taken_ahead([])) == []


def test_the_next_batch_is_made_while_this_one_is_used():
    made = []

    def source():
        for number in range(3):
            made.append(number)
            yield number

    batches = taken_ahead(source())
    assert next(batches) == 0
    deadline = time.monotonic() + 10
    while made != [0, 1] and time.monotonic() < deadline:
        time.sleep(0.001)
    assert made == [0, 1]
    batches.close()


def test_an_error_of_the_loader_is_raised_where_the_batch_is_asked_for():
    def source():
        yield 1
        raise ValueError("no clip 'a'; prepare it first")

    batches = taken_ahead(source())
    assert next(batches) == 1
    with pytest.raises(ValueError, match="prepare it first"):
        next(batches)
