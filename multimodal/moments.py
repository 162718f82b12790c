"""Every moment of a clip judged: from a detector with a head for that, and windows, to a score a frame."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch.utils.data import DataLoader

from multimodal.data.delivery import Batch, collate, stack, to_device
from multimodal.data.windows import EvaluationWindows, WindowShape, window_tensors
from multimodal.detector import AudioVisualDetector
from multimodal.labels import MODALITIES, TARGETS, Modality, Target
from multimodal.media.prepared import PreparedClip
from multimodal.media.store.reader import AnyStore
from multimodal.metrics.localisation import FrameScores, Located, located
from multimodal.metrics.segments import propose
from multimodal.scoring import Progress, evaluating
from multimodal.training.losses import on_frames

#: Start and end in seconds.
Stretches = list[tuple[float, float]]


class Moments(NamedTuple):
    """Probability of forged of every frame of a clip, by target; NaN where a modality is absent or was left out.

    Frame k is the interval of one frame from ``start_seconds + k / frame_rate`` on. ``any`` is the larger of the
    two.
    """

    scores: dict[Target, Float[np.ndarray, " frames"]]
    frame_rate: float
    start_seconds: float

    def proposals(self, target: Target) -> Float[np.ndarray, "proposals 3"]:
        """Stretches that may be forged, ``(score, start, end)``, the surest first."""
        return propose(self.scores[target], self.frame_rate, self.start_seconds)


class MomentWindows(EvaluationWindows):
    """Windows that cover prepared clips whole, and twice but for their ends: no moment is near an edge of all."""

    def __init__(self, store: AnyStore, clips: pd.DataFrame, shape: WindowShape) -> None:
        super().__init__(store, clips, replace(shape, silent_ends="keep"))
        self.starts = [
            (row, start)
            for row, span in enumerate(self.spans)
            for start in _half_overlapping(span.length, shape.num_frames)
        ]


def _half_overlapping(length: int, num_frames: int) -> list[int]:
    """First frames of windows, each half a window after the one before, the last at the end of the clip.

    >>> _half_overlapping(22, 8), _half_overlapping(5, 8)
    ([0, 4, 8, 12, 14], [0])
    """
    last = max(length - num_frames, 0)
    return [*range(0, last, max(1, num_frames // 2)), last]


def moments_of_window(
    detector: AudioVisualDetector, window: PreparedClip, shape: WindowShape
) -> dict[Modality, Float[np.ndarray, "1 time"]]:
    """Probability of forged of every frame of one window in memory, NaN where a modality is absent."""
    with evaluating(detector):
        return _scores(detector, stack([window_tensors(window, shape)]), shape.num_frames)


def clip_moments(
    detector: AudioVisualDetector,
    windows: MomentWindows,
    *,
    batch_size: int = 16,
    num_workers: int = 0,
    progress: Progress = iter,
) -> Iterator[tuple[int, Moments]]:
    """Every moment of prepared clips, with the clip's row.

    Args:
        detector: with heads for moments.
        windows: of the clips; what lies in none of them is NaN.
        batch_size: windows a forward pass.
        num_workers: processes that read windows.
        progress: wraps the batches.
    """
    loader = DataLoader(windows, batch_size=batch_size, num_workers=num_workers, collate_fn=collate)
    num_frames = windows.shape.num_frames
    with evaluating(detector):
        parts = [_scores(detector, batch, num_frames) for batch in progress(loader)]
    scores = {name: np.concatenate([part[name] for part in parts]) for name in MODALITIES}
    index = windows.store.index.set_index("clip_id").loc[windows.clip_ids]
    rows = np.array([row for row, _ in windows.starts])
    for row, (length, rate, start) in enumerate(
        zip(index["num_frames"], index["frame_rate"], index["start_seconds"], strict=True)
    ):
        mine = np.flatnonzero(rows == row)
        starts = [windows.starts[one][1] for one in mine]
        yield row, joined(starts, {name: value[mine] for name, value in scores.items()}, length, rate, start)


@torch.inference_mode()
def _scores(
    detector: AudioVisualDetector, batch: Batch, num_frames: int
) -> dict[Modality, Float[np.ndarray, "b t"]]:
    """Probabilities (windows, frames) by modality, NaN where it is absent."""
    moved = to_device(batch, next(detector.parameters()).device)
    logits = detector(moved["inputs"], moved["present"], moved["lengths"]).frame_logits
    if logits is None:
        raise ValueError("the detector judges no moments; train it with --frame-weight 1")
    found = {}
    for name in MODALITIES:
        values = on_frames(logits[name], num_frames).sigmoid().cpu().double().numpy()
        found[name] = np.where(batch["present"][name].numpy()[:, None], values, np.nan)
    return found


def joined(
    starts: Sequence[int],
    scores: Mapping[Modality, np.ndarray],
    num_frames: int,
    frame_rate: float,
    start_seconds: float,
) -> Moments:
    """Means of the windows that cover each frame, those that have it nearer to their middle weighing more."""
    length = next(iter(scores.values())).shape[1]
    weight = 1 - np.abs(np.linspace(-1, 1, length)) * 0.9
    whole: dict[Target, np.ndarray] = {}
    for name in MODALITIES:
        total, weights = np.zeros(num_frames + length), np.zeros(num_frames + length)
        for start, values in zip(starts, scores[name], strict=True):
            total[start : start + length] += weight * values
            weights[start : start + length] += weight
        covered = weights[:num_frames] > 0
        whole[name] = np.where(covered, total[:num_frames] / np.where(covered, weights[:num_frames], 1), np.nan)
    whole["any"] = np.fmax(whole["video"], whole["audio"])
    return Moments({name: whole[name] for name in TARGETS}, float(frame_rate), float(start_seconds))


# Beside what the manifest says.


class Told(NamedTuple):
    """What is said of the moments of some clips beside what is true, by target; ``rows`` are the clips'."""

    rows: list[int]
    stretches: dict[Target, list[Located]]
    frames: dict[Target, list[FrameScores]]


def beside_truth(found: Iterable[tuple[int, Moments]], windows: MomentWindows, clips: pd.DataFrame) -> Told:
    """Proposals and frame scores of the clips of which the manifest says what is forged when, genuine ones too."""
    told = Told([], {target: [] for target in TARGETS}, {target: [] for target in TARGETS})
    for row, moments in found:
        video, audio = (_stretches(clips, row, name) for name in MODALITIES)
        if video is None or audio is None:
            continue
        told.rows.append(row)
        labels = windows.frames.of(row, 0, len(moments.scores["any"]))
        both = np.maximum(labels["video"], labels["audio"])
        forged: dict[Target, np.ndarray] = {"any": both, "video": labels["video"], "audio": labels["audio"]}
        true: dict[Target, Stretches] = {"any": _union([*video, *audio]), "video": video, "audio": audio}
        for target in TARGETS:
            told.stretches[target].append(located(moments.proposals(target), true[target]))
            known = np.isfinite(moments.scores[target]) & (forged[target] >= 0)
            told.frames[target].append(FrameScores(moments.scores[target][known], forged[target][known] == 1))
    return told


def _stretches(clips: pd.DataFrame, row: int, name: Modality) -> Stretches | None:
    """Of a clip, in seconds; none where it is genuine, None where nobody knows."""
    said = clips[f"{name}_segments"].iloc[row]
    if said is not None and said is not pd.NA:
        return [(float(start), float(end)) for start, end in said]
    label = clips[f"{name}_fake"].iloc[row]
    return [] if label is not pd.NA and label == 0 else None


def _union(stretches: Stretches) -> Stretches:
    """Stretches that overlap joined.

    >>> _union([(2.0, 3.0), (0.0, 1.0), (0.5, 1.5)])
    [(0.0, 1.5), (2.0, 3.0)]
    """
    joined: Stretches = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
