"""Curves of the audit: what every corruption does to a detector, from weak to strong."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from multimodal.report.figures import style

_STROKES = ("-", "--")


def robustness_figure(title: str, changes: Mapping[str, Sequence[Mapping[str, Any]]], target: str) -> Figure:
    """The ROC area and the false alarms at the threshold of each corruption, over its strengths.

    Args:
        title: of the figure.
        changes: corruption → a row a strength with ``"level"`` and ``"targets"``, as the audit has it.
        target: whose area and false alarms.
    """
    figure, (areas, alarms) = style.panel_column(title, 2, 2.2)
    panels = ((areas, "auc", "ROC-AUC"), (alarms, "false_alarms", "reals called fake"))
    for place, (name, rows) in enumerate(changes.items()):
        judged = [row["targets"][target] for row in rows if row["targets"].get(target)]
        colour = style.SERIES_COLOURS[place % len(style.SERIES_COLOURS)]
        stroke = _STROKES[place // len(style.SERIES_COLOURS) % len(_STROKES)]
        for axes, measure, _ in panels:
            found = [one[measure] for one in judged if measure in one]
            if found:
                values = [found[0]["before"], *(one["after"] for one in found)]
                axes.plot(range(len(values)), values, stroke, color=colour, marker="o", markersize=3, label=name)
    for axes, _, called in panels:
        axes.set(ylabel=called, ylim=(-0.02, 1.02))
        axes.set_xticks(range(4), ["as it is", "weak", "middle", "strong"])
    style.add_legend(alarms)
    return figure
