"""Figures of a study: a forest of its variants, a heat map by method, and scores of one variant by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from multimodal.report.figures.style import (
    FAKE_COLOUR,
    INK,
    MUTED,
    SERIES_COLOURS,
    add_legend,
    panel_row,
    panel_title,
    plain,
)


def forest_figure(results: Mapping[str, Any], measures: Mapping[str, str], significant: Sequence[str]) -> Figure:
    """Every variant with its 95 % interval, a panel a measure, in the order of the study.

    Args:
        results: of a study.
        measures: name → title of those to draw.
        significant: ``"variant measure"`` of differences from the baseline that are larger than chance.
    """
    names = list(results["variants"])
    height = 1.5 + 0.3 * max(3, len(names))
    figure, panels = panel_row("Variants, mean over seeds with 95 % interval", len(measures), height=height)
    for axes, (measure, title) in zip(panels, measures.items(), strict=True):
        panel_title(axes, title)
        baseline = results["variants"][results["baseline"]]["measures"].get(measure, {}).get("value")
        if baseline is not None:
            axes.axvline(baseline, color=MUTED, linestyle="--", linewidth=1)
        for place, name in enumerate(names):
            entry = results["variants"][name]["measures"].get(measure) or {}
            if entry.get("value") is None:
                continue
            colour = FAKE_COLOUR if f"{name} {measure}" in significant else INK
            if entry["low"] is not None:
                axes.plot([entry["low"], entry["high"]], [place, place], color=colour, linewidth=1.6)
            axes.plot([entry["value"]], [place], "o", color=colour, markersize=5.5)
            axes.plot(entry["seeds"], [place] * len(entry["seeds"]), "|", color=MUTED, markersize=7)
        axes.set_yticks(range(len(names)), [plain(name, 24) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set(xlabel=f"{title} (line: {plain(results['baseline'], 20)}; ticks: seeds)")
        axes.grid(visible=False, axis="y")
    return figure


def method_heat_map(results: Mapping[str, Any]) -> Figure:
    """AUC of any by method (against all real clips) and variant, mean over seeds."""
    names = list(results["variants"])
    methods = sorted({method for row in results["variants"].values() for method in row["per_method"]})
    width, height = 2.6 + 0.75 * max(3, len(methods)), 1.9 + 0.3 * max(3, len(names))
    figure, (axes,) = panel_row("AUC by forgery method", 1, height=height, width=width)
    values = np.array(
        [[results["variants"][name]["per_method"].get(method, np.nan) for method in methods] for name in names]
    )
    values = values.reshape(len(names), len(methods))
    axes.imshow(values, vmin=0.5, vmax=1.0, cmap="viridis", aspect="auto")
    for row, column in np.ndindex(*values.shape):
        value = values[row, column]
        text, colour = ("-", MUTED) if np.isnan(value) else (f"{value:.2f}", "white" if value < 0.8 else "black")
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(methods)), [plain(method, 18) for method in methods], rotation=30, ha="right")
    axes.set_yticks(range(len(names)), [plain(name, 24) for name in names])
    axes.set(xlabel="forgery method of the fakes, against all real clips", ylabel="variant")
    axes.grid(visible=False)
    return figure


# The study of imbalance in one figure: F1 and recall of the reals against the ratio.


_LINES = {"cross_entropy": "-", "focal": "--", "weighted_focal": ":"}


def imbalance_figure(results: Mapping[str, Any], measure: str = "f1", title: str = "F1 of the reals") -> Figure:
    """One panel a threshold, a colour a balance, a line style a loss; the ratio on a logarithmic axis."""
    ratios = [float(ratio) for ratio in results["ratios"]]
    figure, panels = panel_row(f"{title} against imbalance", 2, height=4.6, width=5.2)
    for axes, threshold in zip(panels, ("at 0.5", "tuned"), strict=True):
        panel_title(axes, f"threshold {threshold}")
        rows = [row for table in results["ratios"].values() for row in table if row["threshold"] == threshold]
        balances = list(dict.fromkeys(row["balance"] for row in rows))
        for number, balance in enumerate(balances):
            for loss, style in _LINES.items():
                values = [
                    _measured(table, balance, loss, threshold, measure) for table in results["ratios"].values()
                ]
                colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
                name = balance if loss == "cross_entropy" else None
                axes.plot(
                    ratios, values, style, color=colour, label=name, marker="o", markersize=3.5, linewidth=1.4
                )
        axes.set_xscale("log")
        axes.set_xticks(ratios, [f"{ratio:g}:1" for ratio in ratios])
        axes.minorticks_off()
        axes.set(xlabel="fakes for each real training clip", ylabel=title, ylim=(-0.02, 1.02))
        add_legend(axes, below=True)
    figure.text(0.99, 0.99, "full: cross entropy   dashed: focal   dotted: weighted focal", ha="right", va="top")
    return figure


def _measured(table: list[Mapping[str, Any]], balance: str, loss: str, threshold: str, measure: str) -> float:
    wanted = (balance, loss, threshold)
    for row in table:
        if (row["balance"], row["loss"], row["threshold"]) == wanted:
            return row["measures"][measure]["value"]
    return float("nan")


# Trained on one corpus, tested on the others: AUC and equal error rate of every pair.


#: Metric → colours from its worst to its best.
_PANELS = {"auc": ("AUC (1 is best, 0.5 is chance)", "Blues"), "eer": ("equal error rate (0 is best)", "Oranges")}

#: Run → source → metric → value with its interval; ``own`` where the run was trained on the source's corpora.
Cells = Mapping[str, Mapping[str, Mapping[str, Any]]]


def matrix_figure(title: str, cells: Cells, sources: Sequence[str]) -> Figure:
    """A row a run, a column a test set; corpora that a run was trained on are framed."""
    runs = list(cells)
    height = 1.4 + 0.8 * len(runs)
    figure, panels = panel_row(title, len(_PANELS), height=height, width=2.2 + 1.3 * len(sources))
    for axes, (metric, (name, colours)) in zip(panels, _PANELS.items(), strict=True):
        values = np.array([[_cell_value(cells[run][source][metric]) for source in sources] for run in runs])
        worst, best = (0.5, 1.0) if metric == "auc" else (0.0, 0.5)
        axes.imshow(values, cmap=colours, vmin=worst, vmax=best, aspect="auto")
        panel_title(axes, name)
        axes.set_xticks(range(len(sources)), [plain(source) for source in sources])
        axes.set_yticks(range(len(runs)), [plain(run) for run in runs])
        axes.set(xlabel="tested on", ylabel="run")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        for row, run in enumerate(runs):
            for column, source in enumerate(sources):
                _write(axes, row, column, cells[run][source], metric, (worst + best) / 2)
    return figure


def _write(axes: Axes, row: int, column: int, cell: Mapping[str, Any], metric: str, middle: float) -> None:
    entry = cell[metric]
    text = "not defined" if entry["value"] is None else f"{entry['value']:.3f}"
    if entry["low"] is not None:
        text += f"\n{entry['low']:.2f} to {entry['high']:.2f}"
    dark = entry["value"] is not None and entry["value"] > middle + 0.15
    axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else INK)
    if cell["own"]:
        axes.add_patch(_frame(row, column))


def _frame(row: int, column: int) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, edgecolor=INK, linewidth=1.5)


def _cell_value(entry: Mapping[str, Any]) -> float:
    return np.nan if entry["value"] is None else float(entry["value"])
