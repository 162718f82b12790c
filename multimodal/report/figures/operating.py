"""Thresholds as figures draw them: lines, bands of uncertainty and marked points."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from multimodal.report.figures.palette import INK, MUTED
from multimodal.report.figures.text import plain, rule_name

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
        name = f"{plain(rule_name(point.rule))}: {point.threshold:.2f}"
        axes.axvline(point.threshold, color=INK, linewidth=1.2, linestyle=dashes, label=name)
    if points and points[0].low is not None and points[0].high is not None:
        axes.axvspan(points[0].low, points[0].high, color=MUTED, alpha=0.12, linewidth=0)
