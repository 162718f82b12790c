"""A judgement over time as a page shows it: shares of a width for what is placed, lines for what is drawn.

Everything is placed in per cent of the duration, so that one playhead fits all lanes at any width of the screen.
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
from multimodal.report.figures.timeline import envelope
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

    duration: float
    lines: list[dict[str, Any]]
    stretches: list[dict[str, Any]]
    thumbnails: list[dict[str, Any]]
    sound: str
    spectrogram: str
    heard: dict[str, float]
    ticks: list[dict[str, Any]]


def timeline_of(judgement: Judgement, duration: float | None = None) -> Timeline | None:
    """The lanes of one judgement; None where there is nothing over time."""
    evidence = judgement.evidence or Evidence()
    if not judgement.windows and not evidence.thumbnails and evidence.waveform is None:
        return None
    ends = [window.end_seconds for window in judgement.windows]
    ends.append(judgement.start_seconds + _heard_seconds(evidence))
    ends += [thumbnail.seconds for thumbnail in evidence.thumbnails]
    seconds = max([*ends, duration or 0.0]) or 1.0
    start = judgement.start_seconds
    return Timeline(
        seconds,
        list(_lines(judgement, seconds)),
        [
            {"name": one.modality, "start": one.start_seconds, "end": one.end_seconds}
            | _placed(one.start_seconds, one.end_seconds, seconds)
            for one in judgement.segments or ()
        ],
        [_thumbnail(one, seconds) for one in _evenly(evidence.thumbnails)],
        _wave(evidence, start, seconds),
        _heat(evidence),
        _placed(start, start + _heard_seconds(evidence), seconds),
        [{"at": at, "left": 100 * at / seconds} for at in _ticks(seconds)],
    )


def _placed(start: float, end: float, seconds: float) -> dict[str, float]:
    return {"left": 100 * start / seconds, "width": max(100 * (end - start) / seconds, 0.4)}


def _lines(judgement: Judgement, seconds: float) -> Iterator[dict[str, Any]]:
    """Scores of each target at the middles of its windows, with its threshold and its band of doubt."""
    for target in (name for name in TARGETS if name in judgement.modalities):
        points = [
            (1000 * (one.start_seconds + one.end_seconds) / 2 / seconds, 100 * (1 - score))
            for one in judgement.windows
            if (score := getattr(one, target)) is not None
        ]
        if not points:
            continue
        if len(points) == 1:  # a line needs two ends: the window's
            (only,) = [one for one in judgement.windows if getattr(one, target) is not None]
            points = [
                (1000 * at / seconds, points[0][1]) for at in (only.start_seconds, min(only.end_seconds, seconds))
            ]
        verdict = judgement.modalities[target]
        yield {
            "name": target,
            "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
            "threshold": None if verdict.threshold is None else 100 * (1 - min(verdict.threshold, 1)),
            "word": verdict.verdict,
        }


def _heard_seconds(evidence: Evidence) -> float:
    return 0.0 if evidence.waveform is None else len(evidence.waveform) / evidence.sample_rate


def _evenly(thumbnails: Sequence[Thumbnail]) -> list[Thumbnail]:
    if not thumbnails:
        return []
    chosen = np.linspace(0, len(thumbnails) - 1, min(len(thumbnails), _MOST_THUMBNAILS))
    return [thumbnails[round(index)] for index in chosen]


def _thumbnail(thumbnail: Thumbnail, seconds: float) -> dict[str, Any]:
    image = Image.fromarray(np.ascontiguousarray(thumbnail.image))
    image.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    return {"uri": picture_uri(image), "seconds": thumbnail.seconds, "left": 100 * thumbnail.seconds / seconds}


def _wave(evidence: Evidence, start: float, seconds: float) -> str:
    """The outline of the sound as a polygon."""
    if evidence.waveform is None or not len(evidence.waveform):
        return ""
    low, high = envelope(evidence.waveform, _ENVELOPE_POINTS)
    places = 1000 * (start + np.linspace(0, _heard_seconds(evidence), len(low))) / seconds
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


def _ticks(seconds: float) -> list[float]:
    """Round times from 0 on, at most seven.

    >>> _ticks(3.2), _ticks(0.8)
    ([0, 1, 2, 3], [0.0, 0.2, 0.4, 0.6, 0.8])
    """
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((one for one in steps if seconds / one <= _TICKS), 2 * 3600)
    return [round(step * number, 3) for number in range(int(seconds / step + 1e-6) + 1)]
