"""One metric for each forgery method, with its interval: a forest plot."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.report.figures.style import INK, MUTED, panel_row, panel_title, plain

_MAX_METHODS = 30


def method_figure(per_method: Mapping[str, Mapping[str, Any]], metric: str = "auc") -> Figure:
    """``metric`` of every method against the real clips, one panel a target, worst first.

    ``per_method`` is that of ``metrics.json``: target, then method, then ``count`` and
    ``{metric: {"value", "low", "high"}}``. Beyond 30 methods the worst 30 are drawn, and the title says so.
    """
    most = max((len(methods) for methods in per_method.values()), default=0)
    height = 1.6 + 0.32 * max(3, min(most, _MAX_METHODS))
    figure, panels = panel_row(f"{metric.upper()} by method", max(1, len(per_method)), height=height, width=4.6)
    for axes, (target, methods) in zip(panels, per_method.items(), strict=False):
        _draw(axes, target, methods, metric)
    for axes in panels:
        axes.set(xlabel=f"{metric.upper()} with 95 % interval (chance 0.5)", ylabel="method", xlim=(-0.02, 1.02))
    return figure


def _draw(axes: Axes, target: str, methods: Mapping[str, Any], metric: str) -> None:
    rows = sorted(methods.items(), key=lambda row: (_value(row[1], metric) is None, _value(row[1], metric) or 0.0))
    shown = rows[:_MAX_METHODS]
    of_all = f", worst {len(shown)} of {len(rows)} methods" if len(shown) < len(rows) else ""
    panel_title(axes, f"{target}{of_all}")
    axes.axvline(0.5, color=MUTED, linestyle="--", linewidth=1)
    for place, (_, row) in enumerate(shown):
        _draw_row(axes, place, row.get(metric) or {})
    names = [f"{plain(method, 24)} ({row.get('count', 0):,})" for method, row in shown]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(shown), 1) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _draw_row(axes: Axes, place: int, result: Mapping[str, Any]) -> None:
    if result.get("value") is None:
        axes.text(0.52, place, "not defined", va="center", fontsize=8.5, color=MUTED)
        return
    if result.get("low") is not None and result.get("high") is not None:
        axes.plot([result["low"], result["high"]], [place, place], color=INK, linewidth=1.6)
    axes.plot([result["value"]], [place], "o", color=INK, markersize=5.5)


def _value(row: Mapping[str, Any], metric: str) -> float | None:
    return (row.get(metric) or {}).get("value")
