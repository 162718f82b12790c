"""Figures of the scores themselves: histograms by label and by class, and video against audio."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import TARGETS
from multimodal.report.figures import style
from multimodal.report.figures.sample import (
    OperatingPoint,
    Sample,
    class_column,
    describe,
    draw_thresholds,
    group_scores,
    number_column,
)

Points = Mapping[str, list[OperatingPoint]]
_NUM_BINS = 25
#: More dots than that only take time: they lie upon one another.
_MAX_DOTS = 4000


def label_histograms(samples: Mapping[str, Sample], points: Points) -> Figure:
    """Scores of real and of fake clips, each as shares of its own label, so that the rarer one is seen as well."""
    figure, panels = style.panel_column("Scores of real and fake clips", len(samples), 3.0)
    for axes, (target, sample) in zip(panels, samples.items(), strict=True):
        style.panel_title(axes, describe(target, sample))
        axes.set(xlabel=f"score {target} (higher: more likely fake)", ylabel="share of the label's clips, %")
        groups = {"real": sample.real, "fake": sample.fake}
        _draw_histograms(axes, groups, style.LABEL_COLOURS, sample.score_range, filled=True)
        draw_thresholds(axes, points.get(target, []))
        style.add_legend(axes)
    return figure


def class_histograms(scores: pd.DataFrame, points: Points) -> Figure:
    """Each score by audio-visual class; a good score for one modality does not move with the other's label."""
    figure, panels = style.panel_column("Scores by audio-visual class", len(TARGETS), 3.0)
    for axes, target in zip(panels, TARGETS, strict=True):
        groups = group_scores(scores, f"score_{target}", tuple(style.CLASS_COLOURS))
        style.panel_title(axes, target)
        axes.set(xlabel=f"score {target} (higher: more likely fake)", ylabel="share of the class's clips, %")
        everything = Sample(np.array([], dtype=np.int64), np.concatenate(list(groups.values())))
        _draw_histograms(axes, groups, style.CLASS_COLOURS, everything.score_range, filled=False)
        draw_thresholds(axes, points.get(target, [])[:1])
        style.add_legend(axes)
    return figure


def score_scatter(scores: pd.DataFrame, points: Points) -> Figure:
    """Video score against audio score, coloured by class, at most 4,000 clips; lines are the first thresholds."""
    figure, (axes,) = style.panel_column("Video and audio scores", 1, 3.7)
    axes.set(xlabel="score video (higher: more likely fake)", ylabel="score audio (higher: more likely fake)")
    video, audio = number_column(scores, "score_video"), number_column(scores, "score_audio")
    shown = (
        np.isfinite(video) & np.isfinite(audio) & class_column(scores).isin(list(style.CLASS_COLOURS)).to_numpy()
    )
    rows = np.flatnonzero(shown)
    if not len(rows):
        style.note(axes, "no clip with a class and both scores")
        return figure
    dots = rows[:: -(-len(rows) // _MAX_DOTS)]
    style.panel_title(axes, f"{len(dots):,} of {len(scores):,} clips")
    classes = class_column(scores).to_numpy()
    for name, colour in style.CLASS_COLOURS.items():
        of_class = dots[classes[dots] == name]
        axes.scatter(video[of_class], audio[of_class], s=14, color=colour, alpha=0.6, linewidth=0, label=name)
    _draw_cross(axes, points)
    style.add_legend(axes)
    return figure


def _draw_cross(axes: Axes, points: Points) -> None:
    if points.get("video"):
        axes.axvline(points["video"][0].threshold, color=style.INK, linewidth=1, linestyle="--")
    if points.get("audio"):
        axes.axhline(points["audio"][0].threshold, color=style.INK, linewidth=1, linestyle="--")


def _draw_histograms(
    axes: Axes,
    groups: Mapping[str, np.ndarray],
    colours: Mapping[str, str],
    score_range: tuple[float, float],
    *,
    filled: bool,
) -> None:
    edges = np.linspace(*score_range, _NUM_BINS + 1)
    if not any(len(values) for values in groups.values()):
        style.note(axes, "no clip with a label and a score")
    for name, values in groups.items():
        if not len(values):
            continue
        shares = 100 * np.histogram(values, edges)[0] / len(values)
        label = f"{name} ({len(values):,})"
        if filled:
            axes.stairs(shares, edges, fill=True, color=colours[name], alpha=0.35)
        axes.stairs(shares, edges, color=colours[name], linewidth=1.6, label=label)
