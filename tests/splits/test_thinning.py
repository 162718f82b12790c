import pandas as pd
import pytest

from multimodal.splits import Split
from multimodal.splits.thinning import thinned


@pytest.fixture
def clips() -> pd.DataFrame:
    rows = [
        {
            "clip_id": f"{part} {label} {number:03d}",
            "split": part,
            "any_fake": label,
            "av_class": "RVRA" if label == 0 else "RVFA" if number % 10 == 0 else "FVFA",
        }
        for part, reals, fakes in [("train", 60, 300), ("val", 20, 100), ("test", 20, 100)]
        for label, count in [(0, reals), (1, fakes)]
        for number in range(count)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def split(clips) -> Split:
    return Split(clips[["clip_id", "split"]].assign(reason=None).sort_values("clip_id"), "group_out")


@pytest.mark.parametrize(("ratio", "reals", "fakes"), [(1, 60, 60), (3, 60, 180), (10, 30, 300), (42, 7, 300)])
def test_train_and_val_get_the_ratio_and_keep_as_many_clips_as_they_can(ratio, reals, fakes, split, clips):
    thin = thinned(split, clips, ratio).of(clips)
    train = clips[thin == "train"]
    assert ((train["any_fake"] == 0).sum(), (train["any_fake"] == 1).sum()) == (reals, fakes)
    assert (clips[thin == "val"]["any_fake"] == 0).sum() == max(1, round(min(100, 20 * ratio) / ratio))
    assert (thin == "test").sum() == 120


def test_the_classes_keep_their_proportions_among_the_fakes(split, clips):
    train = clips[thinned(split, clips, 1).of(clips) == "train"]
    assert (train["av_class"] == "RVFA").sum() == 6


def test_a_clip_stays_where_it_was_or_is_dropped_with_the_reason(split, clips):
    thin = thinned(split, clips, 10)
    merged = split.assignment.merge(thin.assignment, on="clip_id", suffixes=("_before", "_after"))
    gone = merged["split_after"].isna()
    assert (merged["split_before"] == merged["split_after"])[~gone].all()
    assert (merged["reason_after"][gone] == "thinned out to 10 fakes a real clip").all()
    assert thin.hash != split.hash


def test_the_seed_decides_which_clips_go(split, clips):
    one, again, other = (thinned(split, clips, 3, seed=seed).hash for seed in (1, 1, 2))
    assert one == again != other


def test_a_ratio_that_leaves_no_real_clip_and_one_below_1_are_refused(split, clips):
    with pytest.raises(ValueError, match="val has 100 fakes: at 300:1 no real clip is left"):
        thinned(split, clips, 300)
    with pytest.raises(ValueError, match=r"ratio must be at least 1 \(fakes for each real clip\); got 0.5"):
        thinned(split, clips, 0.5)
