"""Advice on corpora of the catalog; the tree of marks is held in the tests of the statistics."""

import json

import pytest

from multimodal.audit.advice import advise, overall_verdict, to_json
from multimodal.audit.statistics import compute_statistics
from multimodal.corpora import CORPORA
from multimodal.corpora.manifest import Clip, collect


def advice_for(corpus, media, num_real, num_fake, split=None):
    clips = [
        Clip(
            f"{fake}/{n}",
            media,
            *((None, fake) if media == "audio" else (fake, None)),
            "m",
            1,
            official_split=split,
        )
        for fake, number in enumerate((num_real, num_fake))
        for n in range(number)
    ]
    (one,) = advise(compute_statistics(collect(clips, corpus=corpus, root="/")))
    return one


@pytest.mark.parametrize(
    ("corpus", "media", "real", "fake"),
    [
        ("faces140k", "image", 10, 100),
        ("faces140k", "image", 100, 10),
        ("asvspoof2019", "audio", 10, 88),
        ("asvspoof2019", "audio", 88, 10),
        ("wavefake", "audio", 10, 65),
        ("wavefake", "audio", 65, 10),
    ],
)
def test_no_corpus_is_told_to_add_itself(corpus, media, real, fake):
    steps = advice_for(corpus, media, real, fake).steps
    assert not any(CORPORA[corpus].title in step for step in steps)
    if media == "audio":
        other = {"wavefake": "ASVspoof 2019 LA", "asvspoof2019": "WaveFake"}[corpus]
        assert other in steps[0]


@pytest.mark.parametrize(
    ("corpus", "media", "wanted"),
    [
        ("deepfake_image", "image", ["faces140k"]),
        ("deepfake_audio", "audio", ["asvspoof2019", "wavefake"]),
        ("celebdf", "video", ["faces140k"]),
        ("fakeavceleb", "video", ["voxceleb2", "fakeavceleb"]),
    ],
)
def test_corpora_are_called_by_their_titles(corpus, media, wanted):
    advice = advice_for(corpus, media, 10, 100)
    assert advice.verdict.startswith(CORPORA[corpus].title)
    assert CORPORA[corpus].title in overall_verdict([advice])
    assert all(CORPORA[name].title in advice.steps[0] for name in wanted)


def test_a_corpus_that_is_all_for_tests_is_not_told_to_train():
    advice = advice_for("in_the_wild", "audio", 70, 12, split="test")
    assert advice.steps == ("It has no training part: judge on it, do not train.",)
    assert advice.commands == ()
    verdict = overall_verdict([advice_for("celebdf", "video", 10, 100), advice])
    assert verdict.startswith("Uneven: Celeb-DF v2. What may help stands below")
    assert advice_for("celebdf", "video", 20, 12).commands != ()


def test_a_corpus_whose_labels_do_not_say_what_was_forged_is_for_judging():
    real = [Clip(f"{n}.mp4", "video", 0, 0, "real", 1) for n in range(4)]
    fake = [Clip(f"{n}_f.mp4", "video", None, None, "m", 1, any_fake=1) for n in range(40)]
    (one,) = advise(compute_statistics(collect([*real, *fake], corpus="dfdc", root="/")))
    assert one.commands == ()
    assert "do not say whether picture or sound is forged" in one.steps[0]
    assert "DFDC" not in overall_verdict([one])


def test_fakes_without_a_label_for_their_sound_train_the_video_branch():
    real = [Clip(f"{n}.mp4", "video", 0, 0, "real", 1) for n in range(4)]
    fake = [Clip(f"{n}_f.mp4", "video", 1, None, "m", 1) for n in range(10)]
    (one,) = advise(compute_statistics(collect([*real, *fake], corpus="kodf", root="/")))
    assert one.commands == ("pretrain video RECIPE --balance class_weights --loss cross_entropy",)


def test_sound_that_is_uneven_gets_advice_of_its_own_in_videos_too():
    clips = [Clip(f"{n}.mp4", "video", n % 2, int(n == 0), "m", 1) for n in range(30)]
    (one,) = advise(compute_statistics(collect(clips, corpus="mine", root="/")))
    assert "fakes of WaveFake" in one.steps[0]
    assert one.balance.majority == "fake"


def test_advice_as_json_holds_the_values_of_the_options():
    advice = advise(compute_statistics(collect([*talking(10, 0), *talking(80, 1)], corpus="mine", root="/")))
    (plain,) = json.loads(json.dumps(to_json(advice)))
    assert plain["recommendations"] == [
        {"balance": "weighted_sampler", "loss": "focal"},
        {"balance": "smote", "loss": "focal"},
    ]
    assert plain["commands"][0] == "train RECIPE --balance weighted_sampler --loss focal"
    assert (plain["corpus"], plain["mark"]) == ("mine", "severe")


def talking(number, fake):
    return [Clip(f"{fake}/{n}.mp4", "video", fake, 0, "m", 1) for n in range(number)]
