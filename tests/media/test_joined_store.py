import pickle

import numpy as np
import pytest

from multimodal.media.joined_store import JoinedStore
from multimodal.media.store import Store


@pytest.fixture(scope="module")
def pair(write_sounds, tmp_path_factory) -> tuple[Store, Store]:
    folder = tmp_path_factory.mktemp("joined")
    one = write_sounds(folder, "one", {"a.wav": (0, 0.5, 0), "b.wav": (0, 0.7, 0)})[1]
    return one, write_sounds(folder, "two", {"a.wav": (0, 0.9, 0)})[1]


def test_clips_are_read_from_the_store_that_has_them(pair):
    joined = JoinedStore(pair)
    assert joined.index["clip_id"].tolist() == ["one/a.wav", "one/b.wav", "two/a.wav"]
    for store, clip_id in [(pair[0], "one/b.wav"), (pair[1], "two/a.wav")]:
        np.testing.assert_array_equal(joined.read(clip_id, 1, 3).waveform, store.read(clip_id, 1, 3).waveform)


def test_a_pickled_join_carries_no_table(pair):
    joined = JoinedStore(pair)
    assert len(joined.index) == 3
    carried = pickle.dumps(joined)
    assert len(carried) < 3000
    assert len(pickle.loads(carried).index) == 3  # noqa: S301 (our own bytes)


def test_a_clip_that_no_store_has_is_named(pair):
    with pytest.raises(ValueError, match=r"no clip 'one/none.wav'"):
        JoinedStore(pair).read("one/none.wav")


def test_stores_that_were_prepared_otherwise_are_refused(pair, write_sounds, tmp_path):
    other = write_sounds(tmp_path, "three", {"a.wav": (0, 0.5, 0)}, crop_size=64)[1]
    with pytest.raises(ValueError, match=r"prepared otherwise than .*: crop_size is 64, not 224"):
        JoinedStore([*pair, other])


def test_a_clip_in_two_stores_is_refused(pair):
    with pytest.raises(ValueError, match=r"2 clips are in two of the stores, e.g. one/a.wav"):
        JoinedStore([pair[0], pair[0]]).index  # noqa: B018 (the table is made when it is asked for)
