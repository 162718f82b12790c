"""From a balance by name to what is drawn in training and what each class weighs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.runs.config import BalanceConfig, LossConfig
from multimodal.data.order import Draw, evenly_drawn, frames_per_clip, shuffled
from multimodal.labels import CLASSES
from multimodal.training.losses import DetectorLoss, class_weights, effective_number_weights

#: Number of labels of each target.
SIZES = {"class": len(CLASSES), "video": 2, "audio": 2}

#: Target → how many samples of each label training sees in an epoch.
Counts = Mapping[str, np.ndarray]


class DrawnLabels(NamedTuple):
    """What is drawn, and the labels that training then sees."""

    draw: Draw
    counts: Counts


def drawn_labels(draw: Draw, labels: Mapping[str, np.ndarray]) -> DrawnLabels:
    """Count labels as they are drawn."""
    return DrawnLabels(draw, {name: draw.counts(labels[name], size) for name, size in SIZES.items()})


def training_draw(
    balance: BalanceConfig,
    clips: pd.DataFrame,
    labels: Mapping[str, np.ndarray],
    num_windows: Sequence[int],
    *,
    target: str,
    seed: int,
) -> DrawnLabels:
    """How the training clips are drawn.

    Args:
        balance: by name, with its options.
        clips: rows of the training split.
        labels: of the rows, by target; see :func:`multimodal.data.windows.label_table`.
        num_windows: windows that each clip can show without overlap.
        target: whose labels are evened out: ``class``, or a modality.
        seed: of the draw.
    """
    if balance.name == "weighted_sampler":
        groups = None if balance.within == "class" else clips[balance.within].to_numpy()
        draw = evenly_drawn(labels[target], seed=seed, groups=groups)
    elif balance.name == "frames_per_clip":
        draw = frames_per_clip(labels[target], np.asarray(num_windows), seed=seed)
    else:
        draw = shuffled(len(clips), seed=seed)
    return drawn_labels(draw, labels)


def build_loss(loss: LossConfig, balance: BalanceConfig, counts: Counts) -> DetectorLoss:
    """Make the loss; what a class weighs follows from the labels that training sees."""
    weights = {}
    if balance.name == "effective_number":
        weights = {name: effective_number_weights(count, balance.beta) for name, count in counts.items()}
    elif balance.name == "class_weights" or loss.name == "weighted_focal":
        weights = {name: class_weights(count) for name, count in counts.items()}
    return DetectorLoss(
        name=loss.name,
        alpha=loss.alpha,
        gamma=loss.gamma,
        head_weight=loss.head_weight,
        synchrony_weight=loss.synchrony_weight,
        weights=weights,
    )


def learnt_labels(counts: Counts, criterion: DetectorLoss) -> dict[str, Any]:
    """What a probability of the finished detector will assume: labels seen, and what each weighs."""
    return {
        "counts": {name: count.tolist() for name, count in counts.items()},
        "weights": {name: weight.tolist() for name, weight in criterion.weights.items()},
    }
