"""The study of imbalance in one figure: F1 and recall of the reals against the ratio."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from multimodal.report.figures.canvas import add_legend, panel_row, panel_title
from multimodal.report.figures.palette import SERIES_COLOURS

_LINES = {"cross_entropy": "-", "focal": "--", "weighted_focal": ":"}


def imbalance_figure(results: Mapping[str, Any], measure: str = "f1", title: str = "F1 of the reals") -> Figure:
    """One panel a threshold, a colour a balance, a line style a loss; the ratio on a logarithmic axis."""
    ratios = [float(ratio) for ratio in results["ratios"]]
    figure, panels = panel_row(f"{title} against imbalance", 2, height=4.6, width=5.2)
    for axes, threshold in zip(panels, ("at 0.5", "tuned"), strict=True):
        panel_title(axes, f"threshold {threshold}")
        rows = [row for table in results["ratios"].values() for row in table if row["threshold"] == threshold]
        balances = list(dict.fromkeys(row["balance"] for row in rows))
        for number, balance in enumerate(balances):
            for loss, style in _LINES.items():
                values = [_value(table, balance, loss, threshold, measure) for table in results["ratios"].values()]
                colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
                name = balance if loss == "cross_entropy" else None
                axes.plot(
                    ratios, values, style, color=colour, label=name, marker="o", markersize=3.5, linewidth=1.4
                )
        axes.set_xscale("log")
        axes.set_xticks(ratios, [f"{ratio:g}:1" for ratio in ratios])
        axes.minorticks_off()
        axes.set(xlabel="fakes for each real training clip", ylabel=title, ylim=(-0.02, 1.02))
        add_legend(axes, below=True)
    figure.text(0.99, 0.99, "full: cross entropy   dashed: focal   dotted: weighted focal", ha="right", va="top")
    return figure


def _value(table: list[Mapping[str, Any]], balance: str, loss: str, threshold: str, measure: str) -> float:
    wanted = (balance, loss, threshold)
    for row in table:
        if (row["balance"], row["loss"], row["threshold"]) == wanted:
            return row["measures"][measure]["value"]
    return float("nan")
