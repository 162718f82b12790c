"""Corpora side by side: how many clips are real and fake, and how far from even that is."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from multimodal.audit.advice import title_of
from multimodal.audit.statistics import EXTREME_ABOVE, MODERATE_FROM, SEVERE_ABOVE, Balance, PartStatistics
from multimodal.report.figures.style import (
    FAKE_COLOUR,
    MUTED,
    REAL_COLOUR,
    add_legend,
    panel_row,
    panel_title,
    plain,
)


def balance_figure(statistics: Sequence[PartStatistics]) -> Figure:
    """Every corpus as a whole, a row each: clips at the left, their ratio and its marks at the right.

    A corpus with one side only has no ratio, which is said in its row. Both axes are logarithmic.
    """
    wholes = [part for part in statistics if part.split == "all"]
    names = [plain(title_of(part.corpus), 28) for part in wholes]
    height = 1.5 + 0.32 * max(3, len(wholes))
    figure, (counts, ratios) = panel_row("Real and fake clips", 2, height=height, width=5.4)
    places = np.arange(len(wholes))
    for shift, colour, label in ((-0.2, REAL_COLOUR, "real"), (0.2, FAKE_COLOUR, "fake")):
        clips = [getattr(part.any, label) for part in wholes]
        counts.barh(places + shift, clips, height=0.38, color=colour, label=label)
        for row, count in enumerate(clips):
            counts.annotate(f"{count:,}", (max(count, 1), row + shift), va="center", fontsize=7.5)
    panel_title(counts, "clips")
    counts.set(xlabel="clips (logarithmic)", xscale="log")
    add_legend(counts)
    panel_title(ratios, "imbalance: dashed lines at 3, 5 and 10 to 1")
    for place, part in enumerate(wholes):
        _draw_ratio(ratios, place, part.any)
    for bound in (MODERATE_FROM, SEVERE_ABOVE, EXTREME_ABOVE):
        for side in (bound, 1 / bound):
            ratios.axvline(side, color=MUTED, linestyle="--", linewidth=0.8)
    ratios.set(xlabel="fake : real (left of 1: more real; logarithmic)", xscale="log")
    for axes in (counts, ratios):
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks(places, names)
        axes.set_ylim(len(wholes) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
    ratios.set_yticks(places, [f"{part.any.text}  {part.any.mark}" for part in wholes])
    ratios.yaxis.tick_right()
    return figure


def _draw_ratio(axes: Axes, place: int, balance: Balance) -> None:
    if balance.ratio is None:
        return
    value = balance.fake / balance.real
    axes.plot([1, value], [place, place], color=MUTED, linewidth=1)
    axes.plot([value], [place], "o", color=FAKE_COLOUR if value > 1 else REAL_COLOUR, markersize=6)
