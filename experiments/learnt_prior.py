"""The class shares that the scores of a run assume: those of its training clips, as drawn and weighed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from multimodal.labels import CLASSES, MODALITIES
from multimodal.metrics.class_shares import Shares, shares_of, smoothed_shares


def learnt_shares(config: Mapping[str, Any], provenance: Mapping[str, Any]) -> Shares:
    """Shares of the four classes, of each target, and of each modality's own head.

    Args:
        config: content of the run's ``config.json``.
        provenance: content of its ``provenance.json``: ``learnt`` has the labels that training saw and
            their weights.
    """
    learnt = provenance["learnt"]
    classes = smoothed_shares(dict(zip(CLASSES, _seen(learnt, "class"), strict=True)))
    alone = {}
    for modality in MODALITIES:
        real, fake = _seen(learnt, modality) + 1  # smoothed as the classes are
        weigh_real, weigh_fake = _alpha(config["loss"]) if modality not in learnt["weights"] else (1.0, 1.0)
        alone[f"{modality}_alone"] = float(fake * weigh_fake / (fake * weigh_fake + real * weigh_real))
    return shares_of(classes, **alone)


def _seen(learnt: Mapping[str, Any], target: str) -> np.ndarray:
    """Counts of each label, each times its weight."""
    counts = np.array(learnt["counts"][target], dtype=float)
    return counts * np.array(learnt["weights"].get(target, np.ones(len(counts))))


def _alpha(loss: Mapping[str, Any]) -> tuple[float, float]:
    """How much a real and a fake clip weigh in the loss of a head that has no class weights."""
    return (1.0, 1.0) if loss["name"] == "cross_entropy" else (1 - loss["alpha"], loss["alpha"])
