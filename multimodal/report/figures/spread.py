"""How sure each threshold is: where its rule lands when identities are drawn again."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.report.figures.canvas import note, panel_row, panel_title
from multimodal.report.figures.palette import INK, MUTED
from multimodal.report.figures.text import plain, rule_name


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
        _draw(axes, rules)
    for axes in panels:
        axes.set(xlabel="threshold (dashed: even odds)", ylabel="rule")
    return figure


def _draw(axes: Axes, rules: Mapping[str, Mapping[str, Any]]) -> None:
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
    axes.set_xlim(*_limits(rules))
    axes.grid(visible=False, axis="y")


def _limits(rules: Mapping[str, Mapping[str, Any]]) -> tuple[float, float]:
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
