"""Counts of classes: confusion of the four, of real and fake at each threshold, and shares in training batches."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import CLASSES
from multimodal.report.figures import style
from multimodal.report.figures.sample import OperatingPoint, Sample


def confusion_figure(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Figure:
    """Counts, and shares of each true class, coloured by share. Rows are true, columns called; shape (C, C)."""
    table = np.asarray(counts, dtype=np.int64).reshape(len(classes), len(classes))
    figure, (axes,) = style.panel_column("Confusion of the four classes", 1, 3.3)
    _draw_shares(axes, table)
    names = [style.plain(name) for name in classes]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(
        range(len(names)), [f"{name} ({total:,})" for name, total in zip(names, table.sum(1), strict=True)]
    )
    axes.set(xlabel="called", ylabel="true class (clips)")
    return figure


def threshold_confusions(samples: Mapping[str, Sample], points: Mapping[str, list[OperatingPoint]]) -> Figure:
    """Real and fake called real and fake: a panel a target, a row a threshold (probabilities: 0.5 first).

    A threshold that several rules chose is drawn once, with the names of all.
    """
    rows = {target: _rules_by_threshold(sample, points.get(target, [])) for target, sample in samples.items()}
    names = {target: [_row_name(*rule) for rule in rules.items()] for target, rules in rows.items()}
    heights = [1.0 + _row_height(lines) * max(1, len(lines)) for lines in names.values()]
    figure = style.blank_figure("Confusion at each threshold", sum(heights))
    grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
    for place, (target, rules) in enumerate(rows.items()):
        axes = figure.add_subplot(grid[place, 0])
        style.style_axes(axes)
        style.panel_title(axes, target)
        axes.set(xlabel="true label, and what it is called", ylabel="threshold")
        if not rules:
            style.note(axes, "no threshold")
            continue
        decisions = [decisions_at(samples[target], threshold) for threshold in rules]
        _draw_shares(axes, np.stack(decisions))
        axes.set_xticks(range(4), ["real:\nreal", "real:\nfake", "fake:\nreal", "fake:\nfake"])
        axes.set_yticks(range(len(rules)), names[target])
    return figure


def _rules_by_threshold(sample: Sample, points: Sequence[OperatingPoint]) -> dict[float, list[str]]:
    """Thresholds with the names of the rules that chose them, even odds first where scores are probabilities."""
    is_probability = sample.score_range == (0.0, 1.0)
    rules: dict[float, list[str]] = {0.5: ["even odds"]} if is_probability else {}
    for point in points:
        rules.setdefault(point.threshold, []).append(style.plain(style.rule_name(point.rule)))
    return rules


def _row_name(threshold: float, rules: Sequence[str]) -> str:
    return fill(f"{threshold:.2f} {', '.join(rules)}", 24)


def _row_height(names: Sequence[str]) -> float:
    """Inches of a row with room for the two lines of its cells, and for all lines of the longest name."""
    return 0.17 * max([2.4, *(name.count("\n") + 1.4 for name in names)])


def decisions_at(sample: Sample, threshold: float) -> Int[np.ndarray, "2 2"]:
    """Clips by true label (rows) and by what they are called (columns), real first.

    >>> decisions_at(Sample(np.array([0, 1, 1]), np.array([0.6, 0.2, 0.5])), threshold=0.5).tolist()
    [[0, 1], [1, 1]]
    """
    called = (sample.scores >= threshold).astype(np.int64)
    return np.bincount(2 * sample.labels + called, minlength=4).reshape(2, 2)


def _draw_shares(axes: Axes, counts: Int[np.ndarray, "*rows columns"]) -> None:
    """Cells with counts and shares of their row; tables stacked beneath each other become one row each."""
    totals = counts.sum(axis=-1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    texts = [
        f"{count:,}\n{share:.0%}" if total else f"{count:,}\n-"
        for count, share, total in zip(
            counts.flat, shares.flat, np.broadcast_to(totals, counts.shape).flat, strict=True
        )
    ]
    rows = len(counts)
    style.heat_map(axes, shares.reshape(rows, -1), np.reshape(texts, (rows, -1)).tolist(), (0, 1))


# What training batches hold of each class, by the way in which classes are balanced.


def class_share_figure(drawn: Mapping[str, np.ndarray], weighted: Mapping[str, np.ndarray]) -> Figure:
    """Stacked shares of the four classes, a bar a strategy.

    Args:
        drawn: strategy → how often each class came in the batches, ``(4,)``.
        weighted: the same, each times what the class weighs in the loss.
    """
    figure, panels = style.panel_column("Shares of the four classes", 2, 0.9 + 0.3 * len(drawn))
    titles = ("windows drawn", "part of the loss")
    for axes, title, counts in zip(panels, titles, (drawn, weighted), strict=True):
        style.panel_title(axes, title)
        shares = np.array([values / values.sum() for values in counts.values()])
        starts = np.cumsum(shares, axis=1) - shares
        for index, name in enumerate(CLASSES):
            axes.barh(
                range(len(counts)),
                shares[:, index],
                left=starts[:, index],
                color=style.CLASS_COLOURS[name],
                label=name,
            )
        style.name_rows(axes, [style.plain(name, 24) for name in counts])
        axes.set(xlabel="share (0.25 each is even)", xlim=(0, 1))
    style.add_legend(panels[-1])
    return figure
