"""From a detector or a branch, and windows, to the scores table: a row a clip."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import Batch, delivered, stack, to_device, window_loader
from multimodal.data.windows import ClipWindows, window_tensors
from multimodal.detector import AudioVisualDetector, DetectorOutput, marginals
from multimodal.heads import Branch
from multimodal.labels import CLASSES, MODALITIES, Modality
from multimodal.media.prepared import PreparedClip
from multimodal.metrics.ranking import roc_auc
from multimodal.metrics.scores_table import DESCRIPTION
from multimodal.training.losses import on_frames

POSTERIOR = [f"p_{name}" for name in CLASSES]

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@torch.inference_mode()
def score_windows(model: nn.Module, batch: Batch, device: torch.device | str = "cpu") -> pd.DataFrame:
    """Scores of each window of a batch: posterior, each modality's own head, and what they imply.

    ``model`` is a detector, its classifier where the batch holds tokens, or a branch, which gives the score of its
    own modality only.

    Where both modalities are present, ``score_video``, ``score_audio`` and ``score_any`` are marginals of the
    four-class posterior. Where one is absent there is no such posterior: the other's own head is the score, and
    ``fused_video`` and ``fused_audio`` are what the fusion makes of it all the same.

    Of a detector that judges moments, and windows whose frames have labels, ``moments_video`` and
    ``moments_audio`` say how well it tells the forged frames of a window from its genuine ones: the area under
    their ROC curve, NaN where it has not both.
    """
    there = to_device(batch, device)
    if isinstance(model, Branch):
        name = model.encoder.modality
        output = model(there["inputs"][name], batch["lengths"][name])
        probability = output.logits.float().sigmoid().cpu().numpy()
        return pd.DataFrame({f"score_{name}": np.where(batch["present"][name].cpu().numpy(), probability, np.nan)})
    output = model(there["inputs"], there["present"], batch["lengths"])
    scores, labels = _scores_of(output, _present(batch)), batch.get("frame_labels", {})
    if output.frame_logits is None or not labels:
        return scores
    num_frames = next(iter(labels.values())).shape[1]
    found = frame_scores(output, batch, num_frames)
    told = {f"moments_{name}": _moments_in_order(found[name], labels[name].cpu().numpy()) for name in MODALITIES}
    return scores.assign(**told)


def frame_scores(
    output: DetectorOutput, batch: Batch, num_frames: int
) -> dict[Modality, Float[np.ndarray, "windows frames"]]:
    """Probability of forged of every frame of the windows of a batch, NaN where a modality is absent.

    Raises:
        ValueError: the detector that gave the output judges no moments.
    """
    if output.frame_logits is None:
        raise ValueError("the detector judges no moments; train it with --frame-weight 1")
    found = {}
    for name, present in _present(batch).items():
        values = on_frames(output.frame_logits[name], num_frames).sigmoid().cpu().double().numpy()
        found[name] = np.where(present[:, None], values, np.nan)
    return found


def _moments_in_order(scores: Float[np.ndarray, "windows frames"], labels: np.ndarray) -> np.ndarray:
    """Area of each window whose modality is present and whose frames are of both kinds, NaN of others."""
    areas = np.full(len(scores), np.nan)
    for row, (found, known) in enumerate(zip(scores, labels, strict=True)):
        forged, genuine = found[known == 1], found[known == 0]
        if len(forged) and len(genuine) and np.isfinite(found).all():
            areas[row] = roc_auc(forged, genuine)
    return areas


def _present(batch: Batch) -> dict[Modality, np.ndarray]:
    return {name: batch["present"][name].cpu().numpy() for name in MODALITIES}


def score_clips(
    model: nn.Module,
    windows: ClipWindows,
    clips: pd.DataFrame,
    *,
    batches: Iterable[Batch] | None = None,
    device: torch.device | str = "cpu",
) -> pd.DataFrame:
    """Scores of the clips whose windows ``batches`` hold, the mean over each clip's windows.

    Args:
        model: as in :func:`score_windows`; put into evaluation mode and back.
        windows: of ``clips``, row by row; what the model takes.
        clips: rows of a manifest.
        batches: as :func:`clip_batches` gives them; all windows without any.
        device: where the model is.
    """
    if batches is None:
        batches = clip_batches(windows)
    with evaluating(model):
        parts = [
            score_windows(model, batch, device).assign(row=batch["row"].numpy())
            for batch in delivered(batches, device)
        ]
    if not parts:  # more processes than clips
        return clips[DESCRIPTION].head(0)
    return clip_scores(pd.concat(parts, ignore_index=True), clips, windows)


@torch.inference_mode()
def score_corrupted(
    model: nn.Module,
    windows: ClipWindows,
    clips: pd.DataFrame,
    touched: Sequence[Modality],
    *,
    batches: Iterable[Batch],
    device: torch.device | str = "cpu",
) -> list[pd.DataFrame]:
    """Scores of the clips as they are, then under each corruption, all from one passage through the clips.

    What a corruption leaves alone is not encoded again: a detector's fusion and heads get its tokens.

    Args:
        model: a detector or a branch; put into evaluation mode and back.
        windows: of ``clips``, row by row, which the batches were made from.
        clips: rows of a manifest.
        touched: the modality that each corruption changes.
        batches: of :class:`multimodal.data.corruptions.CorruptedBatches`, in its order.
        device: where the model is.
    """
    parts: list[list[pd.DataFrame]] = [[] for _ in range(1 + len(touched))]
    with evaluating(model):
        for number, batch in enumerate(delivered(batches, device)):
            change = number % len(parts)
            if change == 0:
                plain, known = batch, _encoded(model, batch, tuple(batch["inputs"]))
            judged = plain.copy()
            judged["inputs"] = (
                known if change == 0 else {**known, **_encoded(model, batch, (touched[change - 1],))}
            )
            scores = score_windows(getattr(model, "classifier", model), judged, device)
            parts[change].append(scores.assign(row=batch["row"].numpy()))
    return [clip_scores(pd.concat(of, ignore_index=True), clips, windows) for of in parts]


def _encoded(model: nn.Module, batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """Of a detector the tokens of the modalities; of a branch, which has no other part, what it is fed."""
    inputs = {name: batch["inputs"][name] for name in names}
    return model.encode(inputs, batch["lengths"]) if isinstance(model, AudioVisualDetector) else inputs


def clip_batches(
    windows: ClipWindows, *, batch_size: int = 16, num_workers: int = 0, rank: int = 0, world_size: int = 1
) -> DataLoader[Any]:
    """Batches of one process's share of the clips: ``rank``, ``rank + world_size``, ...; any number of times."""
    mine = [i for i, (row, _) in enumerate(windows.starts) if row % world_size == rank]
    return window_loader(Subset(windows, mine), batch_size=batch_size, num_workers=num_workers if mine else 0)


@torch.inference_mode()
def embed_clips(
    model: nn.Module, batches: Iterable[Batch], num_clips: int, device: torch.device | str = "cpu"
) -> dict[Modality, Float[np.ndarray, "clips dim"]]:
    """Mean tokens of each clip by modality, over its windows; NaN where a clip lacks it.

    Args:
        model: a detector; put into evaluation mode and back.
        batches: of windows, as :func:`clip_batches` gives them.
        num_clips: rows that the windows belong to.
        device: where the model is.
    """
    sums: dict[Modality, np.ndarray] = {}
    counts = {name: np.zeros(num_clips) for name in MODALITIES}
    with evaluating(model):
        for batch in delivered(batches, device):
            found = embeddings_of(model(batch["inputs"], batch["present"], batch["lengths"]), batch)
            for name, values in found.items():
                here = _present(batch)[name]
                rows = batch["row"].numpy()[here]
                np.add.at(sums.setdefault(name, np.zeros((num_clips, values.shape[1]))), rows, values[here])
                np.add.at(counts[name], rows, 1)
    with np.errstate(invalid="ignore"):
        return {name: total / counts[name][:, None] for name, total in sums.items()}


def embeddings_of(output: DetectorOutput, batch: Batch) -> dict[Modality, Float[np.ndarray, "windows dim"]]:
    """Mean tokens of each window by modality, NaN where it is absent."""
    found = {}
    for name, present in _present(batch).items():
        values = (output.embeddings or {})[name].float().cpu().numpy()
        found[name] = np.where(present[:, None], values, np.nan)
    return found


class RunningScores:
    """Scores of the windows of one face as they come, a batch at a time, on the device that the detector is on.

    ``parts`` holds what is scored so far: tables of windows with ``start_seconds`` and ``end_seconds``.
    ``moments`` holds what the same forward passes say of their frames, as :func:`frame_scores` gives it; nothing
    where the detector judges no moments. ``embedded`` are the sums of their mean tokens by modality, with the
    number of windows that have it.
    """

    def __init__(self, detector: nn.Module, shape: WindowShape, *, batch_size: int = 16) -> None:
        self.parts: list[pd.DataFrame] = []
        self.moments: list[dict[Modality, Float[np.ndarray, "windows frames"]]] = []
        self.embedded: dict[Modality, tuple[np.ndarray, int]] = {}
        self._last: list[PreparedClip] = []
        self._detector, self._shape, self._batch_size = detector, shape, batch_size
        self._waiting: list[PreparedClip] = []

    def add(self, window: PreparedClip) -> bool:
        """Take the next window; whether a batch was scored with it."""
        self._waiting.append(window)
        return len(self._waiting) == self._batch_size and self._score()

    def finish(self) -> bool:
        """Score the windows that are left, if there are any."""
        return bool(self._waiting) and self._score()

    def take_last(self) -> list[PreparedClip]:
        """The windows of the last part, once: nobody holds them after."""
        windows, self._last = self._last, []
        return windows

    @torch.inference_mode()
    def _score(self) -> bool:
        windows, self._waiting = self._waiting, []
        self._last = windows
        batch = stack([window_tensors(window, self._shape) for window in windows])
        there = to_device(batch, device_of(self._detector))
        with evaluating(self._detector):
            output = self._detector(there["inputs"], there["present"], batch["lengths"])
        for name, values in embeddings_of(output, batch).items():
            total, count = self.embedded.get(name, (np.zeros(values.shape[1]), 0))
            here = ~np.isnan(values[:, 0])
            self.embedded[name] = (total + values[here].sum(axis=0, dtype=np.float64), count + int(here.sum()))
        begins = [window.start_seconds for window in windows]
        ends = [window.start_seconds + window.num_frames / window.frame_rate for window in windows]
        self.parts.append(_scores_of(output, _present(batch)).assign(start_seconds=begins, end_seconds=ends))
        if self._detector.localises:
            self.moments.append(frame_scores(output, batch, self._shape.num_frames))
        return True


def clip_scores(windows_table: pd.DataFrame, clips: pd.DataFrame, windows: ClipWindows) -> pd.DataFrame:
    """Average window scores by clip and put labels, identity, method and reasons beside them."""
    grouped = windows_table.groupby("row", sort=True)
    means = grouped.mean().assign(num_windows=grouped.size())
    described = clips.reset_index(drop=True).loc[means.index, DESCRIPTION]
    index = windows.store.index.set_index("clip_id").loc[described["clip_id"]]
    reasons = {f"absent_{name}": index[f"absent_{name}"].to_numpy() for name in MODALITIES}
    return pd.concat([described, means], axis=1).assign(**reasons).reset_index(drop=True)


def device_of(module: nn.Module) -> torch.device:
    """Where a module computes; one without parameters, as a graph, does so on the CPU."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode; its former mode comes back after."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def _scores_of(output: DetectorOutput, present: Mapping[Modality, np.ndarray]) -> pd.DataFrame:
    posterior = output.class_logits.float().softmax(dim=-1).cpu()
    heads = {name: output.modality_logits[name].float().sigmoid().cpu().numpy() for name in MODALITIES}
    both = present["video"] & present["audio"]
    columns = {
        name: np.where(both, values, np.nan) for name, values in zip(POSTERIOR, posterior.numpy().T, strict=True)
    }
    own = {name: np.where(present[name], heads[name], np.nan) for name in MODALITIES}
    fused = {name: values.numpy() for name, values in marginals(posterior)._asdict().items()}
    columns |= {f"head_{name}": own[name] for name in MODALITIES}
    columns |= {f"score_{name}": np.where(both, fused[name], own[name]) for name in MODALITIES}
    either = np.where(present["video"], own["video"], own["audio"])
    columns["score_any"] = np.where(both, fused["any"], either)
    columns |= {f"fused_{name}": fused[name] for name in MODALITIES}
    return pd.DataFrame(columns)
