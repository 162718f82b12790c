"""Corpora side by side: how many clips are real and fake, and how far from even that is."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from multimodal.audit.advice import Advice, recommend, title_of
from multimodal.audit.statistics import (
    EXTREME_ABOVE,
    MARKS,
    MODERATE_FROM,
    SEVERE_ABOVE,
    Balance,
    PartStatistics,
    mark_of,
)
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
    style.panel_title(ratios, "imbalance (dashed: 3, 5, 10)")
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


# The tree from how far a corpus is from even to the options of a training.


#: Mark → what leads to it, and a ratio that has it.
_BRANCHES = {
    "balanced": (f"below {MODERATE_FROM:.0f} : 1", 1.0),
    "moderate": (f"to {SEVERE_ABOVE:.0f} : 1", MODERATE_FROM),
    "severe": (f"to {EXTREME_ABOVE:.0f} : 1", 2 * SEVERE_ABOVE - 1),
    "extreme": (f"above {EXTREME_ABOVE:.0f} : 1", EXTREME_ABOVE + 1),
}
assert [mark_of(ratio) for _, ratio in _BRANCHES.values()] == list(MARKS) == list(_BRANCHES)


def advice_tree_figure(advice: Sequence[Advice]) -> Figure:
    """The tree of :func:`multimodal.audit.advice.recommend`, with the corpora that came to each of its leaves.

    What it says is asked of the tree itself, by a ratio of each mark.
    """
    leaves = {mark: _leaf(mark, ratio, advice) for mark, (_, ratio) in _BRANCHES.items()}
    heights = [1 + text.count("\n") for text in leaves.values()]
    figure = style.blank_figure("From real : fake to the options of a training", 0.9 + 0.2 * sum(heights), 7.5)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(sum(heights) + 3, -1))
    axes.set_axis_off()
    root = (sum(heights) + 3) / 2 - 1
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": style.MUTED}
    top = 0.0
    for (mark, text), height in zip(leaves.items(), heights, strict=True):
        middle = top + height / 2
        axes.plot([0.08, 0.17], [root, middle], color=style.MUTED, linewidth=1, zorder=0)
        condition = f"{_BRANCHES[mark][0]}\n{mark}"
        axes.text(0.17, middle, condition, fontsize=style.TYPE_SIZE, ha="left", va="center", bbox=box)
        axes.plot([0.17, 0.36], [middle, middle], color=style.MUTED, linewidth=1, zorder=0)
        axes.text(0.37, middle, text, fontsize=style.TYPE_SIZE, ha="left", va="center")
        top += height + 1
    axes.text(0.0, root, "larger :\nsmaller\nside", fontsize=style.TYPE_SIZE, ha="left", va="center", bbox=box)
    return figure


def _leaf(mark: str, ratio: float, advice: Sequence[Advice]) -> str:
    """What to do at that mark, and for which of these corpora."""
    detector, branch = (
        recommend(real=1000, fake=round(1000 * ratio), has_fusion=has_fusion)[0] for has_fusion in (True, False)
    )
    lines = [f"detector: {detector.options}"]
    if mark != "balanced":
        lines[0] = f"detector: tune the threshold first, then\n   {detector.options}"
    if branch != detector:
        lines.append(f"branch: {branch.options}")
    names = [style.plain(title_of(one.corpus), 24) for one in advice if one.mark == mark]
    rows = [", ".join(names[at : at + 2]) for at in range(0, len(names), 2)]
    return "\n".join([*lines, *(f"   {row}" for row in rows)])
