"""Corpora side by side: how many clips are real and fake, and how far from even that is."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from multimodal.audit.advice import title_of
from multimodal.audit.statistics import EXTREME_ABOVE, MODERATE_FROM, SEVERE_ABOVE, Balance, PartStatistics
from multimodal.report.figures import style


def balance_figure(statistics: Sequence[PartStatistics]) -> Figure:
    """Every corpus as a whole, a row each: its clips above, their ratio and its mark beneath.

    A corpus with one side only has no ratio, which is said in its row. Both axes are logarithmic.
    """
    wholes = [part for part in statistics if part.split == "all"]
    names = [style.plain(title_of(part.corpus), 20) for part in wholes]
    height = 0.8 + 0.42 * max(3, len(wholes))
    figure, (counts, ratios) = style.panel_column("Real and fake clips", 2, height)
    places = np.arange(len(wholes))
    for shift, colour, label in ((-0.2, style.REAL_COLOUR, "real"), (0.2, style.FAKE_COLOUR, "fake")):
        clips = [getattr(part.any, label) for part in wholes]
        counts.barh(places + shift, clips, height=0.38, color=colour, label=label)
        for row, count in enumerate(clips):
            counts.text(max(count, 1), row + shift, f"{count:,}", va="center", fontsize=style.TYPE_SIZE)
    style.panel_title(counts, "clips")
    counts.set(xlabel="clips (logarithmic)", xscale="log")
    style.add_legend(counts)
    style.panel_title(ratios, "imbalance: dashed at 3, 5, 10 to 1")
    for place, part in enumerate(wholes):
        _draw_ratio(ratios, place, part.any)
    for bound in (MODERATE_FROM, SEVERE_ABOVE, EXTREME_ABOVE):
        for side in (bound, 1 / bound):
            ratios.axvline(side, color=style.MUTED, linestyle="--", linewidth=0.8)
    ratios.set(xlabel="fake : real (logarithmic)", xscale="log")
    for axes in (counts, ratios):
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        style.name_rows(axes, names)
    counts.margins(x=0.2)
    marks = [f"{name}\n{part.any.text}  {part.any.mark}" for name, part in zip(names, wholes, strict=True)]
    style.name_rows(ratios, marks)
    return figure


def _draw_ratio(axes: Axes, place: int, balance: Balance) -> None:
    if balance.ratio is None:
        return
    value = balance.fake / balance.real
    axes.plot([1, value], [place, place], color=style.MUTED, linewidth=1)
    axes.plot([value], [place], "o", color=style.FAKE_COLOUR if value > 1 else style.REAL_COLOUR, markersize=6)
