"""All figures of one run, by name, in the order in which a reader wants them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from multimodal.labels import TARGETS
from multimodal.report.figures.confusion import confusion_figure
from multimodal.report.figures.methods import method_figure
from multimodal.report.figures.sample import OperatingPoint, operating_points
from multimodal.report.figures.scores import class_histograms, score_scatter
from multimodal.report.figures.thresholds import threshold_figures
from multimodal.report.figures.training import training_figure


def run_figures(
    *,
    metrics: Mapping[str, Any],
    thresholds: Mapping[str, Any] | None,
    scores: pd.DataFrame,
    history: Sequence[dict[str, Any]] = (),
    calibrated: pd.DataFrame | None = None,
) -> dict[str, Figure]:
    """The figures of a run on the split that ``metrics`` speaks of.

    ``scores`` is the scores table, ``calibrated`` the calibrated probability of each of its rows, a column a
    target; rows of other splits are left out. A figure that needs what is not there (classes, methods, a history)
    is not made. Panels on which a curve is not defined say why.
    """
    scores = of_split(scores, metrics.get("split"))
    if calibrated is not None:
        calibrated = calibrated.loc[scores.index]
    figures = threshold_figures(scores, thresholds, calibrated)
    points: dict[str, list[OperatingPoint]] = {target: operating_points(thresholds, target) for target in TARGETS}
    if "av_class" in scores and scores["av_class"].notna().any():
        figures["class_histograms"] = class_histograms(scores, points)
        figures["score_scatter"] = score_scatter(scores, points)
    if metrics.get("confusion"):
        figures["confusion"] = confusion_figure(metrics["confusion"]["classes"], metrics["confusion"]["counts"])
    if any(metrics.get("per_method", {}).values()):
        figures["methods"] = method_figure(metrics["per_method"])
    if history:
        figures["training"] = training_figure(history)
    return figures


def of_split(scores: pd.DataFrame, split: str | None) -> pd.DataFrame:
    """The rows of one split; all of them where the table or the question names none."""
    return scores if split is None or "split" not in scores else scores[scores["split"] == split]
