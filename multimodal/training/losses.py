"""Focal loss, weighted by class, for the four classes and for each modality's own head.

``FL = -alpha_t (1 - p_t)^gamma log p_t`` (Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, eq. 5).
With ``gamma = 0`` and ``alpha = 1`` it is cross entropy, so the three losses offered are one function.
Labels are class indices, or -1 where unknown; an unknown label adds nothing, and means are over the known ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    interpolate,
    log_softmax,
    logsigmoid,
)

from fusion.token_time import TEMPERATURE, likeness_by_shift
from multimodal.detector import DetectorOutput
from multimodal.labels import CLASSES, MODALITIES, UNKNOWN, Modality
from multimodal.training.options import FOCAL, LossName

Reduction = Literal["mean", "sum", "none"]

# Sound and picture of the same moment should be alike, those of other moments not: learnt from real clips.


def synchrony_loss(
    video: Float[Tensor, "batch _ width"],
    audio: Float[Tensor, "batch _ width"],
    is_real: Bool[Tensor, " batch"],
    count: Num[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Contrast the aligned window with the same window shifted, by up to half its length in either direction.

    The likeness of a shift is the mean cosine of the tokens that then stand together; a softmax over all shifts
    should choose none. After the multi-way matching of Chung et al., Perfect Match, ICASSP 2019, section 2.2, with
    shifts inside one window as the choices. Fakes are left out, since theirs may rightly not fit.

    Shape: tokens ``(B, T, W)`` of any two rates, brought to the slower; at least 4 tokens. ``count`` are the real
    clips that the mean is over, where these are a part of a batch; None for those of ``is_real``.

    Returns:
        Mean over the real clips; 0 where there is none.
    """
    num_tokens = min(video.shape[1], audio.shape[1])
    if num_tokens < 4:
        raise ValueError(
            f"synchrony wants at least 4 tokens a window; got {num_tokens}. Raise --num-frames, or leave it out"
        )
    logits = likeness_by_shift(video, audio) / TEMPERATURE
    aligned = torch.full((len(video),), logits.shape[1] // 2, device=logits.device)
    losses = torch.where(is_real, cross_entropy(logits, aligned, reduction="none"), 0.0)
    return losses.sum() / _some(is_real.sum() if count is None else count)


# Every moment forged or genuine, where a corpus says which are.


def on_frames(logits: Float[Tensor, "batch tokens"], num_frames: int) -> Float[Tensor, "batch frames"]:
    """Logits of evenly spaced tokens at the frames of the window, by lines between the tokens' middles.

    >>> on_frames(torch.tensor([[0.0, 1.0]]), 4)
    tensor([[0.0000, 0.2500, 0.7500, 1.0000]])
    """
    return interpolate(logits[:, None].float(), size=num_frames, mode="linear", align_corners=False)[:, 0]


def frame_loss(
    logits: Float[Tensor, "batch tokens"],
    labels: Int[Tensor, "batch frames"],
    count: Num[Tensor, ""] | None = None,
    forged: Num[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Mean cross entropy of the frames whose label is known; 0 where none is.

    A forged frame weighs as much more than a genuine one as it is rarer in the batch, at most ten times: a stretch
    of four tenths of a second is a tenth of its clip. Where the batch is a part of another, ``count`` and
    ``forged`` are the frames of that one that are known, and forged.
    """
    known, is_forged = labels != UNKNOWN, (labels == 1).float()
    total = _some(known.sum() if count is None else count)
    share = (is_forged.sum() if forged is None else forged) / total
    weight = ((1 - share) / share.clamp(min=1e-6)).clamp(1, 10)
    losses = binary_cross_entropy_with_logits(
        on_frames(logits, labels.shape[1]), is_forged, pos_weight=weight, reduction="none"
    )
    return (losses * known).sum() / total


def class_weights(counts: ArrayLike) -> Float[Tensor, " classes"]:
    """Weight of each class, ``n_samples / (n_classes * count)`` over the classes that occur; 0 for any other.

    Args:
        counts: (classes,) how many samples of each class the training sees.

    Raises:
        ValueError: a count is negative or no number.

    >>> class_weights([1, 3])
    tensor([2.0000, 0.6667])
    """
    counts = _counted(counts)
    weights = np.divide(counts.sum(), (counts > 0).sum() * counts, out=np.zeros(len(counts)), where=counts > 0)
    return torch.tensor(weights, dtype=torch.float32)


def _counted(counts: ArrayLike) -> np.ndarray:
    counts = np.asarray(counts)
    if not np.all(counts >= 0):
        raise ValueError(f"counts of samples must be 0 or more; got {counts.tolist()}")
    return counts


def effective_number_weights(counts: ArrayLike, beta: float = 0.999) -> Float[Tensor, " classes"]:
    """One over the effective number of samples ``(1 - beta ** count) / (1 - beta)``, scaled to a mean of 1.

    Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019, eq. 2 and section 4; the mean
    is over samples, so that the loss is as large as without weights. ``beta = 0`` weighs all alike, ``beta`` near
    1 gives :func:`class_weights`. A class that never occurs weighs 0.

    >>> effective_number_weights([1, 1], beta=0.9)
    tensor([1., 1.])
    """
    counts = _counted(counts)
    if not 0 <= beta < 1:
        raise ValueError(f"beta must lie in [0, 1); got {beta}. The paper uses 0.9 to 0.9999")
    effective = -np.expm1(counts * np.log(beta)) / (1 - beta) if beta else np.minimum(counts, 1)
    weights = np.divide(1, effective, out=np.zeros(len(counts)), where=counts > 0)
    return torch.tensor(weights * counts.sum() / (weights * counts).sum(), dtype=torch.float32)


def focal_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Int[Tensor, " batch"],
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
    weights: Float[Tensor, " classes"] | None = None,
    reduction: Reduction = "none",
) -> Float[Tensor, "..."]:
    """Focal loss over softmax classes, with ``alpha_t = alpha * weights[label]``.

    Shape: logits ``(B, K)``, labels ``(B,)`` to ``(B,)``, 0 where the label is unknown; or to a number by the
    ``reduction`` ``"sum"`` or ``"mean"``, the latter over the known labels (0 where none is).
    """
    known = labels != UNKNOWN
    safe = labels.clamp(min=0)
    log_p = log_softmax(logits.float(), dim=-1).gather(1, safe[:, None])[:, 0]
    alpha_t = alpha if weights is None else alpha * weights.to(logits.device, non_blocking=True)[safe]
    return _reduce(torch.where(known, -alpha_t * _missing(log_p) ** gamma * log_p, 0.0), known, reduction)


def binary_focal_loss(
    logits: Float[Tensor, " batch"],
    labels: Int[Tensor, " batch"] | Float[Tensor, " batch"],
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
    weights: Float[Tensor, " 2"] | None = None,
    reduction: Reduction = "none",
) -> Float[Tensor, "..."]:
    """Focal loss for one logit (higher = fake).

    Without ``weights``, ``alpha_t`` is ``alpha`` for fake and ``1 - alpha`` for real, as in the paper. Class
    weights already say how much each class counts, so with them ``alpha_t = alpha * weights[label]``. A label
    between 0 and 1 is that share of fake: the losses of both labels are mixed by it.

    Shape: logits ``(B,)``, labels ``(B,)``, whole or floating point, to ``(B,)`` or a number, as
    :func:`focal_loss`.
    """
    known = labels != UNKNOWN
    sides = torch.tensor([1 - alpha, alpha]) if weights is None else alpha * weights
    per_class = sides.to(logits.device, non_blocking=True)
    if labels.is_floating_point():
        if (known & ((labels < 0) | (labels > 1))).any():
            raise ValueError("labels as shares of fake must lie in [0, 1], or be -1 where unknown")
        share = labels.clamp(min=0)
        real, fake = (_of_side(logits, torch.full_like(labels, side).long(), per_class, gamma) for side in (0, 1))
        losses = (1 - share) * real + share * fake
    else:
        losses = _of_side(logits, labels.clamp(min=0), per_class, gamma)
    return _reduce(torch.where(known, losses, 0.0), known, reduction)


def _of_side(
    logits: Float[Tensor, " batch"], labels: Int[Tensor, " batch"], per_class: Float[Tensor, " 2"], gamma: float
) -> Float[Tensor, " batch"]:
    log_p = logsigmoid(torch.where(labels == 1, logits, -logits).float())
    return -per_class[labels] * _missing(log_p) ** gamma * log_p


def _reduce(
    losses: Float[Tensor, " batch"], known: Bool[Tensor, " batch"], reduction: str
) -> Float[Tensor, "..."]:
    if reduction not in get_args(Reduction):
        raise ValueError(f"reduction must be mean, sum or none; got {reduction!r}")
    if reduction == "mean":
        return losses.mean() * _per_known(known)
    return losses.sum() if reduction == "sum" else losses


def _per_known(known: Bool[Tensor, " batch"], count: Num[Tensor, ""] | None = None) -> Float[Tensor, ""]:
    """Factor from a mean over the batch to one over known labels, or ``count``; 1 where all are known."""
    return known.numel() / _some(known.sum() if count is None else count)


def _some(count: Tensor) -> Tensor:
    """The count, or 1 where there is nothing to divide; a mean over processes may lie between."""
    return count.where(count > 0, 1)


def shares_a_batch() -> bool:
    """Whether this process computes a part of a batch that others compute the rest of."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def over_processes(counts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Mean of each count over the processes that share a batch; as they are where there is one alone."""
    if not shares_a_batch():
        return counts
    together = torch.stack([one.float() for one in counts.values()])
    torch.distributed.all_reduce(together)
    return dict(zip(counts, together / torch.distributed.get_world_size(), strict=True))


def _teaching(labels: Mapping[str, Int[Tensor, " batch"]]) -> Bool[Tensor, " batch"]:
    """Which clips teach the fusion, by all four classes or by the one modality that it was shown."""
    shown = [labels[f"shown_{name}"] for name in MODALITIES if f"shown_{name}" in labels]
    return torch.stack([one != UNKNOWN for one in (labels["class"], *shown)]).any(dim=0)


def _missing(log_p: Tensor) -> Tensor:
    """``1 - p``, kept off 0 where the gradient of a small power would be infinite."""
    return (-torch.expm1(log_p)).clamp(min=1e-7)


def marginal_logits(class_logits: Float[Tensor, "batch 4"], modality: Modality) -> Float[Tensor, " batch"]:
    """Logit of one modality being fake, whatever the other is: the marginal of the four-class posterior.

    >>> marginal_logits(torch.zeros(1, 4), "video")
    tensor([0.])
    """
    fake = [index for index in range(len(CLASSES)) if (index // 2 if modality == "video" else index % 2)]
    real = [index for index in range(len(CLASSES)) if index not in fake]
    return class_logits[:, fake].logsumexp(dim=-1) - class_logits[:, real].logsumexp(dim=-1)


@dataclass(frozen=True, kw_only=True)
class DetectorLoss:
    """Loss of the detector: the four classes, and each modality's own head beside them.

    Args:
        name: ``cross_entropy``, ``focal`` or ``weighted_focal``; the last needs weights.
        alpha, gamma: of the focal loss.
        weights: class weights by target (``class``, ``video``, ``audio``); missing ones weigh all alike.
        head_weight: share of each modality's own loss in the total.
        synchrony_weight: share of the loss of synchrony; above 0 the detector must compare (``compares=True``).
        frame_weight: share of the loss of every moment; above 0 the detector must judge them (``localises=True``).
    """

    name: LossName = "weighted_focal"
    alpha: float = 0.25
    gamma: float = 2.0
    weights: Mapping[str, Float[Tensor, " classes"]] = field(default_factory=dict)
    head_weight: float = 0.5
    synchrony_weight: float = 0.0
    frame_weight: float = 0.0

    def known(
        self,
        labels: Mapping[str, Int[Tensor, " batch"]],
        frame_labels: Mapping[str, Int[Tensor, "batch frames"]] = MappingProxyType({}),
    ) -> dict[str, Num[Tensor, ""]]:
        """How many clips, or frames, each mean of the loss is over, for a batch that is computed in parts.

        Where processes share the batch, it is the mean of their counts, since they average their gradients.
        """
        counts: dict[str, Tensor] = {
            name: (labels[name] != UNKNOWN).sum() for name in MODALITIES if name in labels
        }
        for name, frames in frame_labels.items():
            counts |= {f"frames_{name}": (frames != UNKNOWN).sum(), f"forged_{name}": (frames == 1).sum()}
        if "class" in labels:
            both_real = labels["class"] == CLASSES.index("RVRA")
            counts |= {"class": _teaching(labels).sum(), "synchrony": both_real.sum()}
        return over_processes(counts)

    def __call__(
        self,
        output: DetectorOutput,
        labels: Mapping[str, Int[Tensor, " batch"]],
        frame_labels: Mapping[str, Int[Tensor, "batch frames"]] = MappingProxyType({}),
    ) -> Float[Tensor, ""]:
        """The total of :meth:`in_parts`."""
        return self.in_parts(output, labels, frame_labels=frame_labels)["loss"]

    def in_parts(
        self,
        output: DetectorOutput,
        labels: Mapping[str, Int[Tensor, " batch"]],
        known: Mapping[str, Num[Tensor, ""]] | None = None,
        frame_labels: Mapping[str, Int[Tensor, "batch frames"]] = MappingProxyType({}),
    ) -> dict[str, Float[Tensor, ""]]:
        """The total as ``loss``, and its parts by name, before their shares: each a mean over the known labels.

        With ``known``, of :meth:`known`, the batch is a part of another and the means are over the clips of that.

        ``labels`` holds ``class``, ``video`` and ``audio``, each ``(B,)``. A clip of which the fusion was shown
        one modality only (``shown_video`` or ``shown_audio`` has its label, ``class`` has not) teaches the fusion
        by the marginal of its posterior.
        """
        counts = known or {}
        fused = self._fusion(output.class_logits, labels, counts.get("class"))
        heads = {
            f"loss_{name}": self.binary(name, output.modality_logits[name], labels[name], counts.get(name))
            for name in MODALITIES
            if name in output.modality_logits
        }
        parts = {"loss_class": fused, **heads}
        total = fused + self.head_weight * torch.stack([*heads.values()]).sum()
        if self.synchrony_weight and output.comparable is not None:
            both_real = labels["class"] == CLASSES.index("RVRA")
            synchrony = synchrony_loss(
                output.comparable["video"], output.comparable["audio"], both_real, counts.get("synchrony")
            )
            parts["loss_synchrony"] = synchrony
            total = total + self.synchrony_weight * synchrony
        if self.frame_weight and output.frame_logits is not None and frame_labels:
            moments = [
                frame_loss(
                    output.frame_logits[name], frames, counts.get(f"frames_{name}"), counts.get(f"forged_{name}")
                )
                for name, frames in frame_labels.items()
            ]
            parts["loss_moments"] = torch.stack(moments).sum()
            total = total + self.frame_weight * parts["loss_moments"]
        return {"loss": total, **parts}

    def _fusion(
        self,
        logits: Float[Tensor, "batch 4"],
        labels: Mapping[str, Int[Tensor, " batch"]],
        count: Num[Tensor, ""] | None,
    ) -> Float[Tensor, ""]:
        """Mean over the clips that teach the fusion, by all four classes or by one modality; each counts alike."""
        assert logits.shape[-1] == len(CLASSES)
        alpha, gamma = self._focus()
        weights = self.weights.get("class")
        total = focal_loss(logits, labels["class"], alpha=alpha, gamma=gamma, weights=weights).mean()
        for name in MODALITIES:
            if f"shown_{name}" in labels:
                shown = labels[f"shown_{name}"]
                total = total + self._binary(name, marginal_logits(logits, name), shown, "none").mean()
        return total * _per_known(_teaching(labels), count)

    def binary(
        self,
        target: str,
        logits: Float[Tensor, " batch"],
        labels: Int[Tensor, " batch"],
        count: Num[Tensor, ""] | None = None,
    ) -> Float[Tensor, ""]:
        """Mean loss of one modality's head over the known labels; over ``count`` of them for a part of a batch."""
        losses = self._binary(target, logits, labels, "none")
        return losses.mean() * _per_known(labels != UNKNOWN, count)

    def _binary(
        self, target: str, logits: Float[Tensor, " batch"], labels: Int[Tensor, " batch"], reduction: Reduction
    ) -> Float[Tensor, "..."]:
        weights = self.weights.get(target)
        if self.name not in FOCAL:
            weights = torch.ones(2) if weights is None else weights
        alpha, gamma = self._focus()
        return binary_focal_loss(logits, labels, alpha=alpha, gamma=gamma, weights=weights, reduction=reduction)

    def _focus(self) -> tuple[float, float]:
        return (self.alpha, self.gamma) if self.name in FOCAL else (1.0, 0.0)
