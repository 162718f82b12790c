"""F1 against the threshold: what tuning a threshold can gain without training again."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.report.figures.canvas import add_legend, note, panel_row, panel_title
from multimodal.report.figures.operating import OperatingPoint, draw_thresholds
from multimodal.report.figures.palette import FAKE_COLOUR, MUTED, REAL_COLOUR
from multimodal.report.figures.sample import Sample, describe

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
            _draw(axes, sample)
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


def _draw(axes: Axes, sample: Sample) -> None:
    thresholds = np.linspace(*sample.score_range, _NUM_THRESHOLDS)
    of_fake, of_real = f1_curves(sample, thresholds)
    floor = 2 * len(sample.fake) / (2 * len(sample.fake) + len(sample.real))
    axes.plot(thresholds, of_fake, color=FAKE_COLOUR, linewidth=1.8, label="F1 of fake")
    axes.plot(thresholds, of_real, color=REAL_COLOUR, linewidth=1.8, label="F1 of real")
    axes.axhline(floor, color=MUTED, linestyle="--", linewidth=1, label=f"F1 (fake), always fake: {floor:.3f}")
