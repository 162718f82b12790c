"""Trained on one corpus, tested on the others: AUC and equal error rate of every pair."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from multimodal.report.figures.canvas import panel_row, panel_title
from multimodal.report.figures.palette import INK
from multimodal.report.figures.text import plain

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
        values = np.array([[_value(cells[run][source][metric]) for source in sources] for run in runs])
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


def _value(entry: Mapping[str, Any]) -> float:
    return np.nan if entry["value"] is None else float(entry["value"])
