import json
import time

import numpy as np
import pandas as pd
import pytest

from multimodal.audit.advice import (
    CLASS_WEIGHTS,
    SAMPLER,
    SMOTE,
    advise,
    overall_verdict,
    recommend,
    statistics_text,
)
from multimodal.audit.statistics import balance_of, compute_statistics, to_json
from multimodal.corpora.manifest import Clip, Manifest, collect, concatenate
from multimodal.splits import Split


def clips_of(media: str, num_real: int, num_fake: int, **more: object) -> list[Clip]:
    def one(number: int, fake: int) -> Clip:
        video = None if media == "audio" else fake
        audio = fake if media == "audio" else None
        return Clip(f"{fake}/{number}.x", media, video, audio, "gan" if fake else "real", 1, **more)

    return [one(n, 0) for n in range(num_real)] + [one(n, 1) for n in range(num_fake)]


def manifest_of(corpus: str, media: str, num_real: int, num_fake: int, **more: object) -> Manifest:
    return collect(clips_of(media, num_real, num_fake, **more), corpus=corpus, root="/data")


def talking_heads() -> Manifest:
    labels = [(0, 0, "real")] * 2 + [(0, 1, "rtvc")] * 3 + [(1, 0, "fsgan")] * 4 + [(1, 1, "wav2lip")] * 9
    return collect(
        (Clip(f"{n}.mp4", "video", *row, 1, identity=f"p{n % 3}") for n, row in enumerate(labels)),
        corpus="heads",
        root="/data",
    )


def test_counts_ratios_classes_and_methods_are_those_worked_out_by_hand():
    (whole,) = compute_statistics(talking_heads())
    assert (whole.corpus, whole.split, whole.clips, whole.media) == ("heads", "all", 18, {"video": 18})
    assert (whole.any.real, whole.any.fake, whole.any.ratio) == (2, 16, 8.0)
    assert (whole.any.majority, whole.any.mark, whole.any.text) == ("fake", "severe", "1 : 8.0")
    assert (whole.video.real, whole.video.fake, whole.video.ratio) == (5, 13, 13 / 5)
    assert (whole.audio.real, whole.audio.fake, whole.audio.ratio) == (6, 12, 2.0)
    assert whole.classes == {"RVRA": 2, "RVFA": 3, "FVRA": 4, "FVFA": 9}
    assert whole.methods == {"wav2lip": 9, "fsgan": 4, "rtvc": 3, "real": 2}
    assert whole.identities == 3


@pytest.mark.parametrize(
    ("real", "fake", "mark", "text"),
    [
        (100, 100, "balanced", "1 : 1.0"),
        (299, 100, "balanced", "2.99 : 1"),
        (300, 100, "moderate", "3.00 : 1"),
        (301, 100, "moderate", "3.01 : 1"),
        (29_999, 10_000, "balanced", "2.9999 : 1"),
        (100, 500, "moderate", "1 : 5.00"),
        (100, 501, "severe", "1 : 5.01"),
        (1_000, 100, "severe", "10.00 : 1"),
        (100, 1_001, "extreme", "1 : 10.01"),
        (0, 5, "one class only", "0 : 5"),
        (0, 0, "no label", "0 : 0"),
    ],
)
def test_marks_change_at_three_five_and_ten_in_either_direction(real, fake, mark, text):
    assert (balance_of(real=real, fake=fake).mark, balance_of(real=real, fake=fake).text) == (mark, text)


def test_a_modality_that_no_clip_has_is_none_and_unknown_labels_are_counted():
    (part,) = compute_statistics(manifest_of("voices", "audio", 3, 1))
    assert part.video is None
    assert (part.audio.real, part.audio.fake, part.audio.unknown) == (3, 1, 0)
    assert part.classes == {}
    clips = [Clip("a", "video", None, None, "?", 1), Clip("b", "video", None, None, "?", 1, any_fake=1)]
    (part,) = compute_statistics(collect(clips, corpus="c", root="/"))
    assert (part.any.fake, part.any.unknown, part.any.ratio) == (1, 1, None)


def test_parts_follow_the_split_given_else_the_official_one():
    clips = clips_of("image", 4, 2, official_split="test")
    clips += [clip._replace(path=f"t/{clip.path}", official_split="train") for clip in clips_of("image", 1, 3)]
    manifest = collect(clips, corpus="faces", root="/data")
    parts = compute_statistics(manifest)
    assert [(part.split, part.clips) for part in parts] == [("all", 10), ("train", 4), ("test", 6)]
    ids = manifest.clips["clip_id"]
    table = pd.DataFrame({"clip_id": ids, "split": ["val"] * 4 + [None] * 6, "reason": None})
    parts = compute_statistics(manifest, Split(table, "by_hand"))
    assert [(part.split, part.clips) for part in parts] == [("all", 10), ("val", 4), ("dropped", 6)]


def test_statistics_are_plain_values_for_json():
    text = json.dumps(to_json(compute_statistics(talking_heads())), allow_nan=False)
    assert json.loads(text)[0]["any"]["ratio"] == 8.0


def advice_for(corpus: str, media: str, num_real: int, num_fake: int):
    (one,) = advise(compute_statistics(manifest_of(corpus, media, num_real, num_fake)))
    return one


@pytest.mark.parametrize(
    ("real", "fake", "for_detector", "for_branch"),
    [
        (10, 10, (CLASS_WEIGHTS,), (CLASS_WEIGHTS,)),
        (29, 10, (CLASS_WEIGHTS,), (CLASS_WEIGHTS,)),
        (10, 30, (SAMPLER,), (SAMPLER,)),
        (50, 10, (SAMPLER,), (SAMPLER,)),
        (10, 51, (SAMPLER, SMOTE), (SAMPLER,)),
        (10, 100, (SAMPLER, SMOTE), (SAMPLER,)),
        (10, 101, (SMOTE, SAMPLER), (SAMPLER,)),
        (101, 10, (SMOTE, SAMPLER), (SAMPLER,)),
    ],
)
def test_each_mark_has_its_recommendations(real, fake, for_detector, for_branch):
    assert recommend(real=real, fake=fake) == for_detector
    assert recommend(real=real, fake=fake, has_fusion=False) == for_branch


@pytest.mark.parametrize(("real", "fake"), [(0, 10), (10, 0), (0, 0)])
def test_one_class_cannot_be_balanced(real, fake):
    with pytest.raises(ValueError, match=f"{real} real and {fake} fake clips. Add clips of the other class"):
        recommend(real=real, fake=fake)
    assert advice_for("c", "audio", 0, 10).commands == ()


@pytest.mark.parametrize(
    ("corpus", "media", "command"),
    [
        ("talking", "both", "train RECIPE --balance smote --loss focal"),
        ("silent", "video", "pretrain video RECIPE --balance weighted_sampler --loss focal"),
        ("faces", "image", "pretrain video RECIPE --balance weighted_sampler --loss focal"),
        ("voices", "audio", "pretrain audio RECIPE --balance weighted_sampler --loss focal"),
    ],
)
def test_the_command_is_of_the_verb_that_can_train_on_such_clips(corpus, media, command):
    clips = clips_of("video" if media == "both" else media, 10, 110)
    if media == "both":
        clips = [clip._replace(audio_fake=0) for clip in clips]
    (one,) = advise(compute_statistics(collect(clips, corpus=corpus, root="/")))
    assert one.commands[0] == command
    assert one.recommendations[0].options in one.steps[-len(one.recommendations)]


@pytest.mark.parametrize(
    ("corpus", "media", "real", "fake", "named"),
    [
        ("faces", "image", 40, 10, "140k Real and Fake Faces"),
        ("voices", "audio", 10, 60, "bona fide speech of ASVspoof 2019"),
        ("voices", "audio", 60, 10, "fakes of WaveFake"),
        ("silent", "video", 10, 60, "Pretrain the video branch on 140k"),
    ],
)
def test_advice_names_a_corpus_that_would_help(corpus, media, real, fake, named):
    assert named in advice_for(corpus, media, real, fake).steps[0]


@pytest.mark.parametrize(("media", "real", "fake"), [("image", 30, 10), ("audio", 50, 10), ("video", 10, 50)])
def test_no_corpus_is_named_up_to_the_bound(media, real, fake):
    assert len(advice_for("c", media, real, fake).steps) == 1


def test_advice_for_fakeavceleb_warns_of_the_shortcut_that_voxceleb_reals_bring():
    clips = [Clip(f"{n}.mp4", "video", int(n > 1), int(n > 1), "m", 1) for n in range(60)]
    (one,) = advise(compute_statistics(collect(clips, corpus="fakeavceleb", root="/")))
    (step,) = [step for step in one.steps if "VoxCeleb2" in step]
    assert "shortcut" in step
    assert one.mark == "extreme"


def test_fakeavceleb_with_more_reals_than_fakes_is_not_told_to_add_reals():
    clips = [Clip(f"{n}.mp4", "video", int(n < 2), int(n < 2), "m", 1) for n in range(60)]
    (one,) = advise(compute_statistics(collect(clips, corpus="fakeavceleb", root="/")))
    assert one.balance.majority == "real"
    assert not any("Add genuine" in step or "VoxCeleb2" in step or "bona fide" in step for step in one.steps)
    assert any(step.startswith("Add no genuine videos") for step in one.steps)


def test_several_corpora_get_one_ratio_and_how_well_the_corpus_tells_the_label():
    clips = [manifest_of(name, "video", *counts) for name, counts in (("one", (90, 0)), ("two", (10, 100)))]
    text = statistics_text(compute_statistics(concatenate(clips)), [])
    assert "all 2 corpora together: 100 real, 100 fake; 1 : 1.0  [balanced]" in text
    assert "the corpus alone tells fakes from reals with an AUC of 0.950" in text
    assert "together" not in statistics_text(compute_statistics(clips[1]), [])


def test_advice_looks_at_the_training_part_where_there_is_one():
    clips = clips_of("image", 10, 10, official_split="test")
    clips += [clip._replace(path=f"t/{clip.path}", official_split="train") for clip in clips_of("image", 1, 20)]
    (one,) = advise(compute_statistics(collect(clips, corpus="faces", root="/data")))
    assert one.mark == "extreme"
    assert "(train)" in one.verdict


def test_the_text_shows_ratio_mark_bars_and_what_to_do():
    statistics = compute_statistics(talking_heads())
    text = statistics_text(statistics, advise(statistics))
    assert "Imbalance ratio (Real:Fake)  1 : 8.0  [severe]" in text
    assert f"wav2lip  {'#' * 40}  9" in text
    assert f"real     {'#' * 9}{' ' * 31}  2" in text
    assert "Uneven: heads. Tune the threshold first: no balance beat it by more than chance" in text
    assert "Act before" not in text
    assert "1. Train as it is and tune the threshold first" in text
    assert "begin with: python -m experiments train RECIPE --balance none --loss cross_entropy" in text
    assert SAMPLER.options in text


def test_all_balanced_corpora_are_told_to_train():
    advice = [advice_for("a", "image", 10, 12), advice_for("b", "audio", 10, 10)]
    assert overall_verdict(advice).startswith("All below 3:1: train; class weights suffice")


def test_a_million_rows_take_less_than_three_seconds():
    size = 1_000_000
    draw = np.random.default_rng(0)
    fake = pd.array(draw.integers(0, 2, size), dtype="Int8")
    clips = pd.DataFrame(
        {
            "clip_id": pd.Series(np.arange(size)).astype("str"),
            "corpus": pd.Series(np.where(draw.random(size) < 0.5, "one", "two"), dtype="str"),
            "media": pd.Series(["video"] * size, dtype="str"),
            "method": pd.Series(draw.choice(["real", "gan", "swap"], size), dtype="str"),
            "identity": pd.Series(draw.integers(0, 2_000, size)).astype("str"),
            "official_split": pd.Series(draw.choice(["train", "val", "test"], size), dtype="str"),
            "any_fake": fake,
            "video_fake": fake,
            "audio_fake": pd.array([pd.NA] * size, dtype="Int8"),
        }
    )
    start = time.process_time()
    parts = compute_statistics(Manifest(clips))
    assert time.process_time() - start < 3
    assert sum(part.clips for part in parts if part.split == "all") == size
