"""Which frames of a clip are forged: what a window, and a head that judges every moment, learn from.

Frame k of a prepared clip is the interval of one frame from ``start_seconds + k / frame_rate`` on. Its sound is
all of that interval. Its picture is the one that begins it, and lasts as long as any of the file: a crop of every
second picture shows the first half of its interval. A frame is forged (1) where the middle of its sound, or of its
picture, lies in a stretch that the manifest names, and genuine (0) elsewhere. A clip without stretches is what its
label says from end to end, but for a fake that is known to be one in part only: of its frames nobody knows (-1).
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int

from multimodal.labels import MODALITIES, UNKNOWN, Modality, class_index

FrameLabels = dict[Modality, Int[np.ndarray, " frames"]]


def forged_frames(
    segments: Sequence[Sequence[float]],
    start_seconds: float,
    num_frames: int,
    frame_rate: float,
    lasts_seconds: float = math.inf,
) -> Int[np.ndarray, " frames"]:
    """1 for frames whose middle lies in one of the stretches, 0 for the others.

    Args:
        segments: start and end of each stretch in seconds.
        start_seconds: where the first frame begins.
        num_frames: frames from there on.
        frame_rate: frames a second.
        lasts_seconds: how long what a frame shows lasts; its whole interval where that is shorter.

    >>> forged_frames([(0.1, 0.3)], start_seconds=0.0, num_frames=4, frame_rate=10.0).tolist()
    [0, 1, 1, 0]
    >>> forged_frames([(0.13, 0.33)], 0.0, num_frames=4, frame_rate=10.0, lasts_seconds=0.04).tolist()
    [0, 0, 1, 1]
    """
    middles = start_seconds + np.arange(num_frames) / frame_rate + min(1 / frame_rate, lasts_seconds) / 2
    inside = [(middles >= start) & (middles < end) for start, end in segments]
    return np.any(inside, axis=0).astype(np.int64) if inside else np.zeros(num_frames, dtype=np.int64)


class FrameTable:
    """Labels of the frames of every clip.

    Args:
        clips: rows of a manifest.
        index: rows of a store's index, of the same clips in the same order.
    """

    def __init__(self, clips: pd.DataFrame, index: pd.DataFrame) -> None:
        flags = clips["flags"].tolist() if "flags" in clips else [None] * len(clips)
        self._in_part = ["partly_fake" in (() if one is None or one is pd.NA else one) for one in flags]
        self._labels = {name: clips[f"{name}_fake"].fillna(UNKNOWN).astype(int).tolist() for name in MODALITIES}
        self._segments = {name: _segments(clips, name) for name in MODALITIES}
        self._starts, self._rates = index["start_seconds"].tolist(), index["frame_rate"].tolist()
        self._lasts = {"video": _picture_seconds(index), "audio": [math.inf] * len(index)}

    def knows(self, row: int) -> bool:
        """Whether a clip is forged in stretches that are known."""
        return any(self._segments[name][row] for name in MODALITIES)

    def of(self, row: int, start: int, num_frames: int) -> FrameLabels:
        """Labels of ``num_frames`` frames of a clip from frame ``start`` on."""
        return {name: self._of(name, row, start, num_frames) for name in MODALITIES}

    def _of(self, name: Modality, row: int, start: int, num_frames: int) -> Int[np.ndarray, " frames"]:
        label, segments = self._labels[name][row], self._segments[name][row]
        if segments:
            seconds, rate = self._starts[row], self._rates[row]
            return forged_frames(segments, seconds + start / rate, num_frames, rate, self._lasts[name][row])
        return np.full(num_frames, UNKNOWN if label == 1 and self._in_part[row] else label, dtype=np.int64)


def labels_of_window(frames: FrameLabels) -> dict[str, int]:
    """Labels ``class``, ``video`` and ``audio`` of a window that has these frames: forged where any of them is."""
    video, audio = (int(frames[name].max(initial=UNKNOWN)) for name in MODALITIES)
    both = UNKNOWN if UNKNOWN in (video, audio) else class_index(video, audio)
    return {"class": both, "video": video, "audio": audio}


def _segments(clips: pd.DataFrame, name: Modality) -> list[list[list[float]] | None]:
    column = f"{name}_segments"
    if column not in clips:
        return [None] * len(clips)
    return [None if one is None or one is pd.NA else [*one] for one in clips[column].tolist()]


def _picture_seconds(index: pd.DataFrame) -> list[float]:
    """How long a picture of each clip's file lasts; infinite where the store does not say."""
    if "source_frame_rate" not in index:
        return [math.inf] * len(index)
    rates = index["source_frame_rate"].tolist()
    return [1 / rate if rate and math.isfinite(rate) else math.inf for rate in rates]
