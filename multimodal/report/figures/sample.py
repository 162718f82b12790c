"""The labels and scores of one target, as every figure takes them."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from multimodal.labels import FAKE, REAL, TARGETS
from multimodal.report.figures import style


class Sample(NamedTuple):
    """Clips whose label and score are both known.

    ``labels`` are 1 for fake and 0 for real, ``scores`` are higher for fakes, ``left_out`` counts the labelled
    clips without a finite score. Shapes: (N,), (N,).
    """

    labels: Int[np.ndarray, " clips"]
    scores: Float[np.ndarray, " clips"]
    left_out: int = 0

    @property
    def real(self) -> Float[np.ndarray, " real"]:
        """Scores of the real clips."""
        return self.scores[self.labels == REAL]

    @property
    def fake(self) -> Float[np.ndarray, " fake"]:
        """Scores of the fake clips."""
        return self.scores[self.labels == FAKE]

    @property
    def score_range(self) -> tuple[float, float]:
        """0 and 1 for probabilities, the smallest and largest score otherwise."""
        low, high = (float(self.scores.min()), float(self.scores.max())) if len(self.scores) else (0.0, 1.0)
        if low >= 0 and high <= 1:
            return 0.0, 1.0
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def missing(self) -> str | None:
        """Why nothing that compares real and fake is defined here, or None."""
        if not len(self.scores):
            return "no clip with a label and a score"
        if not len(self.fake):
            return "no fake clip"
        return None if len(self.real) else "no real clip"


def sample_of(scores: pd.DataFrame, target: str) -> Sample:
    """The clips of a scores table that can be used for ``target`` (any, video, audio).

    Reads ``{target}_fake`` and ``score_{target}``; a column that is not there counts as all unknown.
    """
    labels, values = number_column(scores, f"{target}_fake"), number_column(scores, f"score_{target}")
    labelled, scored = np.isfinite(labels), np.isfinite(values)
    usable = labelled & scored
    return Sample(labels[usable].astype(np.int64), values[usable], int((labelled & ~scored).sum()))


def samples_of(scores: pd.DataFrame, targets: Sequence[str] = TARGETS) -> dict[str, Sample]:
    """The sample of every target of which at least one clip has a label; of all targets if none has."""
    samples = {target: sample_of(scores, target) for target in targets}
    return {name: sample for name, sample in samples.items() if len(sample.labels) + sample.left_out} or samples


def describe(target: str, sample: Sample) -> str:
    """Title of a panel: the target and how many clips stand behind it.

    >>> describe("video", Sample(np.array([0, 1, 1]), np.array([0.1, 0.8, 0.9]), left_out=2))
    'video: 1 real, 2 fake, 2 not scored'
    """
    unscored = f", {sample.left_out:,} not scored" if sample.left_out else ""
    return f"{target}: {len(sample.real):,} real, {len(sample.fake):,} fake{unscored}"


def group_scores(scores: pd.DataFrame, column: str, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Finite values of ``column`` for each of the audio-visual ``classes``, empty where there is none."""
    values, names = number_column(scores, column), class_column(scores).to_numpy()
    return {name: values[np.isfinite(values) & (names == name)] for name in classes}


def class_column(scores: pd.DataFrame) -> pd.Series:
    """The audio-visual class of each row, an empty string where it is unknown."""
    if "av_class" not in scores:
        return pd.Series("", index=scores.index, dtype=object)
    return scores["av_class"].astype(object).where(scores["av_class"].notna(), "")


def number_column(scores: pd.DataFrame, column: str) -> Float[np.ndarray, " clips"]:
    """A column as floats, NaN where it is null, no number, or not there at all."""
    if column not in scores:
        return np.full(len(scores), np.nan)
    return pd.to_numeric(scores[column], errors="coerce").astype("Float64").to_numpy(np.float64, na_value=np.nan)


# Thresholds as figures draw them: lines, bands of uncertainty and marked points.


_DASHES = ("--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")


class OperatingPoint(NamedTuple):
    """A threshold chosen by a rule, with the bounds of its own uncertainty where they are known."""

    rule: str
    threshold: float
    low: float | None = None
    high: float | None = None


def operating_points(
    thresholds: Mapping[str, Any] | None, target: str, limit: int | None = 4
) -> list[OperatingPoint]:
    """The first ``limit`` rules of ``target`` in ``thresholds.json`` that have a threshold; all where it is None.

    >>> chosen = {"thresholds": {"video": {"f1": {"threshold": 0.4}, "eer": {"threshold": None}}}}
    >>> operating_points(chosen, "video")
    [OperatingPoint(rule='f1', threshold=0.4, low=None, high=None)]
    """
    rules = (thresholds or {}).get("thresholds", {}).get(target, {})
    points = [
        OperatingPoint(rule, chosen["threshold"], chosen.get("low"), chosen.get("high"))
        for rule, chosen in rules.items()
        if chosen.get("threshold") is not None
    ]
    return points[:limit]


def draw_thresholds(axes: Axes, points: list[OperatingPoint]) -> None:
    """A named vertical line at each threshold, and a band for the uncertainty of the first."""
    for point, dashes in zip(points, cycle(_DASHES), strict=False):
        name = style.threshold_name(point.rule, point.threshold)
        axes.axvline(point.threshold, color=style.INK, linewidth=1.2, linestyle=dashes, label=name)
    if points and points[0].low is not None and points[0].high is not None:
        axes.axvspan(points[0].low, points[0].high, color=style.MUTED, alpha=0.12, linewidth=0)
