"""Figures of ranking: receiver operating characteristic, precision-recall, detection error trade-off.

Curves are scikit-learn's. Each figure has one panel a target: any, video and audio beneath each other.
"""

from collections.abc import Callable, Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import norm
from sklearn.metrics import average_precision_score, det_curve, precision_recall_curve, roc_auc_score, roc_curve

from multimodal.metrics.ranking import equal_error_rate
from multimodal.report.figures import style
from multimodal.report.figures.sample import MARKERS, OperatingPoint, Sample, describe

Points = Mapping[str, list[OperatingPoint]]
_DET_TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)


def roc_figure(samples: Mapping[str, Sample], points: Points) -> Figure:
    """True against false positive rate, with the equal error and operating points and the line of chance."""
    return _figure("Receiver operating characteristic", samples, points, draw_roc, _share_axes(FPR, TPR))


def precision_recall_figure(samples: Mapping[str, Sample], points: Points) -> Figure:
    """Precision against recall of fakes, with the share of fakes as the floor of a system that guesses."""
    labels = ("recall (share of fakes found)", "precision (share of alarms right)")
    return _figure("Precision and recall of fakes", samples, points, draw_precision_recall, _share_axes(*labels))


def det_figure(samples: Mapping[str, Sample], points: Points) -> Figure:
    """Miss rate against false alarm rate on normal-deviate axes (Martin et al., "The DET curve", 1997)."""
    return _figure("Detection error trade-off", samples, points, draw_det, _deviate_axes)


FPR = "false positive rate (real called fake)"
TPR = "true positive rate (fake called fake)"
FNR = "miss rate (fake called real)"


def draw_roc(axes: Axes, sample: Sample, points: list[OperatingPoint]) -> None:
    """Draw one receiver operating characteristic; the sample must hold both labels."""
    false_positive, true_positive, _ = roc_curve(sample.labels, sample.scores)
    area = roc_auc_score(sample.labels, sample.scores)
    axes.plot(false_positive, true_positive, color=style.INK, linewidth=1.8, label=f"AUC {area:.3f}")
    axes.plot([0, 1], [0, 1], color=style.MUTED, linestyle="--", linewidth=1, label="chance: AUC 0.500")
    rate = equal_error_rate(sample.fake, sample.real).rate
    axes.plot([rate], [1 - rate], "X", color=style.FAKE_COLOUR, markersize=8, label=f"EER {rate:.1%}")
    _mark(axes, points, [_rates(sample, point.threshold) for point in points])


def draw_precision_recall(axes: Axes, sample: Sample, points: list[OperatingPoint]) -> None:
    """Draw one precision-recall curve; the sample must hold both labels."""
    precision, recall, _ = precision_recall_curve(sample.labels, sample.scores, drop_intermediate=True)
    area = average_precision_score(sample.labels, sample.scores)
    prior = len(sample.fake) / len(sample.scores)
    axes.step(recall, precision, where="post", color=style.INK, linewidth=1.8, label=f"AP (fake) {area:.3f}")
    axes.axhline(prior, color=style.MUTED, linestyle="--", linewidth=1, label=f"share of fakes {prior:.3f}")
    _mark(axes, points, [_recall_precision(sample, point.threshold) for point in points])


def draw_det(axes: Axes, sample: Sample, points: list[OperatingPoint]) -> None:
    """Draw one detection error trade-off; the sample must hold both labels."""
    false_positive, miss, _ = det_curve(sample.labels, sample.scores)
    axes.plot(_deviate(false_positive), _deviate(miss), color=style.INK, linewidth=1.8, label="detector")
    ends = _deviate(_DET_TICKS)[[0, -1]]
    axes.plot(ends, -ends, color=style.MUTED, linestyle="--", label="chance")
    rates = [_rates(sample, point.threshold) for point in points]
    _mark(axes, points, [(float(_deviate(alarm)), float(_deviate(1 - found))) for alarm, found in rates])


def _figure(
    title: str,
    samples: Mapping[str, Sample],
    points: Points,
    draw: Callable[[Axes, Sample, list[OperatingPoint]], None],
    set_axes: Callable[[Axes], None],
) -> Figure:
    figure, panels = style.panel_column(title, len(samples), 3.7)
    for axes, (target, sample) in zip(panels, samples.items(), strict=True):
        style.panel_title(axes, describe(target, sample))
        set_axes(axes)
        if reason := sample.missing():
            style.note(axes, f"not defined: {reason}")
        else:
            draw(axes, sample, points.get(target, []))
        style.add_legend(axes)
    return figure


def _share_axes(x_label: str, y_label: str) -> Callable[[Axes], None]:
    def set_axes(axes: Axes) -> None:
        axes.set(xlabel=x_label, ylabel=y_label, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), box_aspect=1)

    return set_axes


def _deviate_axes(axes: Axes) -> None:
    ticks, names = _deviate(_DET_TICKS), [f"{100 * tick:g}" for tick in _DET_TICKS]
    ends = (ticks[0], ticks[-1])
    axes.set(xlabel=f"{FPR}, %", ylabel=f"{FNR}, %", xlim=ends, ylim=ends, box_aspect=1)
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)


def _deviate(rates: ArrayLike) -> np.ndarray:
    return norm.ppf(np.clip(rates, _DET_TICKS[0], _DET_TICKS[-1]))


def _rates(sample: Sample, threshold: float) -> tuple[float, float]:
    return float(np.mean(sample.real >= threshold)), float(np.mean(sample.fake >= threshold))


def _recall_precision(sample: Sample, threshold: float) -> tuple[float, float]:
    """The second is NaN, and so not drawn, where nothing is called fake."""
    alarms = sample.labels[sample.scores >= threshold]
    return float(alarms.sum() / len(sample.fake)), float(alarms.mean()) if len(alarms) else float("nan")


def _mark(axes: Axes, points: list[OperatingPoint], places: list[tuple[float, float]]) -> None:
    for point, place, marker in zip(points, places, cycle(MARKERS), strict=False):
        name = style.threshold_name(point.rule, point.threshold)
        axes.plot(
            *place,
            marker,
            markerfacecolor=style.PAPER,
            markeredgecolor=style.INK,
            markersize=6,
            clip_on=False,
            label=name,
        )
