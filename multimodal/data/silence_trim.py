"""Which frames of a clip windows are cut from: silence at both ends is left out, of sound and picture together.

A detector can tell the corpora's fakes by their silent ends alone, and the sign differs: genuine clips of ASVspoof
have the longer ones (Müller et al., arXiv 2106.12914), fakes of FakeAVCeleb start with one (Smeu et al., arXiv
2412.00175). A branch pretrained on one and tuned on the other would learn both.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multimodal.data.options import SilentEnds

if TYPE_CHECKING:
    import pandas as pd


class Span(NamedTuple):
    """Frames ``first`` to ``end - 1`` of a clip."""

    first: int
    end: int

    @property
    def length(self) -> int:
        """Number of frames."""
        return self.end - self.first


def heard_span(num_frames: int, start_seconds: float, end_seconds: float, frame_rate: float) -> Span:
    """Frames without those that lie wholly in silence at either end; all of them where nothing would be left.

    Args:
        num_frames: of the clip.
        start_seconds: silence before the first sample that is heard; NaN for a clip without sound, of which
            nothing is left out.
        end_seconds: silence after the last one.
        frame_rate: frames a second.

    >>> heard_span(100, start_seconds=0.5, end_seconds=0.09, frame_rate=25.0)
    Span(first=12, end=98)
    """
    if math.isnan(start_seconds) or math.isnan(end_seconds):
        return Span(0, num_frames)
    first = math.floor(start_seconds * frame_rate + 1e-6)
    end = num_frames - math.floor(end_seconds * frame_rate + 1e-6)
    return Span(first, end) if first < end else Span(0, num_frames)


def spans_of(index: "pd.DataFrame", silent_ends: SilentEnds) -> list[Span]:
    """Span of each clip, by its row in a store's index."""
    if silent_ends == "keep":
        return [Span(0, int(length)) for length in index["num_frames"]]
    columns = ("num_frames", "silence_start_seconds", "silence_end_seconds", "frame_rate")
    rows = zip(*(index[name].tolist() for name in columns), strict=True)
    return [
        heard_span(int(length), _number(start), _number(end), float(rate)) for length, start, end, rate in rows
    ]


def widened(span: Span, num_frames: int, generator: np.random.Generator) -> Span:
    """The span with a random share of each end that was left out put back."""
    first = int(generator.integers(0, span.first + 1))
    end = int(generator.integers(span.end, num_frames + 1))
    return Span(first, end)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
