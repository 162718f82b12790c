"""What a model remembers of its trainings, and what is found of it among other clips."""

import numpy as np
import pandas as pd
import pytest

from encoders.learnt_from import LEARNT_FILE, LearntFrom
from multimodal.corpora.manifest import Clip, collect
from multimodal.splits.seen import Seen, find_seen, is_marked, learnt_from, name_hashes, refuse_seen, seen_lines


def rows(corpus, *clips):
    return collect((Clip(media="video", size_bytes=1, **clip) for clip in clips), corpus=corpus, root="/").clips


def real(path, identity=None):
    return {"path": path, "video_fake": 0, "audio_fake": 0, "method": "real", "identity": identity}


def fake(path, identity=None, donors=(), source=None):
    return {**real(path, identity), "video_fake": 1, "method": "x", "donors": donors, "source_clip": source}


def test_clips_people_donors_and_genuine_clips_are_found_again():
    history = learnt_from(
        rows("a", real("1.mp4", "a:anna"), fake("2.mp4", "a:ben", ("a:carl",))), rows("a", real("v.mp4"))
    )
    judged = rows(
        "a",
        real("1.mp4", "a:anna"),
        real("v.mp4", "a:new"),
        real("n.mp4", "a:new"),
        fake("f.mp4", "a:new", ("a:anna",), "1.mp4"),
        fake("g.mp4", "a:carl", ("a:new",)),
    )
    assert find_seen(history, judged) == Seen(
        5, learnt=1, chosen=1, people=2, donors=1, sources=2, example="a/1.mp4"
    )


def test_people_are_found_across_corpora_by_their_shared_names_in_any_case_and_clips_are_not():
    history = learnt_from(rows("voxceleb2", real("1.mp4", "vox2:id1")), rows("voxceleb2", real("v.mp4")))
    found = find_seen(history, rows("fakeavceleb", real("1.mp4", "VOX2:id1"), real("2.mp4", "vox2:id2")))
    assert (found.learnt, found.people) == (0, 1)


def test_nobody_s_name_is_no_person():
    history = learnt_from(rows("a", real("1.mp4"), real("2.mp4")), rows("a", real("v.mp4")))
    assert history.of("people").tolist() == []
    assert find_seen(history, rows("b", real("1.mp4"), fake("3.mp4", None, ("x",)))) == Seen(2)


def test_what_is_written_is_read_again_and_joined_with_what_comes_after(tmp_path):
    one = learnt_from(rows("a", real("1.mp4", "p")), rows("a", real("v.mp4")))
    (one | LearntFrom(unknown=("ImageNet",))).write(tmp_path)
    read = LearntFrom.read(tmp_path)
    assert read.unknown == ("ImageNet",)
    later = read | learnt_from(rows("b", real("2.mp4", "p")), rows("b", real("v.mp4")))
    assert set(later.of("clips")) == set(name_hashes(["a/1.mp4", "b/2.mp4"]))
    assert later.of("people").size == 1
    assert (np.diff(later.of("clips").astype(object)) > 0).all()
    assert LearntFrom.read(tmp_path / "elsewhere") is None


def test_a_hash_is_the_same_on_every_machine():
    assert name_hashes(["fakeavceleb/1.mp4"]).tolist() == [16_099_320_780_290_216_679]


def test_a_hundred_thousand_clips_take_less_than_a_megabyte(tmp_path):
    names = pd.Series([f"a/{number}" for number in range(100_000)])
    LearntFrom({"clips": np.unique(name_hashes(names))}).write(tmp_path)
    assert (tmp_path / LEARNT_FILE).stat().st_size < 1_000_000


@pytest.mark.parametrize("damage", ["cut", "unsorted", "other"])
def test_a_damaged_memory_is_refused_and_named(tmp_path, damage):
    hashes = np.array([3, 1] if damage == "unsorted" else [1, 3], dtype=np.uint64)
    LearntFrom({"clips": hashes}).write(tmp_path)
    file = tmp_path / LEARNT_FILE
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif damage == "other":
        file.write_bytes(b"no such thing")
    with pytest.raises(ValueError, match=LEARNT_FILE):
        LearntFrom.read(tmp_path)


def test_validation_clips_may_have_chosen_before_and_test_clips_may_not():
    chosen = Seen(4, chosen=2, example="a/1")
    refuse_seen({"val": chosen}, "the encoder")
    assert not is_marked({"val": chosen})
    with pytest.raises(
        ValueError, match=r"the encoder was chosen by 2 of the 4 test clips, e.g. a/1.*--allow-seen"
    ):
        refuse_seen({"test": chosen}, "the encoder")
    assert is_marked({"test": chosen})
    with pytest.raises(ValueError, match="learnt from 1 of the 4 val clips"):
        refuse_seen({"val": Seen(4, learnt=1, example="a/1")}, "the encoder")


def test_people_are_told_and_not_refused():
    seen = {"test": Seen(10, people=3, donors=1)}
    refuse_seen(seen, "the encoder")
    assert seen_lines(seen, ["ImageNet"]) == [
        "of 10 test clips 3 show people learnt from, 1 borrow from people learnt from",
        "which clips ImageNet learnt from is not known",
    ]
