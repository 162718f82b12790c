from typing import Any

import numpy as np
import pandas as pd
import pytest

from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics.evaluation import evaluate_scores
from multimodal.metrics.thresholds import choose_threshold

HOSTILE = '<script>alert("x")</script> $\\frac{1}$ 日本 https://evil.example/x.png'


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """A scores table of 120 clips in all four classes, some without sound, two splits."""
    generator = np.random.default_rng(0)
    classes = generator.choice(4, 120, p=[0.1, 0.2, 0.3, 0.4])
    fake = {"video": classes // 2, "audio": classes % 2}
    probability = {
        name: 1 / (1 + np.exp(-generator.normal(3.0 * label - 1.5, 1.2))) for name, label in fake.items()
    }
    video, audio = probability["video"], probability["audio"]
    table = pd.DataFrame(
        {
            "clip_id": [f"synthetic/{row}.mp4" for row in range(120)],
            "identity": [f"person {row % 11}" for row in range(120)],
            "split": np.where(np.arange(120) % 3 == 0, "val", "test"),
            "method": np.array(["real", "rtvc", "faceswap", HOSTILE])[classes],
            "av_class": np.array(CLASSES)[classes],
            "video_fake": pd.array(fake["video"], dtype="Int8"),
            "audio_fake": pd.array(fake["audio"], dtype="Int8"),
            "any_fake": pd.array((classes > 0).astype(int), dtype="Int8"),
            "score_video": video,
            "score_audio": audio,
            "score_any": 1 - (1 - video) * (1 - audio),
        }
    )
    posterior = {"RVRA": (1 - video) * (1 - audio), "RVFA": (1 - video) * audio, "FVRA": video * (1 - audio)}
    table = table.assign(**{f"p_{name}": value for name, value in posterior.items()}, p_FVFA=video * audio)
    table.loc[4:7, ["score_audio", *(f"p_{name}" for name in CLASSES)]] = np.nan
    return table


@pytest.fixture(scope="module")
def thresholds(scores) -> dict[str, Any]:
    """Thresholds chosen on the validation rows, and one that is not defined under a hostile name."""
    rows = scores[scores["split"] == "val"]
    chosen = {target: _choose(rows.dropna(subset=[f"score_{target}"]), target) for target in TARGETS}
    return {"chosen_on": "val", "thresholds": chosen}


@pytest.fixture(scope="module")
def metrics(scores, thresholds) -> dict[str, Any]:
    """Metrics of the test rows, as ``metrics.json`` holds them."""
    rows = scores[scores["split"] == "test"]
    return evaluate_scores(rows, thresholds=thresholds["thresholds"], replicates=20)


def _choose(rows: pd.DataFrame, target: str) -> dict[str, Any]:
    is_fake = rows[f"{target}_fake"] == 1
    fake, real = (rows.loc[mask, f"score_{target}"].to_numpy() for mask in (is_fake, ~is_fake))
    rules = {
        name: choose_threshold(name, fake_scores=fake, real_scores=real, replicates=20).as_json()
        for name in ("f1", "youden")
    }
    return {**rules, HOSTILE: choose_threshold("f1", fake_scores=[0.5], real_scores=[0.5]).as_json()}


@pytest.fixture(scope="module")
def history() -> list[dict[str, Any]]:
    """Rows as a training writes them: losses often, validation now and then."""
    losses = [{"step": step, "loss": 2.0 / (1 + step), "learning_rate": 1e-3} for step in range(8)]
    return [*losses, {"step": 4, "val_auc_any": 0.7, HOSTILE: None}, {"step": 8, "val_auc_any": 0.8}]
