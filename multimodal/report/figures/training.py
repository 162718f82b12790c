"""Curves of a training: losses and validation metrics by optimizer step."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.report.figures.canvas import add_legend, note, panel_row
from multimodal.report.figures.palette import SERIES_COLOURS
from multimodal.report.figures.text import plain

Series = dict[str, tuple[np.ndarray, np.ndarray]]
#: What a history row says about its place, its cost and its settings: not curves of learning.
_NOT_CURVES = ("step", "epoch", "seconds", "time", "learning_rate", "lr")


def training_figure(history: Sequence[dict[str, Any]]) -> Figure:
    """Losses at the left, other validation figures at the right.

    Each row of ``history`` has ``step`` and any numbers: names with ``loss`` in them are losses, everything but
    places, times and learning rates is a metric. Rows may have different names; nulls are skipped.
    """
    curves = curves_of(history)
    losses = {name: curve for name, curve in curves.items() if "loss" in name.lower()}
    metrics = {name: curve for name, curve in curves.items() if name not in losses}
    figure, (left, right) = panel_row("Training", 2, height=3.6, width=6.0)
    _draw(left, losses, "loss, nats")
    _draw(right, metrics, "validation metric")
    return figure


def curves_of(history: Sequence[dict[str, Any]]) -> Series:
    """Steps and values of every curve in ``history``, in order of step, without what is not a finite number.

    >>> {name: values.tolist() for name, (_, values) in curves_of([{"step": 1, "loss": 2.0, "lr": 0.1}]).items()}
    {'loss': [2.0]}
    """
    names = dict.fromkeys(name for row in history for name in row if name not in _NOT_CURVES)
    curves = {name: _curve(history, name) for name in names}
    return {name: curve for name, curve in curves.items() if len(curve[0])}


def _curve(history: Sequence[dict[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    points = sorted((row["step"], row[name]) for row in history if _is_number(row.get(name)))
    steps, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return steps, values


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _draw(axes: Axes, curves: Series, y_label: str) -> None:
    axes.set(xlabel="optimizer step", ylabel=y_label)
    if not curves:
        note(axes, "nothing recorded yet")
    for (name, (steps, values)), colour in zip(curves.items(), cycle(SERIES_COLOURS), strict=False):
        marker = "o" if len(steps) <= 20 else None
        axes.plot(steps, values, color=colour, linewidth=1.5, marker=marker, markersize=3.5, label=plain(name))
    add_legend(axes)
