"""Figures that thresholds are read from: F1 at each, how sure they are, stored beside chosen anew.

``FIGURES`` is the table of those that every page of a run shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import TARGETS
from multimodal.report.figures import style
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

_NUM_THRESHOLDS = 401


def f1_figure(samples: Mapping[str, Sample], points: Mapping[str, list[OperatingPoint]]) -> Figure:
    """F1 of fake and of real at every threshold, beside the F1 of a system that calls everything fake."""
    figure, panels = style.panel_column("F1 against the threshold", len(samples), 3.0)
    for axes, (target, sample) in zip(panels, samples.items(), strict=True):
        style.panel_title(axes, describe(target, sample))
        axes.set(xlabel="threshold (called fake from here on)", ylabel="F1", ylim=(-0.02, 1.04))
        if reason := sample.missing():
            style.note(axes, f"not defined: {reason}")
        else:
            _draw_f1(axes, sample)
            draw_thresholds(axes, points.get(target, []))
        style.add_legend(axes)
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
    axes.plot(thresholds, of_fake, color=style.FAKE_COLOUR, linewidth=1.8, label="F1 of fake")
    axes.plot(thresholds, of_real, color=style.REAL_COLOUR, linewidth=1.8, label="F1 of real")
    axes.axhline(
        floor, color=style.MUTED, linestyle="--", linewidth=1, label=f"F1 (fake), always fake: {floor:.3f}"
    )


# How sure each threshold is: where its rule lands when identities are drawn again.


def spread_figure(thresholds: Mapping[str, Any], names: Sequence[str]) -> Figure:
    """Every rule's threshold with the interval that holds 95 % of its choices, a panel for each of ``names``.

    ``thresholds`` is the content of ``thresholds.json``; names that it lacks have an empty panel.
    """
    rows = {name: thresholds.get("thresholds", {}).get(name, {}) for name in names}
    most = max((len(rules) for rules in rows.values()), default=0)
    height = 0.8 + 0.3 * max(3, most)
    figure, panels = style.panel_column("Thresholds and their own uncertainty", max(1, len(rows)), height)
    for axes, (name, rules) in zip(panels, rows.items(), strict=False):
        style.panel_title(axes, name)
        _draw_spread(axes, rules)
    for axes in panels:
        axes.set(xlabel="threshold (dashed: even odds)", ylabel="rule")
    return figure


def _draw_spread(axes: Axes, rules: Mapping[str, Mapping[str, Any]]) -> None:
    axes.axvline(0.5, color=style.MUTED, linestyle="--", linewidth=1)
    for place, entry in enumerate(rules.values()):
        style.interval_mark(axes, place, entry.get("threshold"), entry.get("low"), entry.get("high"))
    if not rules:
        style.note(axes, "no threshold")
    style.name_rows(axes, [style.plain(style.rule_name(rule), 24) for rule in rules])
    axes.set_xlim(*_spread_limits(rules))


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


# The table of figures, and what they are drawn from.


@dataclass(frozen=True, kw_only=True)
class Results:
    """What the figures of a run are drawn from.

    Args:
        scores: the scores table of one split.
        thresholds: content of ``thresholds.json``; None if there is none.
        calibrated: calibrated probability of each row of ``scores``, a column a target.
        metrics: content of ``metrics.json``.
        history: rows of the training.
    """

    scores: pd.DataFrame
    thresholds: Mapping[str, Any] | None = None
    calibrated: pd.DataFrame | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[dict[str, Any]] = ()

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """The labels and scores of every target that has any."""
        return samples_of(self.scores)

    @cached_property
    def points(self) -> dict[str, list[OperatingPoint]]:
        """The first four thresholds of each target, which is as many as can be told apart on a curve."""
        return {target: operating_points(self.thresholds, target) for target in TARGETS}

    @property
    def every_point(self) -> dict[str, list[OperatingPoint]]:
        """All thresholds of each target."""
        return {target: operating_points(self.thresholds, target, limit=None) for target in TARGETS}

    @property
    def samples_after(self) -> dict[str, Sample] | None:
        """The samples with calibrated probabilities in place of scores."""
        if self.calibrated is None:
            return None
        columns = {f"score_{target}": self.calibrated[target].to_numpy() for target in self.samples}
        return samples_of(self.scores.assign(**columns), list(self.samples))


class RunFigure(NamedTuple):
    """A figure of a run: what draws it (None where what it needs is not there), its section, and its caption."""

    draw: Callable[[Results], Figure | None]
    section: str
    caption: str


#: Every figure of the page of thresholds by name. A line here brings a figure to that page and to that of the run,
#: beneath the heading that ``multimodal.report.pages.run.SECTIONS`` has for its section.
FIGURES: dict[str, RunFigure] = {
    "label_histograms": RunFigure(
        lambda run: label_histograms(run.samples, run.points),
        "scores",
        "Heights are shares of each label's own clips. The band is the uncertainty of the first threshold.",
    ),
    "roc": RunFigure(
        lambda run: roc_figure(run.samples, run.points),
        "ranking",
        "The cross marks the equal error rate, the other marks the chosen thresholds.",
    ),
    "precision_recall": RunFigure(
        lambda run: precision_recall_figure(run.samples, run.points),
        "ranking",
        "Read it against the dashed line: where fakes are common, guesses are right.",
    ),
    "det": RunFigure(
        lambda run: det_figure(run.samples, run.points),
        "ranking",
        "The same errors on axes that spread the corner where good detectors live.",
    ),
    "f1_by_threshold": RunFigure(
        lambda run: f1_figure(run.samples, run.points),
        "scores",
        "No training is needed to move along these curves.",
    ),
    "reliability": RunFigure(
        lambda run: reliability_figure(run.samples, run.samples_after),
        "calibration",
        "Points above the line: more clips are fake than is said. Bars are Wilson intervals for independent "
        "clips; calibration was fitted on validation.",
    ),
    "threshold_confusions": RunFigure(
        lambda run: threshold_confusions(run.samples, run.every_point) if run.thresholds else None,
        "scores",
        "Shares are of each label's own clips: real called fake is a false alarm, fake called real a miss.",
    ),
    "threshold_spread": RunFigure(
        lambda run: spread_figure(run.thresholds, list(run.samples)) if run.thresholds else None,
        "spread",
        "The bar holds 95 % of the thresholds that the rule chooses when the identities of the split that it was "
        "chosen on are drawn again.",
    ),
}


def draw_figures(table: Mapping[str, RunFigure], results: Results) -> dict[str, Figure]:
    """Every figure of ``table`` that ``results`` have what is needed for, by name."""
    drawn = {name: figure.draw(results) for name, figure in table.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def threshold_figures(
    scores: pd.DataFrame, thresholds: Mapping[str, Any] | None, calibrated: pd.DataFrame | None = None
) -> dict[str, Figure]:
    """The figures of :data:`FIGURES` by name, on the clips of ``scores``; see :class:`Results`."""
    return draw_figures(FIGURES, Results(scores=scores, thresholds=thresholds, calibrated=calibrated))


def transfer_figure(scores: pd.DataFrame, transfer: Mapping[str, Any], num_rules: int = 2) -> Figure:
    """Scores of other clips with the stored thresholds and those chosen there, of the first rules.

    ``transfer`` is what :func:`multimodal.metrics.thresholds.transfer_thresholds` gives.
    """
    samples = samples_of(scores, [target for target in TARGETS if target in transfer])
    points = {target: _both(transfer.get(target, {}), num_rules) for target in samples}
    return label_histograms(samples, points)


def _both(rules: Mapping[str, Mapping[str, Any]], num_rules: int) -> list[OperatingPoint]:
    return [
        OperatingPoint(f"{style.rule_name(rule)}, {word}", entry[key])
        for rule, entry in list(rules.items())[:num_rules]
        for word, key in (("stored", "stored"), ("chosen there", "chosen_there"))
        if entry[key] is not None
    ]
