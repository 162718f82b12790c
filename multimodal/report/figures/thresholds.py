"""F1 against the threshold: what tuning a threshold can gain without training again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import TARGETS
from multimodal.report.figures.calibration import reliability_figure
from multimodal.report.figures.confusion import threshold_confusions
from multimodal.report.figures.ranking import det_figure, precision_recall_figure, roc_figure
from multimodal.report.figures.sample import (
    OperatingPoint,
    Sample,
    describe,
    draw_thresholds,
    operating_points,
    samples_of,
)
from multimodal.report.figures.scores import label_histograms
from multimodal.report.figures.style import (
    FAKE_COLOUR,
    INK,
    MUTED,
    REAL_COLOUR,
    add_legend,
    note,
    panel_row,
    panel_title,
    plain,
    rule_name,
)

_NUM_THRESHOLDS = 401


def f1_figure(samples: Mapping[str, Sample], points: Mapping[str, list[OperatingPoint]]) -> Figure:
    """F1 of fake and of real at every threshold, beside the F1 of a system that calls everything fake."""
    figure, panels = panel_row("F1 against the threshold", len(samples), height=4.2)
    for axes, (target, sample) in zip(panels, samples.items(), strict=True):
        panel_title(axes, describe(target, sample))
        axes.set(xlabel="threshold (a score at or above it is called fake)", ylabel="F1", ylim=(-0.02, 1.04))
        if reason := sample.missing():
            note(axes, f"not defined: {reason}")
        else:
            _draw_f1(axes, sample)
            draw_thresholds(axes, points.get(target, []))
        add_legend(axes, below=True)
    return figure


def f1_curves(
    sample: Sample, thresholds: Float[np.ndarray, " thresholds"]
) -> tuple[Float[np.ndarray, " thresholds"], Float[np.ndarray, " thresholds"]]:
    """F1 of fake and F1 of real when scores at or above each threshold are called fake.

    >>> sample = Sample(np.array([0, 0, 1]), np.array([0.1, 0.6, 0.9]))
    >>> of_fake, of_real = f1_curves(sample, np.array([0.5]))
    >>> round(float(of_fake[0]), 3), round(float(of_real[0]), 3)
    (0.667, 0.667)
    """
    missed = np.searchsorted(np.sort(sample.fake), thresholds)
    passed = np.searchsorted(np.sort(sample.real), thresholds)
    found, alarms = len(sample.fake) - missed, len(sample.real) - passed
    return 2 * found / (2 * found + alarms + missed), 2 * passed / (2 * passed + alarms + missed)


def _draw_f1(axes: Axes, sample: Sample) -> None:
    thresholds = np.linspace(*sample.score_range, _NUM_THRESHOLDS)
    of_fake, of_real = f1_curves(sample, thresholds)
    floor = 2 * len(sample.fake) / (2 * len(sample.fake) + len(sample.real))
    axes.plot(thresholds, of_fake, color=FAKE_COLOUR, linewidth=1.8, label="F1 of fake")
    axes.plot(thresholds, of_real, color=REAL_COLOUR, linewidth=1.8, label="F1 of real")
    axes.axhline(floor, color=MUTED, linestyle="--", linewidth=1, label=f"F1 (fake), always fake: {floor:.3f}")


# How sure each threshold is: where its rule lands when identities are drawn again.


def spread_figure(thresholds: Mapping[str, Any], names: Sequence[str]) -> Figure:
    """Every rule's threshold with the interval that holds 95 % of its choices, a panel for each of ``names``.

    ``thresholds`` is the content of ``thresholds.json``; names that it lacks have an empty panel.
    """
    rows = {name: thresholds.get("thresholds", {}).get(name, {}) for name in names}
    most = max((len(rules) for rules in rows.values()), default=0)
    height = 1.6 + 0.32 * max(3, most)
    figure, panels = panel_row("Thresholds and their own uncertainty", max(1, len(rows)), height=height)
    for axes, (name, rules) in zip(panels, rows.items(), strict=False):
        panel_title(axes, name)
        _draw_spread(axes, rules)
    for axes in panels:
        axes.set(xlabel="threshold (dashed: even odds)", ylabel="rule")
    return figure


def _draw_spread(axes: Axes, rules: Mapping[str, Mapping[str, Any]]) -> None:
    axes.axvline(0.5, color=MUTED, linestyle="--", linewidth=1)
    for place, entry in enumerate(rules.values()):
        if entry.get("threshold") is None:
            axes.text(0.52, place, "not defined", va="center", fontsize=8.5, color=MUTED)
            continue
        if entry.get("low") is not None and entry.get("high") is not None:
            axes.plot([entry["low"], entry["high"]], [place, place], color=INK, linewidth=1.6)
        axes.plot([entry["threshold"]], [place], "o", color=INK, markersize=5.5)
    if not rules:
        note(axes, "no threshold")
    axes.set_yticks(range(len(rules)), [plain(rule_name(rule), 24) for rule in rules])
    axes.set_ylim(max(len(rules), 1) - 0.5, -0.5)
    axes.set_xlim(*_spread_limits(rules))
    axes.grid(visible=False, axis="y")


def _spread_limits(rules: Mapping[str, Mapping[str, Any]]) -> tuple[float, float]:
    """0 to 1, or as far as the thresholds of scores that are no probabilities reach."""
    ends = [
        entry[end]
        for entry in rules.values()
        for end in ("threshold", "low", "high")
        if entry.get(end) is not None
    ]
    low, high = min([0.0, *ends]), max([1.0, *ends])
    margin = 0.03 * (high - low)
    return low - margin, high + margin


# The figures that thresholds are read from, video, audio and any side by side in each.


def threshold_figures(
    scores: pd.DataFrame, thresholds: Mapping[str, Any] | None, calibrated: pd.DataFrame | None = None
) -> dict[str, Figure]:
    """The figures by name, on the clips of ``scores``.

    Args:
        scores: the scores table of one split.
        thresholds: content of ``thresholds.json``, whose first four rules are marked; None if there is none.
        calibrated: calibrated probability of each row of ``scores``, a column a target.
    """
    samples = samples_of(scores)
    points: dict[str, list[OperatingPoint]] = {target: operating_points(thresholds, target) for target in samples}
    after = None
    if calibrated is not None:
        columns = {f"score_{target}": calibrated[target].to_numpy() for target in samples}
        after = samples_of(scores.assign(**columns), list(samples))
    figures = {
        "label_histograms": label_histograms(samples, points),
        "roc": roc_figure(samples, points),
        "precision_recall": precision_recall_figure(samples, points),
        "det": det_figure(samples, points),
        "f1_by_threshold": f1_figure(samples, points),
        "reliability": reliability_figure(samples, after),
    }
    if thresholds:
        every = {target: operating_points(thresholds, target, limit=None) for target in samples}
        figures["threshold_confusions"] = threshold_confusions(samples, every)
        figures["threshold_spread"] = spread_figure(thresholds, list(samples))
    return figures


def transfer_figure(scores: pd.DataFrame, transfer: Mapping[str, Any], num_rules: int = 2) -> Figure:
    """Scores of other clips with the stored thresholds and those chosen there, of the first rules.

    ``transfer`` is what :func:`multimodal.metrics.thresholds.transfer_thresholds` gives.
    """
    samples = samples_of(scores, [target for target in TARGETS if target in transfer])
    points = {target: _both(transfer.get(target, {}), num_rules) for target in samples}
    return label_histograms(samples, points)


def _both(rules: Mapping[str, Mapping[str, Any]], num_rules: int) -> list[OperatingPoint]:
    return [
        OperatingPoint(f"{rule_name(rule)}, {word}", entry[key])
        for rule, entry in list(rules.items())[:num_rules]
        for word, key in (("stored", "stored"), ("chosen there", "chosen_there"))
        if entry[key] is not None
    ]
