"""Figures of a study: a forest of its variants, a heat map by method, and scores of one variant by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from multimodal.report.figures.canvas import panel_row, panel_title
from multimodal.report.figures.palette import FAKE_COLOUR, INK, MUTED
from multimodal.report.figures.text import plain


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
