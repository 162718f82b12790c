"""What a window is, and which of a clip are judged.

Processes that prepare media know this, too, and have neither tables nor tensors: it imports no pandas.
"""

from dataclasses import dataclass

import numpy as np

from multimodal.data.options import SilentEnds
from multimodal.data.silence_trim import Span, heard_span
from multimodal.media.prepared import sample_span
from multimodal.media.reading.sound import Silence


@dataclass(frozen=True, kw_only=True)
class WindowShape:
    """What a model is fed.

    Args:
        num_frames: crops of a window.
        frame_size: side of a crop as the video encoder wants it, in pixels.
        frame_rate: crops a second in the store.
        sample_rate: of the sound, in hertz.
        silent_ends: whether windows are cut from silence at the ends of a clip too.
    """

    num_frames: int
    frame_size: int
    frame_rate: float
    sample_rate: int
    silent_ends: SilentEnds = "trim"

    @property
    def num_samples(self) -> int:
        """Sound samples of a window."""
        first, last = sample_span(0, self.num_frames, self.frame_rate, self.sample_rate)
        return last - first


def window_starts(length: int, num_frames: int, limit: int) -> list[int]:
    """First frames of at most ``limit`` windows spread evenly over ``length`` frames, the ends included.

    >>> window_starts(100, 20, 3), window_starts(30, 20, 4), window_starts(5, 20, 4)
    ([0, 40, 80], [0, 10], [0])
    """
    room = max(length - num_frames, 0)
    count = min(limit, -(-room // num_frames) + 1)
    return sorted({round(position) for position in np.linspace(0, room, count)})


def half_overlapping(length: int, num_frames: int) -> list[int]:
    """First frames of windows, each half a window after the one before, the last at the end of the clip.

    >>> half_overlapping(22, 8), half_overlapping(5, 8)
    ([0, 4, 8, 12, 14], [0])
    """
    last = max(length - num_frames, 0)
    return [*range(0, last, max(1, num_frames // 2)), last]


def judged_spans(
    num_frames: int, silence: Silence | None, shape: WindowShape, *, moments: bool = False
) -> list[Span]:
    """Windows in which a clip is judged; silent ends are left out as in training.

    They lie end to end; where ``moments`` are judged, too, each begins half a window after the one before.

    >>> shape = WindowShape(num_frames=20, frame_size=32, frame_rate=25.0, sample_rate=16_000)
    >>> judged_spans(30, None, shape)
    [Span(first=0, end=20), Span(first=10, end=30)]
    """
    span = Span(0, num_frames)
    if silence is not None and shape.silent_ends == "trim":
        span = heard_span(num_frames, *silence, shape.frame_rate)
    if moments:
        starts = half_overlapping(span.length, shape.num_frames)
    else:
        starts = window_starts(span.length, shape.num_frames, -(-span.length // shape.num_frames))
    firsts = [span.first + start for start in starts]
    return [Span(first, min(first + shape.num_frames, span.end)) for first in firsts]
