"""A judgement over time as a page shows it: shares of a width for what is placed, lines for what is drawn.

Everything is placed in per cent of the span in which a face is seen or a sound heard, in seconds of the file, so
that one playhead fits all lanes at any width of the screen.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy.signal import spectrogram

from multimodal.labels import TARGETS
from multimodal.report.figures.timeline import Span, envelope, heard_seconds, span_of
from multimodal.report.verdict import Evidence, Judgement, Thumbnail

_ENVELOPE_POINTS, _MOST_THUMBNAILS, _THUMBNAIL_PIXELS, _TICKS = 800, 8, 96, 6
_SPECTROGRAM = (640, 80)
_FLOOR_DECIBELS = -80.0
#: The top of spectrograms.
HIGHEST_HERTZ = 8000
#: Of a long file only the outline of the sound is kept, which has no tones.
_LEAST_HERTZ = 8000


class Timeline(NamedTuple):
    """What a template places: times in seconds, places and widths in per cent, lines in a box of 1000 by 100."""

    span: Span
    lines: list[dict[str, Any]]
    stretches: list[dict[str, Any]]
    thumbnails: list[dict[str, Any]]
    sound: str
    spectrogram: str
    heard: dict[str, float]
    ticks: list[dict[str, Any]]


def timeline_of(judgement: Judgement) -> Timeline | None:
    """The lanes of one judgement; None where there is nothing over time."""
    evidence = judgement.evidence or Evidence()
    if not judgement.windows and not evidence.thumbnails and evidence.waveform is None:
        return None
    span = span_of(judgement.start_seconds, judgement.windows, evidence)
    heard = span.start, span.start + heard_seconds(evidence)
    return Timeline(
        span,
        list(_lines(judgement, span)),
        [
            {"name": one.modality, "start": one.start_seconds, "end": one.end_seconds}
            | span.placed(one.start_seconds, one.end_seconds)
            for one in judgement.segments or ()
        ],
        [_thumbnail(one) for one in _evenly(evidence.thumbnails)],
        _wave(evidence, span),
        _heat(evidence),
        span.placed(*heard),
        [{"at": at, "left": 100 * span.share(at)} for at in _ticks(span)],
    )


def _lines(judgement: Judgement, span: Span) -> Iterator[dict[str, Any]]:
    """Scores of each target at the middles of its windows, with its threshold and its band of doubt."""
    for target in (name for name in TARGETS if name in judgement.modalities):
        points = [
            (1000 * span.share((one.start_seconds + one.end_seconds) / 2), 100 * (1 - score))
            for one in judgement.windows
            if (score := getattr(one, target)) is not None
        ]
        if not points:
            continue
        if len(points) == 1:  # a line needs two ends: the window's
            (only,) = [one for one in judgement.windows if getattr(one, target) is not None]
            points = [(1000 * span.share(at), points[0][1]) for at in (only.start_seconds, only.end_seconds)]
        verdict = judgement.modalities[target]
        yield {
            "name": target,
            "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
            "threshold": None if verdict.threshold is None else 100 * (1 - min(verdict.threshold, 1)),
            "word": verdict.verdict,
        }


def _evenly(thumbnails: Sequence[Thumbnail]) -> list[Thumbnail]:
    if not thumbnails:
        return []
    chosen = np.linspace(0, len(thumbnails) - 1, min(len(thumbnails), _MOST_THUMBNAILS))
    return [thumbnails[round(index)] for index in chosen]


def _thumbnail(thumbnail: Thumbnail) -> dict[str, Any]:
    image = Image.fromarray(np.ascontiguousarray(thumbnail.image))
    image.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    return {"uri": picture_uri(image), "seconds": thumbnail.seconds}


def _wave(evidence: Evidence, span: Span) -> str:
    """The outline of the sound as a polygon."""
    if evidence.waveform is None or not len(evidence.waveform):
        return ""
    low, high = envelope(evidence.waveform, _ENVELOPE_POINTS)
    places = np.linspace(0, 1000 * span.share(span.start + heard_seconds(evidence)), len(low))
    loudest = max(float(np.abs(low).max()), float(np.abs(high).max()), 1e-3)
    above = [f"{x:.1f},{50 - 48 * y / loudest:.1f}" for x, y in zip(places, high, strict=True)]
    below = [f"{x:.1f},{50 - 48 * y / loudest:.1f}" for x, y in zip(places[::-1], low[::-1], strict=True)]
    return " ".join([*above, *below])


def _heat(evidence: Evidence) -> str:
    """The spectrogram as a picture in greys, low tones below: a page darkens or brightens it by its scheme."""
    if evidence.waveform is None or len(evidence.waveform) < 64 or evidence.sample_rate < _LEAST_HERTZ:
        return ""
    decibels = spectral_decibels(evidence.waveform, evidence.sample_rate)
    grey = np.round(255 * (1 - (decibels - _FLOOR_DECIBELS) / -_FLOOR_DECIBELS)).astype(np.uint8)
    return picture_uri(Image.fromarray(grey[::-1]).resize(_SPECTROGRAM, Image.Resampling.BILINEAR))


def spectral_decibels(
    waveform: Float[np.ndarray, " samples"], sample_rate: float
) -> Float[np.ndarray, "frequencies times"]:
    """Power of each frequency up to 8 kHz at each time, in decibels below the strongest, -80 at least."""
    window = min(512, len(waveform))
    frequencies, _, power = spectrogram(waveform, sample_rate, nperseg=window, noverlap=window // 2)
    power = power[frequencies <= HIGHEST_HERTZ]
    relative = power / max(float(power.max()), 1e-12)
    return 10 * np.log10(np.maximum(relative, 10 ** (_FLOOR_DECIBELS / 10)))


def picture_uri(image: Image.Image) -> str:
    """A picture as PNG that a page can hold."""
    content = io.BytesIO()
    image.save(content, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _ticks(span: Span) -> list[float]:
    """Round times, at most seven.

    >>> _ticks(Span(0.0, 3.2)), _ticks(Span(6.1, 6.9))
    ([0, 1, 2, 3], [6.2, 6.4, 6.6, 6.8])
    """
    seconds = span.end - span.start
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((one for one in steps if seconds / one <= _TICKS), 2 * 3600)
    first, last = int(np.ceil(span.start / step - 1e-6)), int(span.end / step + 1e-6)
    return [round(step * number, 3) for number in range(first, last + 1)]
