"""Figures of studies: variants as a forest and by method, imbalance by ratio, and runs against test sets."""

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, product
from typing import Any, NamedTuple, get_args

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from multimodal.report.figures import style
from multimodal.report.study_table import MEASURES, is_significant, shown_measures
from multimodal.training.options import LossName


def forest_figure(results: Mapping[str, Any], measures: Mapping[str, str], significant: Sequence[str]) -> Figure:
    """Every variant with its 95 % interval, a panel a measure, in the order of the study.

    Args:
        results: of a study.
        measures: name → title of those to draw.
        significant: ``"variant measure"`` of differences from the baseline that are larger than chance.
    """
    names = list(results["variants"])
    height = 0.8 + 0.3 * max(3, len(names))
    figure, panels = style.panel_column("Variants, mean over seeds with 95 % interval", len(measures), height)
    for axes, (measure, title) in zip(panels, measures.items(), strict=True):
        style.panel_title(axes, title)
        baseline = results["variants"][results["baseline"]]["measures"].get(measure, {}).get("value")
        if baseline is not None:
            axes.axvline(baseline, color=style.MUTED, linestyle="--", linewidth=1)
        for place, name in enumerate(names):
            entry = results["variants"][name]["measures"].get(measure) or {}
            if entry.get("value") is None:
                continue
            colour = style.FAKE_COLOUR if f"{name} {measure}" in significant else style.INK
            style.interval_mark(axes, place, entry["value"], entry["low"], entry["high"], colour)
            axes.plot(entry["seeds"], [place] * len(entry["seeds"]), "|", color=style.MUTED, markersize=7)
        style.name_rows(axes, [style.plain(name, 24) for name in names])
        axes.set(xlabel="dashed: baseline; ticks: seeds")
    return figure


def method_heat_map(results: Mapping[str, Any]) -> Figure:
    """AUC of any by method (against all real clips) and variant, mean over seeds."""
    names = list(results["variants"])
    methods = sorted({method for row in results["variants"].values() for method in row["per_method"]})
    width, height = 1.9 + 0.42 * len(methods), 1.9 + 0.3 * max(3, len(names))
    figure, (axes,) = style.panel_column("AUC by forgery method", 1, height, max(width, style.COLUMN))
    values = np.array(
        [[results["variants"][name]["per_method"].get(method, np.nan) for method in methods] for name in names]
    )
    values = values.reshape(len(names), len(methods))
    texts = [["-" if np.isnan(value) else f"{value:.2f}" for value in row] for row in values]
    style.heat_map(axes, values, texts, (0.5, 1.0))
    axes.set_xticks(range(len(methods)), [style.plain(method, 18) for method in methods], rotation=40, ha="right")
    axes.set_yticks(range(len(names)), [style.plain(name, 24) for name in names])
    axes.set(xlabel="method of the fakes")
    return figure


#: Measures of the forest.
_FOREST = ("auc_any", "auc_video", "auc_audio", "ap_real")


class StudyFigure(NamedTuple):
    """A figure of a study: what draws it from the results, the heading above it, and how to read it."""

    draw: Callable[[Mapping[str, Any]], Figure]
    title: str
    caption: str


def _forest(results: Mapping[str, Any]) -> Figure:
    measures = {name: MEASURES[name] for name in _FOREST if name in shown_measures(results)}
    significant = [
        f"{name} {measure}"
        for name, row in results["variants"].items()
        for measure in measures
        if is_significant(row["measures"].get(measure))
    ]
    return forest_figure(results, measures, significant)


#: Every figure of a study's page in order. Another one is a function that takes the results, and a line here.
FIGURES: dict[str, StudyFigure] = {
    "forest": StudyFigure(
        _forest,
        "Every variant",
        "Each variant with its interval; orange differs from the baseline by more than chance. The floor of a "
        "system that knows nothing is an AUC of 0.5.",
    ),
    "methods": StudyFigure(
        method_heat_map, "By forgery method", "AUC between the fakes of one method and all real clips."
    ),
}


def study_figures(results: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures of :data:`FIGURES` by name."""
    return {name: figure.draw(results) for name, figure in FIGURES.items()}


# The study of imbalance in one figure: F1 and recall of the reals against the ratio.


_LINES = dict(zip(get_args(LossName), cycle(("-", "--", ":", "-.")), strict=False))


def imbalance_figure(results: Mapping[str, Any], measure: str = "f1", title: str = "F1 of the reals") -> Figure:
    """One panel a threshold, a colour a balance, a line style a loss; the ratio on a logarithmic axis."""
    ratios = [float(ratio) for ratio in results["ratios"]]
    figure, panels = style.panel_column(f"{title} against imbalance", 2, 3.2)
    for axes, threshold in zip(panels, ("at 0.5", "tuned"), strict=True):
        style.panel_title(axes, f"threshold {threshold}")
        rows = [row for table in results["ratios"].values() for row in table if row["threshold"] == threshold]
        balances = list(dict.fromkeys(row["balance"] for row in rows))
        for number, balance in enumerate(balances):
            for loss, dashes in _LINES.items():
                values = [
                    _measured(table, balance, loss, threshold, measure) for table in results["ratios"].values()
                ]
                colour = style.SERIES_COLOURS[number % len(style.SERIES_COLOURS)]
                name = balance if loss == "cross_entropy" else None
                axes.plot(
                    ratios, values, dashes, color=colour, label=name, marker="o", markersize=3.5, linewidth=1.4
                )
        for loss, dashes in _LINES.items():
            axes.plot([], [], dashes, color=style.MUTED, label=loss.replace("_", " "))
        axes.set_xscale("log")
        axes.set_xticks(ratios, [f"{ratio:g}:1" for ratio in ratios])
        axes.minorticks_off()
        axes.set(xlabel="fakes for each real training clip", ylabel=title, ylim=(-0.02, 1.02))
        style.add_legend(axes)
    return figure


def _measured(table: list[Mapping[str, Any]], balance: str, loss: str, threshold: str, measure: str) -> float:
    wanted = (balance, loss, threshold)
    for row in table:
        if (row["balance"], row["loss"], row["threshold"]) == wanted:
            return row["measures"][measure]["value"]
    return float("nan")


# Trained on one corpus, tested on the others: AUC and equal error rate of every pair.


#: Metric → title, colours, and the values between which they change.
_PANELS = {
    "auc": ("AUC (1 is best, 0.5 is chance)", style.SHARE_HEAT, (0.5, 1.0)),
    "eer": ("equal error rate (0 is best)", style.ERROR_HEAT, (0.0, 0.5)),
}

#: Run → source → metric → value with its interval; ``own`` where the run was trained on the source's corpora.
Cells = Mapping[str, Mapping[str, Mapping[str, Any]]]


def matrix_figure(title: str, cells: Cells, sources: Sequence[str]) -> Figure:
    """A row a run, a column a test set; corpora that a run was trained on are framed."""
    runs = list(cells)
    width, height = max(style.COLUMN, 1.4 + 0.95 * len(sources)), 0.9 + 0.6 * len(runs)
    figure, panels = style.panel_column(title, len(_PANELS), height, width)
    for axes, (metric, (name, colours, bounds)) in zip(panels, _PANELS.items(), strict=True):
        entries = [[cells[run][source][metric] for source in sources] for run in runs]
        values = np.array(
            [[np.nan if entry["value"] is None else entry["value"] for entry in row] for row in entries]
        )
        style.heat_map(
            axes, values.astype(float), [[_text(entry) for entry in row] for row in entries], bounds, colours
        )
        style.panel_title(axes, name)
        axes.set_xticks(range(len(sources)), [style.plain(source) for source in sources])
        axes.set_yticks(range(len(runs)), [style.plain(run) for run in runs])
        axes.set(xlabel="tested on", ylabel="run")
        for (row, run), (column, source) in product(enumerate(runs), enumerate(sources)):
            if cells[run][source]["own"]:
                axes.add_patch(_frame(row, column))
    return figure


def _text(entry: Mapping[str, Any]) -> str:
    if entry["value"] is None:
        return "not defined"
    bounds = "" if entry["low"] is None else f"\n{entry['low']:.2f} to {entry['high']:.2f}"
    return f"{entry['value']:.3f}{bounds}"


def _frame(row: int, column: int) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, edgecolor=style.INK, linewidth=1.5)
