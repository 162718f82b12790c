"""Every moment of a clip judged: from a detector with a head for that, and windows, to a score a frame."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from multimodal.data.cutting import WindowShape, half_overlapping
from multimodal.data.delivery import delivered, window_loader
from multimodal.data.windows import EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.labels import MODALITIES, TARGETS, Modality, Target
from multimodal.media.store.reader import AnyStore
from multimodal.metrics.localisation import FrameScores, Located, located
from multimodal.metrics.segments import propose
from multimodal.scoring import Progress, evaluating, frame_scores

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
    """Windows that cover prepared clips twice but for their ends: no moment is near an edge of all of them.

    They are those in which a file is judged (:func:`~multimodal.data.cutting.judged_spans`).
    """

    def __init__(self, store: AnyStore, clips: pd.DataFrame, shape: WindowShape) -> None:
        super().__init__(store, clips, shape)
        self.starts = [
            (row, span.first + start)
            for row, span in enumerate(self.spans)
            for start in half_overlapping(span.length, shape.num_frames)
        ]


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
    loader = window_loader(windows, batch_size=batch_size, num_workers=num_workers)
    device, num_frames, parts = next(detector.parameters()).device, windows.shape.num_frames, []
    with evaluating(detector), torch.inference_mode():
        for batch in delivered(progress(loader), device):
            output = detector(batch["inputs"], batch["present"], batch["lengths"])
            parts.append(frame_scores(output, batch, num_frames))
    scores = {name: np.concatenate([part[name] for part in parts]) for name in MODALITIES}
    index = windows.store.index.set_index("clip_id").loc[windows.clip_ids]
    rows = np.array([row for row, _ in windows.starts])
    for row, (length, rate, start) in enumerate(
        zip(index["num_frames"], index["frame_rate"], index["start_seconds"], strict=True)
    ):
        mine = np.flatnonzero(rows == row)
        starts = [windows.starts[one][1] for one in mine]
        yield row, joined(starts, {name: value[mine] for name, value in scores.items()}, length, rate, start)


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
    """Forged stretches of a clip in seconds; none where it is genuine, None where nobody knows."""
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
