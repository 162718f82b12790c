"""From a balance by name to what is drawn in training and what each class weighs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from multimodal.data.order import Draw, evenly_drawn, frames_per_clip, matched_drawn, shuffled
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
    clips: pd.DataFrame,
    labels: Mapping[str, np.ndarray],
    num_windows: Sequence[int],
    *,
    balance: str,
    target: str,
    seed: int,
    within: str = "class",
) -> DrawnLabels:
    """How the training clips are drawn.

    Args:
        clips: rows of the training split.
        labels: of the rows, by target; see :func:`multimodal.data.windows.label_table`.
        num_windows: windows that each clip can show without overlap.
        balance: weighted_sampler and frames_per_clip draw evenly; any other takes the clips as they come.
        target: whose labels are evened out: ``class``, or a modality.
        seed: of the draw.
        within: of weighted_sampler: inside a class every clip, every method or every identity is as likely;
            ``source`` makes every class of every identity alike.
    """
    if balance == "weighted_sampler" and within == "source":
        draw = matched_drawn(labels[target], clips["identity"].to_numpy(), clips["method"].to_numpy(), seed=seed)
    elif balance == "weighted_sampler":
        groups = None if within == "class" else clips[within].to_numpy()
        draw = evenly_drawn(labels[target], seed=seed, groups=groups)
    elif balance == "frames_per_clip":
        draw = frames_per_clip(labels[target], np.asarray(num_windows), seed=seed)
    else:
        draw = shuffled(len(clips), seed=seed)
    # weights and the learnt prior follow from what is drawn, which a balance may have made even
    return drawn_labels(draw, labels)


def label_weights(counts: Counts, *, balance: str, loss: str, beta: float = 0.999) -> dict[str, Tensor]:
    """What each label weighs in the loss, by target; empty where all weigh alike.

    Args:
        counts: labels that training sees.
        balance: effective_number and class_weights weigh any loss.
        loss: weighted_focal weighs by class whatever the balance.
        beta: of effective_number.
    """
    if balance == "effective_number":
        return {name: effective_number_weights(count, beta) for name, count in counts.items()}
    if balance == "class_weights" or loss == "weighted_focal":
        return {name: class_weights(count) for name, count in counts.items()}
    return {}


def learnt_labels(counts: Counts, criterion: DetectorLoss) -> dict[str, Any]:
    """What a probability of the finished detector will assume: labels seen, and what each weighs."""
    return {
        "counts": {name: count.tolist() for name, count in counts.items()},
        "weights": {name: weight.tolist() for name, weight in criterion.weights.items()},
    }
