"""Fakes made of genuine clips while training, so that a lab with genuine clips only can pretrain.

A table of clips gets a second row for each genuine clip, labelled fake, whose windows are forged when they are
read. Order, class weights and validation then treat them as any fake.
"""

from typing import Literal, Protocol

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from torch import Tensor

from multimodal.labels import Modality

_FORGED = "forged"

#: ``none``; ``add`` to the fakes that are there; ``only``, leaving those out.
PseudoFakes = Literal["none", "add", "only"]


class Forge(Protocol):
    """Makes a genuine window fake in one modality."""

    modality: Modality
    name: str

    def __call__(self, x: Float[Tensor, "..."], generator: np.random.Generator) -> Float[Tensor, "..."]:
        """Video ``(T, 3, H, W)`` in [0, 1] or audio ``(samples,)`` in [-1, 1], and the same, forged."""


def with_pseudo_fakes(clips: pd.DataFrame, forge: Forge, *, keep_fakes: bool) -> pd.DataFrame:
    """The genuine clips of a modality, and each once more as a pseudo-fake.

    Args:
        clips: rows of a manifest.
        forge: what forges the windows; its name becomes the method.
        keep_fakes: whether the clips that are fake, or of unknown label, stay beside them.

    Raises:
        ValueError: there is no genuine clip.
    """
    label = f"{forge.modality}_fake"
    genuine = clips[clips[label] == 0]
    if genuine.empty:
        raise ValueError(f"pseudo-fakes are made of genuine clips, and no clip has {label} 0")
    forged = genuine.assign(**{label: 1, "any_fake": 1, "av_class": None, "method": forge.name, _FORGED: True})
    kept = (clips if keep_fakes else genuine).assign(**{_FORGED: False})
    return pd.concat([kept, forged.astype(kept.dtypes)], ignore_index=True)


def forged_rows(clips: pd.DataFrame) -> Bool[np.ndarray, " clips"]:
    """Which rows are pseudo-fakes."""
    if _FORGED not in clips:
        return np.zeros(len(clips), dtype=bool)
    return clips[_FORGED].to_numpy(dtype=bool)
