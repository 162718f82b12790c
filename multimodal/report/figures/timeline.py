"""Scores over time, with the frames above and the sound beneath that they belong to: strips of one figure."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.labels import TARGETS, Target
from multimodal.report.figures import style
from multimodal.report.verdict import Evidence, Segment, WindowScores

_MAX_THUMBNAILS = 6
_MAX_ENVELOPE = 1200


class Span(NamedTuple):
    """From when to when lanes go, in seconds of the file.

    >>> Span(6.0, 8.0).share(7.0)
    0.5
    """

    start: float
    end: float

    def share(self, seconds: float) -> float:
        """Where in the span a time lies, 0 to 1."""
        return (seconds - self.start) / (self.end - self.start)

    def placed(self, start: float, end: float) -> dict[str, float]:
        """Left end and width of a stretch in per cent."""
        left, right = 100 * self.share(start), 100 * self.share(end)
        return {"left": left, "width": max(right - left, 0.4)}


def span_of(start: float, windows: Sequence[WindowScores], evidence: Evidence) -> Span:
    """From where a face is first seen, or a sound first heard, to the last that is known of it."""
    ends = [window.end_seconds for window in windows] + [frame.seconds for frame in evidence.thumbnails]
    end = max([*ends, start + heard_seconds(evidence)])
    return Span(start, end if end > start else start + 1.0)


def heard_seconds(evidence: Evidence) -> float:
    """Length of the sound, 0 where there is none."""
    return 0.0 if evidence.waveform is None else len(evidence.waveform) / evidence.sample_rate


class Shown(NamedTuple):
    """What the strips of one figure are drawn from."""

    span: Span
    windows: Sequence[WindowScores]
    thresholds: Mapping[Target, float | None]
    evidence: Evidence
    segments: Sequence[Segment] = ()


class Strip(NamedTuple):
    """A strip: its height in inches, what draws it on axes in seconds, and whether it has anything to draw."""

    height: float
    draw: Callable[[Axes, Shown], None]
    has_content: Callable[[Shown], bool]


def envelope(
    waveform: Float[np.ndarray, " samples"], points: int
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Lowest and highest value in each of at most ``points`` equal parts of a sound.

    >>> [bound.tolist() for bound in envelope(np.array([0.1, -0.2, 0.3, 0.0]), points=2)]
    [[-0.2, 0.0], [0.1, 0.3]]
    """
    starts = np.unique(np.linspace(0, len(waveform), min(points, len(waveform)), endpoint=False).astype(int))
    return np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)


def _draw_scores(axes: Axes, shown: Shown) -> None:
    windows, thresholds = shown.windows, shown.thresholds
    axes.set(ylabel="score (higher: fake)", ylim=(-0.04, 1.04))
    middles = [(window.start_seconds + window.end_seconds) / 2 for window in windows]
    for target in TARGETS:
        scores = [getattr(window, target) for window in windows]
        if all(score is None for score in scores):
            continue
        values = np.array(scores, dtype=np.float64)
        colour, threshold = style.TARGET_COLOURS[target], thresholds.get(target)
        axes.plot(middles, values, color=colour, linewidth=1.6, marker="o", markersize=4, label=target)
        for window, value in zip(windows, values, strict=True):
            span = (window.start_seconds, window.end_seconds)
            axes.plot(span, (value, value), color=colour, linewidth=4, alpha=0.22, solid_capstyle="butt")
        if threshold is not None:
            label = f"threshold {threshold:.2f} of {target}"
            axes.axhline(threshold, color=colour, linewidth=1, linestyle="--", label=label)
    for segment in shown.segments:
        colour = style.TARGET_COLOURS[segment.modality]
        axes.axvspan(segment.start_seconds, segment.end_seconds, color=colour, alpha=0.16, linewidth=0)
    style.add_legend(axes)


def _draw_frames(axes: Axes, shown: Shown) -> None:
    thumbnails, threshold = shown.evidence.thumbnails, shown.thresholds.get("video")
    axes.set(ylabel="frames", ylim=(0, 1), yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False)
    axes.set_xlabel("")
    count = min(len(thumbnails), _MAX_THUMBNAILS)
    chosen = [thumbnails[round(index)] for index in np.linspace(0, len(thumbnails) - 1, count)]
    start, end = shown.span
    for place, thumbnail in enumerate(chosen):
        centre = (place + 0.5) / count
        colour = _frame_colour(thumbnail.seconds, shown.windows, threshold)
        axes.plot((start + centre * (end - start), thumbnail.seconds), (0.3, 0.0), color=colour, linewidth=1)
        inset = axes.inset_axes((centre - 0.5 / _MAX_THUMBNAILS, 0.24, 1 / _MAX_THUMBNAILS, 0.76))
        inset.imshow(thumbnail.image)
        inset.set(xticks=[], yticks=[])
        inset.spines[:].set(color=colour, linewidth=2.5)


def _frame_colour(seconds: float, windows: Sequence[WindowScores], threshold: float | None) -> str:
    """Colour of what the highest video score of the windows around a time says."""
    around = [window.video for window in windows if window.start_seconds <= seconds <= window.end_seconds]
    scores = [score for score in around if score is not None]
    if not scores or threshold is None:
        return style.MUTED
    return style.FAKE_COLOUR if max(scores) >= threshold else style.REAL_COLOUR


def _draw_sound(axes: Axes, shown: Shown) -> None:
    axes.set(ylabel="sound")
    waveform = shown.evidence.waveform
    if waveform is None or not len(waveform):
        return
    low, high = envelope(waveform, _MAX_ENVELOPE)
    times = shown.span.start + np.linspace(0, heard_seconds(shown.evidence), len(low))
    axes.fill_between(times, low, high, color=style.MUTED, linewidth=0)
    loudest = float(max(np.abs(low).max(), np.abs(high).max(), 1e-3))
    axes.set_ylim(-1.05 * loudest, 1.05 * loudest)


#: Every strip, from above downwards: a line here and a function above is all that another one needs.
STRIPS = {
    "frames": Strip(0.9, _draw_frames, lambda shown: bool(shown.evidence.thumbnails)),
    "scores": Strip(2.6, _draw_scores, lambda shown: True),
    "sound": Strip(1.1, _draw_sound, lambda shown: shown.evidence.waveform is not None),
}


def timeline_figure(
    windows: Sequence[WindowScores],
    thresholds: Mapping[Target, float | None],
    evidence: Evidence | None = None,
    segments: Sequence[Segment] = (),
    start: float = 0.0,
) -> Figure:
    """Probability of fake by second for each target, dashed lines at the thresholds.

    Frames are at most 6, evenly chosen, each with a line to its time and framed in the colour of what the
    video score says there. Forged stretches are shaded in the colour of their modality. Strips without evidence
    are left out. Time is that of the file; ``start`` is when the face is first seen, or the sound heard.
    """
    evidence = evidence or Evidence()
    shown = Shown(span_of(start, windows, evidence), windows, thresholds, evidence, segments)
    strips = [strip for strip in STRIPS.values() if strip.has_content(shown)]
    heights = [strip.height for strip in strips]
    figure = style.blank_figure("Scores over time", sum(heights))
    grid = figure.add_gridspec(len(strips), 1, height_ratios=heights)
    for row, strip in enumerate(strips):
        axes = figure.add_subplot(grid[row, 0])
        style.style_axes(axes)
        axes.set(xlim=shown.span, xlabel="time, s")
        strip.draw(axes, shown)
    return figure
