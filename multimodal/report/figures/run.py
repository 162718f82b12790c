"""Figures of one run: the one by method, and the table of all by name, from which a run's page is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.report.figures import style
from multimodal.report.figures import thresholds as of_thresholds
from multimodal.report.figures.confusion import confusion_figure
from multimodal.report.figures.scores import class_histograms, score_scatter
from multimodal.report.figures.thresholds import Results, RunFigure, draw_figures
from multimodal.report.figures.training import training_figure

# One metric for each forgery method, with its interval.


_MAX_METHODS = 30


def method_figure(per_method: Mapping[str, Mapping[str, Any]], metric: str = "auc") -> Figure:
    """``metric`` of every method against the real clips, one panel a target, worst first.

    ``per_method`` is that of ``metrics.json``: target, then method, then ``count`` and
    ``{metric: {"value", "low", "high"}}``. Beyond 30 methods the worst 30 are drawn, and the title says so.
    """
    most = max((len(methods) for methods in per_method.values()), default=0)
    height = 0.8 + 0.3 * max(3, min(most, _MAX_METHODS))
    figure, panels = style.panel_column(f"{metric.upper()} by method", max(1, len(per_method)), height)
    for axes, (target, methods) in zip(panels, per_method.items(), strict=False):
        _draw(axes, target, methods, metric)
    for axes in panels:
        axes.set(xlabel=f"{metric.upper()} (dashed: chance)", ylabel="method (its fakes)", xlim=(-0.02, 1.02))
    return figure


def _draw(axes: Axes, target: str, methods: Mapping[str, Any], metric: str) -> None:
    rows = sorted(methods.items(), key=lambda row: (_value(row[1], metric) is None, _value(row[1], metric) or 0.0))
    shown = rows[:_MAX_METHODS]
    of_all = f", worst {len(shown)} of {len(rows)} methods" if len(shown) < len(rows) else ""
    style.panel_title(axes, f"{target}{of_all}")
    axes.axvline(0.5, color=style.MUTED, linestyle="--", linewidth=1)
    for place, (_, row) in enumerate(shown):
        result = row.get(metric) or {}
        style.interval_mark(axes, place, result.get("value"), result.get("low"), result.get("high"))
    style.name_rows(axes, [f"{style.plain(method, 22)} ({row.get('count', 0):,})" for method, row in shown])


def _value(row: Mapping[str, Any], metric: str) -> float | None:
    return (row.get(metric) or {}).get("value")


# The table of figures, each of which takes the results of a run.


def _has_classes(run: Results) -> bool:
    of_both = {"av_class", "score_video", "score_audio"} <= set(run.scores)  # a branch has but one of them
    return of_both and bool(run.scores["av_class"].notna().any())


def _confusion(run: Results) -> Figure | None:
    stored = run.metrics.get("confusion")
    return confusion_figure(stored["classes"], stored["counts"]) if stored else None


def _methods(run: Results) -> Figure | None:
    methods = run.metrics.get("per_method", {})
    return method_figure(methods) if any(methods.values()) else None


#: Every figure of the page of a run, in the order in which a reader wants them. Another one is a function that
#: takes the results, and a line here.
FIGURES: dict[str, RunFigure] = {
    **of_thresholds.FIGURES,
    "class_histograms": RunFigure(
        lambda run: class_histograms(run.scores, run.points) if _has_classes(run) else None,
        "classes",
        "A score for one modality should not move with the label of the other.",
    ),
    "confusion": RunFigure(
        _confusion, "classes", "Shares are of each row, so that rare classes count as much as common ones."
    ),
    "score_scatter": RunFigure(
        lambda run: score_scatter(run.scores, run.points) if _has_classes(run) else None,
        "classes",
        "Each class belongs in a corner of its own; lines are the first threshold of each.",
    ),
    "methods": RunFigure(
        _methods, "methods", "Number of clips in parentheses; few clips give wide intervals, which hold 95 %."
    ),
    "training": RunFigure(lambda run: training_figure(run.history) if run.history else None, "training", ""),
}


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
    scores = _of_split(scores, metrics.get("split"))
    if calibrated is not None:
        calibrated = calibrated.loc[scores.index]
    results = Results(
        scores=scores, thresholds=thresholds, calibrated=calibrated, metrics=metrics, history=history
    )
    return draw_figures(FIGURES, results)


def _of_split(scores: pd.DataFrame, split: str | None) -> pd.DataFrame:
    """The rows of one split; all of them where the table or the question names none."""
    return scores if split is None or "split" not in scores else scores[scores["split"] == split]
