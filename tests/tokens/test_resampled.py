from collections import Counter

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE

from multimodal.data.windows import WindowTensors
from multimodal.tokens.resampled import Resampling, resample, resample_embeddings


class SilentClips:
    """Tokens of clips that have a picture and no sound."""

    def read(self, clip_id: str, window: int) -> WindowTensors:
        return WindowTensors({}, {"video": True, "audio": False}, {})


def test_clips_that_lack_a_modality_are_none_to_make_others_of():
    clips = pd.DataFrame({"clip_id": ["a", "b"], "av_class": ["RVRA", "FVRA"], "video_fake": [0, 1]})
    with pytest.raises(ValueError, match="with both picture and sound, of two classes; got 0"):
        resample(SilentClips(), clips.assign(audio_fake=0, any_fake=clips["video_fake"]), Resampling())


@pytest.fixture
def embeddings() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2, 3], [8, 12, 30, 60])
    return (generator.normal(size=(110, 6)) + classes[:, None]).astype(np.float32), classes


@pytest.mark.parametrize("oversampler", ["smote", "borderline", "adasyn"])
def test_every_class_grows_to_about_the_largest_and_every_real_embedding_stays(oversampler, embeddings):
    made, classes, origin = resample_embeddings(*embeddings, Resampling(oversampler=oversampler))
    assert all(abs(count - 60) <= 12 for count in Counter(classes.tolist()).values())
    kept = origin >= 0
    np.testing.assert_array_equal(made[kept], embeddings[0][origin[kept]])
    assert sorted(origin[kept]) == list(range(110))


def test_smote_is_that_of_imbalanced_learn(embeddings):
    made, classes, _ = resample_embeddings(*embeddings, Resampling(neighbours=3, seed=7))
    expected, expected_classes = SMOTE(k_neighbors=3, random_state=7).fit_resample(*embeddings)
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(classes, expected_classes)


def test_a_made_embedding_lies_between_two_of_its_class(embeddings):
    made, classes, origin = resample_embeddings(*embeddings, Resampling())
    for name in range(4):
        mine = embeddings[0][embeddings[1] == name]
        new = made[(origin < 0) & (classes == name)]
        assert (new >= mine.min(axis=0) - 1e-6).all()
        assert (new <= mine.max(axis=0) + 1e-6).all()


@pytest.mark.parametrize("cleaner", ["tomek", "enn"])
def test_cleaning_takes_away_and_adds_nothing(cleaner, embeddings):
    whole, _, _ = resample_embeddings(*embeddings, Resampling())
    cleaned, classes, _ = resample_embeddings(*embeddings, Resampling(cleaner=cleaner))
    assert len(cleaned) < len(whole)
    assert {tuple(row) for row in cleaned} <= {tuple(row) for row in whole}
    assert set(classes.tolist()) == {0, 1, 2, 3}


def test_undersampling_meets_the_ratio_from_both_sides(embeddings):
    _, classes, _ = resample_embeddings(*embeddings, Resampling(cleaner="undersample", ratio=0.4))
    assert set(Counter(classes.tolist()).values()) == {24}


def test_the_same_seed_makes_the_same_embeddings(embeddings):
    one, other, third = (resample_embeddings(*embeddings, Resampling(seed=seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, third)
