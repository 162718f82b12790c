"""Curves of a training: losses and validation metrics by optimizer step."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import CLASSES
from multimodal.report.figures import style

Series = dict[str, tuple[np.ndarray, np.ndarray]]
#: What a history row says about its place, its cost and its settings: not curves of learning.
_NOT_CURVES = ("step", "epoch", "seconds", "time", "learning_rate", "lr")


def training_figure(history: Sequence[dict[str, Any]]) -> Figure:
    """Losses above, other figures of validation beneath.

    Each row of ``history`` has ``step`` and any numbers: names with ``loss`` in them are losses, everything but
    places, times and learning rates is a metric. Rows may have different names; nulls are skipped.
    """
    curves = curves_of(history)
    losses = {name: curve for name, curve in curves.items() if "loss" in name.lower()}
    metrics = {name: curve for name, curve in curves.items() if name not in losses}
    figure, (upper, lower) = style.panel_column("Training", 2, 3.0)
    _draw(upper, losses, "loss, nats")
    _draw(lower, metrics, "validation metric")
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
        style.note(axes, "nothing recorded yet")
    for (name, (steps, values)), colour in zip(curves.items(), cycle(style.SERIES_COLOURS), strict=False):
        marker = "o" if len(steps) <= 20 else None
        axes.plot(
            steps, values, color=colour, linewidth=1.5, marker=marker, markersize=3.5, label=style.plain(name)
        )
    style.add_legend(axes)


# Cross entropy, focal and weighted focal loss against how sure a model is of the right class.


class LossPoints(NamedTuple):
    """Windows of real batches: probability of the right class, loss, and class of each. Shapes: (N,)."""

    probability: Float[np.ndarray, " windows"]
    loss: Float[np.ndarray, " windows"]
    label: Int[np.ndarray, " windows"]


def loss_figure(points: Mapping[str, LossPoints]) -> Figure:
    """A panel a loss: every window a dot in the colour of its class, on the curve of cross entropy.

    What lies far below the grey curve counts for little in that loss; dots of one class on a curve of their own
    show what its weight does.
    """
    figure, panels = style.panel_column("Loss of a window", len(points), 3.2)
    probability = np.linspace(0.01, 1, 200)
    highest = max(-np.log(0.01), *(float(one.loss.max()) for one in points.values()))
    for axes, (name, one) in zip(panels, points.items(), strict=True):
        style.panel_title(axes, f"{name}: mean {one.loss.mean():.3f} nats")
        axes.plot(probability, -np.log(probability), color=style.GRID, linewidth=3)
        axes.plot(probability, -np.log(probability), color=style.MUTED, linewidth=0.8, label="cross entropy")
        for index, label in enumerate(CLASSES):
            mine = one.label == index
            axes.plot(
                one.probability[mine],
                one.loss[mine],
                "o",
                markersize=4,
                alpha=0.7,
                color=style.CLASS_COLOURS[label],
                label=label,
            )
        axes.set(
            xlabel="probability of the right class",
            ylabel="loss, nats",
            xlim=(0, 1),
            ylim=(-0.05 * highest, highest),
        )
    style.add_legend(panels[-1])
    return figure
