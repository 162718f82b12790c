"""Confusion matrices: of the four classes, and of real and fake at each threshold."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from multimodal.labels import CLASSES
from multimodal.report.figures.sample import OperatingPoint, Sample
from multimodal.report.figures.style import (
    CLASS_COLOURS,
    INK,
    add_legend,
    blank_figure,
    panel_row,
    panel_title,
    plain,
    rule_name,
    style_axes,
)

_SIDE_BY_SIDE = 5


def confusion_figure(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Figure:
    """Counts, and shares of each true class, coloured by share. Rows are true, columns called; shape (C, C)."""
    table = np.asarray(counts, dtype=np.int64).reshape(len(classes), len(classes))
    figure, (axes,) = panel_row("Confusion of the four classes", 1, height=4.9, width=5.4)
    image = _draw_shares(axes, table)
    names = [plain(name) for name in classes]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(
        range(len(names)), [f"{name} ({total:,})" for name, total in zip(names, table.sum(1), strict=True)]
    )
    axes.set(xlabel="called", ylabel="true class (clips)")
    bar = figure.colorbar(image, ax=axes, fraction=0.046)
    bar.set_label("share of the true class", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def threshold_confusions(samples: Mapping[str, Sample], points: Mapping[str, list[OperatingPoint]]) -> Figure:
    """Real and fake called real and fake: a panel a threshold (probabilities: 0.5 first), by target.

    A threshold that several rules chose is drawn once, with the names of all.
    """
    rows = [(target, row) for target in samples for row in _rows(samples[target], points.get(target, []))]
    columns = max([2, *(len(row) for _, row in rows)])
    figure = blank_figure("Confusion at each threshold", 2.5 * columns, 3.0 * max(1, len(rows)) + 0.4)
    for place, (target, row) in enumerate(rows):
        for column, (threshold, rules) in enumerate(row.items()):
            axes = figure.add_subplot(len(rows), columns, place * columns + column + 1)
            style_axes(axes)
            panel_title(axes, "\n".join([f"{target} at {threshold:.2f}", *wrap(", ".join(rules), 30)]))
            _draw_shares(axes, decisions_at(samples[target], threshold))
            axes.set_xticks([0, 1], ["real", "fake"])
            axes.set_yticks([0, 1], ["real", "fake"])
            axes.set(xlabel="called", ylabel="true label")
    return figure


def _rows(sample: Sample, points: list[OperatingPoint]) -> Iterator[dict[float, list[str]]]:
    """Thresholds with the names of the rules that chose them, so many at a time as stand side by side."""
    is_probability = sample.score_range == (0.0, 1.0)
    rules: dict[float, list[str]] = {0.5: ["even odds"]} if is_probability else {}
    for point in points:
        rules.setdefault(point.threshold, []).append(plain(rule_name(point.rule)))
    each = list(rules.items())
    for start in range(0, len(each), _SIDE_BY_SIDE):
        yield dict(each[start : start + _SIDE_BY_SIDE])


def decisions_at(sample: Sample, threshold: float) -> Int[np.ndarray, "2 2"]:
    """Clips by true label (rows) and by what they are called (columns), real first.

    >>> decisions_at(Sample(np.array([0, 1, 1]), np.array([0.6, 0.2, 0.5])), threshold=0.5).tolist()
    [[0, 1], [1, 1]]
    """
    called = (sample.scores >= threshold).astype(np.int64)
    return np.bincount(2 * sample.labels + called, minlength=4).reshape(2, 2)


def _draw_shares(axes: Axes, table: Int[np.ndarray, "rows columns"]) -> AxesImage:
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros(table.shape), where=totals > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        share = f"{shares[row, column]:.0%}" if totals[row, 0] else "-"
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, f"{count:,}\n{share}", ha="center", va="center", fontsize=9, color=colour)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return image


# What training batches hold of each class, by the way in which classes are balanced.


def class_share_figure(drawn: Mapping[str, np.ndarray], weighted: Mapping[str, np.ndarray]) -> Figure:
    """Stacked shares of the four classes, a bar a strategy.

    Args:
        drawn: strategy → how often each class came in the batches, ``(4,)``.
        weighted: the same, each times what the class weighs in the loss.
    """
    height = 1.7 + 0.36 * len(drawn)
    figure, panels = panel_row("Shares of the four classes", 2, height=height, width=5.2)
    titles = ("windows drawn", "part of the loss (windows x class weight)")
    for axes, title, counts in zip(panels, titles, (drawn, weighted), strict=True):
        panel_title(axes, title)
        shares = np.array([values / values.sum() for values in counts.values()])
        starts = np.cumsum(shares, axis=1) - shares
        for index, name in enumerate(CLASSES):
            axes.barh(
                range(len(counts)), shares[:, index], left=starts[:, index], color=CLASS_COLOURS[name], label=name
            )
        axes.set_yticks(range(len(counts)), [plain(name) for name in counts])
        axes.set_ylim(len(counts) - 0.5, -0.5)
        axes.set(xlabel="share (0.25 each is even)", xlim=(0, 1))
        axes.grid(visible=False, axis="y")
    add_legend(panels[0], below=True)
    return figure
