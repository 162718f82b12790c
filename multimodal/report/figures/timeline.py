"""Scores over time, with the frames above and the sound beneath that they belong to."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import TARGETS, Target
from multimodal.report.figures.style import (
    FAKE_COLOUR,
    MUTED,
    REAL_COLOUR,
    TARGET_COLOURS,
    add_legend,
    blank_figure,
    style_axes,
)
from multimodal.report.verdict import Evidence, Thumbnail, WindowScores

_MAX_THUMBNAILS = 12
_MAX_ENVELOPE = 1200
_HEIGHTS = {"frames": 1.5, "scores": 2.8, "sound": 1.0}


def timeline_figure(
    windows: Sequence[WindowScores],
    thresholds: Mapping[Target, float | None],
    evidence: Evidence | None = None,
) -> Figure:
    """Probability of fake by second for each target, dashed lines at the thresholds.

    Frames are at most 12, evenly chosen, each with a line to its time and framed in the colour of what the
    video score says there. Strips without evidence are left out.
    """
    evidence = evidence or Evidence()
    strips = ["scores"]
    if evidence.thumbnails:
        strips.insert(0, "frames")
    if evidence.waveform is not None:
        strips.append("sound")
    heights = [_HEIGHTS[strip] for strip in strips]
    figure = blank_figure("Scores over time", 11.0, sum(heights) + 0.7)
    grid = figure.add_gridspec(len(strips), 1, height_ratios=heights)
    axes = {strip: figure.add_subplot(grid[row, 0]) for row, strip in enumerate(strips)}
    end = _end_seconds(windows, evidence)
    for panel in axes.values():
        style_axes(panel)
        panel.set(xlim=(0, end), xlabel="time, s")
    _draw_scores(axes["scores"], windows, thresholds)
    if "frames" in axes:
        _draw_frames(axes["frames"], evidence.thumbnails, windows, thresholds.get("video"))
    if evidence.waveform is not None:
        _draw_sound(axes["sound"], evidence.waveform, evidence.sample_rate)
    return figure


def envelope(
    waveform: Float[np.ndarray, " samples"], points: int
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Lowest and highest value in each of at most ``points`` equal parts of a sound.

    >>> [bound.tolist() for bound in envelope(np.array([0.1, -0.2, 0.3, 0.0]), points=2)]
    [[-0.2, 0.0], [0.1, 0.3]]
    """
    starts = np.unique(np.linspace(0, len(waveform), min(points, len(waveform)), endpoint=False).astype(int))
    return np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)


def _end_seconds(windows: Sequence[WindowScores], evidence: Evidence) -> float:
    ends = [window.end_seconds for window in windows] + [frame.seconds for frame in evidence.thumbnails]
    if evidence.waveform is not None:
        ends.append(len(evidence.waveform) / evidence.sample_rate)
    return max(ends, default=0.0) or 1.0


def _draw_scores(axes: Axes, windows: Sequence[WindowScores], thresholds: Mapping[Target, float | None]) -> None:
    axes.set(ylabel="score (higher: fake)", ylim=(-0.04, 1.04))
    middles = [(window.start_seconds + window.end_seconds) / 2 for window in windows]
    for target in TARGETS:
        scores = [getattr(window, target) for window in windows]
        if all(score is None for score in scores):
            continue
        values = np.array(scores, dtype=np.float64)
        colour, threshold = TARGET_COLOURS[target], thresholds.get(target)
        axes.plot(middles, values, color=colour, linewidth=1.6, marker="o", markersize=4, label=target)
        for window, value in zip(windows, values, strict=True):
            span = (window.start_seconds, window.end_seconds)
            axes.plot(span, (value, value), color=colour, linewidth=4, alpha=0.22, solid_capstyle="butt")
        if threshold is not None:
            label = f"threshold {target}: {threshold:.2f}"
            axes.axhline(threshold, color=colour, linewidth=1, linestyle="--", label=label)
    add_legend(axes, below=True, columns=2 * len(TARGETS))


def _draw_frames(
    axes: Axes, thumbnails: Sequence[Thumbnail], windows: Sequence[WindowScores], threshold: float | None
) -> None:
    axes.set(ylabel="frames", ylim=(0, 1), yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False)
    axes.set_xlabel("")
    count = min(len(thumbnails), _MAX_THUMBNAILS)
    chosen = [thumbnails[round(index)] for index in np.linspace(0, len(thumbnails) - 1, count)]
    seconds = axes.get_xlim()[1]
    for place, thumbnail in enumerate(chosen):
        centre = (place + 0.5) / count
        colour = _frame_colour(thumbnail.seconds, windows, threshold)
        axes.plot((centre * seconds, thumbnail.seconds), (0.3, 0.0), color=colour, linewidth=1)
        inset = axes.inset_axes((centre - 0.5 / _MAX_THUMBNAILS, 0.24, 1 / _MAX_THUMBNAILS, 0.76))
        inset.imshow(thumbnail.image)
        inset.set(xticks=[], yticks=[])
        inset.spines[:].set(color=colour, linewidth=2.5)


def _frame_colour(seconds: float, windows: Sequence[WindowScores], threshold: float | None) -> str:
    """Colour of what the highest video score of the windows around a time says."""
    around = [window.video for window in windows if window.start_seconds <= seconds <= window.end_seconds]
    scores = [score for score in around if score is not None]
    if not scores or threshold is None:
        return MUTED
    return FAKE_COLOUR if max(scores) >= threshold else REAL_COLOUR


def _draw_sound(axes: Axes, waveform: Float[np.ndarray, " samples"], sample_rate: int) -> None:
    axes.set(ylabel="sound")
    if not len(waveform):
        return
    low, high = envelope(waveform, _MAX_ENVELOPE)
    times = np.linspace(0, len(waveform) / sample_rate, len(low))
    axes.fill_between(times, low, high, color=MUTED, linewidth=0)
    loudest = float(max(np.abs(low).max(), np.abs(high).max(), 1e-3))
    axes.set_ylim(-1.05 * loudest, 1.05 * loudest)
