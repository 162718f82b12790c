"""The reliability diagram: whether a probability of 0.8 comes true in 8 cases of 10."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.metrics.calibration_error import reliability
from multimodal.report.figures import style
from multimodal.report.figures.sample import Sample, describe

_NUM_BINS = 10
_PROBABILITY = "probability of fake"
_HEIGHTS = (3.3, 1.3)  # inches of a diagram, and of the counts beneath it


def reliability_figure(samples: Mapping[str, Sample], calibrated: Mapping[str, Sample] | None = None) -> Figure:
    """Share of fakes against probability of fake, and beneath it how many clips stand behind each point.

    Args:
        samples: target → clips with their scores.
        calibrated: target → the same clips with calibrated probabilities, drawn over the scores.
    """
    figure = style.blank_figure("Reliability of the probabilities", sum(_HEIGHTS) * len(samples))
    grid = figure.add_gridspec(2 * len(samples), 1, height_ratios=_HEIGHTS * len(samples))
    for place, (target, sample) in enumerate(samples.items()):
        upper = figure.add_subplot(grid[2 * place, 0])
        lower = figure.add_subplot(grid[2 * place + 1, 0], sharex=upper)
        for axes in (upper, lower):
            style.style_axes(axes)
        style.panel_title(upper, describe(target, sample))
        upper.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), ylabel="share that is fake", xlabel=_PROBABILITY)
        lower.set(xlabel=_PROBABILITY, ylabel="clips")
        after = (calibrated or {}).get(target)
        if reason := _undrawable(sample):
            style.note(upper, reason)
        else:
            upper.plot([0, 1], [0, 1], color=style.MUTED, linestyle="--", linewidth=1, label="as it should be")
            _draw(upper, lower, sample, style.INK, "95 % interval" if after is None else "before: the scores")
        if after is not None and _undrawable(after) is None:
            _draw(upper, lower, after, style.FAKE_COLOUR, "after calibration")
        style.add_legend(upper)
    return figure


def _undrawable(sample: Sample) -> str | None:
    if not len(sample.scores):
        return "no clip with a label and a score"
    return None if sample.score_range == (0.0, 1.0) else "not defined: scores are not probabilities"


def _draw(upper: Axes, lower: Axes, sample: Sample, colour: str, name: str) -> None:
    points = reliability(sample.fake, sample.real, _NUM_BINS)
    reach = np.maximum(np.stack([points.share - points.low, points.high - points.share]), 0)
    upper.errorbar(
        points.probability, points.share, yerr=reach, color=colour, marker="o", markersize=5, linewidth=1.4,
        capsize=2.5, label=name,
    )  # fmt: skip
    edges = np.linspace(0, 1, _NUM_BINS + 1)
    counts = np.histogram(sample.scores, edges)[0]
    lower.stairs(counts, edges, fill=True, color=style.MUTED if colour == style.INK else colour, alpha=0.45)
