"""The figures that thresholds are read from, video, audio and any side by side in each."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from multimodal.labels import TARGETS
from multimodal.report.figures.calibration import reliability_figure
from multimodal.report.figures.confusion import threshold_confusions
from multimodal.report.figures.operating import OperatingPoint, operating_points
from multimodal.report.figures.ranking import det_figure, precision_recall_figure, roc_figure
from multimodal.report.figures.sample import samples_of
from multimodal.report.figures.scores import label_histograms
from multimodal.report.figures.spread import spread_figure
from multimodal.report.figures.text import rule_name
from multimodal.report.figures.threshold import f1_figure


def threshold_figures(
    scores: pd.DataFrame, thresholds: Mapping[str, Any] | None, calibrated: pd.DataFrame | None = None
) -> dict[str, Figure]:
    """The figures by name, on the clips of ``scores``.

    Args:
        scores: the scores table of one split.
        thresholds: content of ``thresholds.json``, whose first four rules are marked; None if there is none.
        calibrated: calibrated probability of each row of ``scores``, a column a target.
    """
    samples = samples_of(scores)
    points: dict[str, list[OperatingPoint]] = {target: operating_points(thresholds, target) for target in samples}
    after = None
    if calibrated is not None:
        columns = {f"score_{target}": calibrated[target].to_numpy() for target in samples}
        after = samples_of(scores.assign(**columns), list(samples))
    figures = {
        "label_histograms": label_histograms(samples, points),
        "roc": roc_figure(samples, points),
        "precision_recall": precision_recall_figure(samples, points),
        "det": det_figure(samples, points),
        "f1_by_threshold": f1_figure(samples, points),
        "reliability": reliability_figure(samples, after),
    }
    if thresholds:
        every = {target: operating_points(thresholds, target, limit=None) for target in samples}
        figures["threshold_confusions"] = threshold_confusions(samples, every)
        figures["threshold_spread"] = spread_figure(thresholds, list(samples))
    return figures


def transfer_figure(scores: pd.DataFrame, transfer: Mapping[str, Any], num_rules: int = 2) -> Figure:
    """Scores of other clips with the stored thresholds and those chosen there, of the first rules.

    ``transfer`` is what :func:`multimodal.metrics.thresholds.transfer_thresholds` gives.
    """
    samples = samples_of(scores, [target for target in TARGETS if target in transfer])
    points = {target: _both(transfer.get(target, {}), num_rules) for target in samples}
    return label_histograms(samples, points)


def _both(rules: Mapping[str, Mapping[str, Any]], num_rules: int) -> list[OperatingPoint]:
    return [
        OperatingPoint(f"{rule_name(rule)}, {word}", entry[key])
        for rule, entry in list(rules.items())[:num_rules]
        for word, key in (("stored", "stored"), ("chosen there", "chosen_there"))
        if entry[key] is not None
    ]
