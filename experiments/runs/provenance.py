"""What a model was trained on, for its report, its model card and every verdict it will give."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from multimodal.labels import CLASSES, MODALITIES, Modality
from multimodal.metrics.prior import Shares, shares_of, smoothed_shares
from multimodal.training.options import FOCAL

if TYPE_CHECKING:  # thresholds reads shares, and needs no torch
    from encoders.base import Encoder
    from experiments.runs.clips import Clips


def loaded_text(encoder: "Encoder", folder: Path | None) -> str:
    """What an encoder's weights are, and which of them are frozen, in one line.

    ``folder`` is the one of ``save_pretrained`` that they were loaded from, None without one.
    """
    weights = sum(parameter.numel() for parameter in encoder.parameters())
    frozen = sum(parameter.numel() for parameter in encoder.parameters() if not parameter.requires_grad)
    loaded = ""
    if folder is not None:
        loaded = f"all {len(encoder.state_dict())} tensors loaded from {folder}, none left over; "
    return (
        f"{encoder.modality} encoder {encoder.name}, {_millions(weights)} weights: {loaded}trained on "
        f"{encoder.trained_on}; frozen: {_millions(frozen) if frozen else 'none'}"
    )


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"


def trained_on_text(encoder: "Encoder", clips: "Clips", modality: Modality) -> str:
    """The history of an encoder with this pretraining at its end, for the model card."""
    counts = clips.of("train")["corpus"].value_counts().sort_index()
    corpora = ", ".join(f"{corpus} ({count:,} clips)" for corpus, count in counts.items())
    now = f"real or fake {modality} of {corpora}" + (", generated media" if clips.generated else "")
    before = encoder.trained_on
    return now if before == type(encoder).trained_on else f"{before}; then {now}"


# The class shares that the scores of a run assume: those of its training clips, as drawn and weighed.


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
    return (1 - loss["alpha"], loss["alpha"]) if loss["name"] in FOCAL else (1.0, 1.0)
