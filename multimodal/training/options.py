"""How a training goes, as plain values; reading them needs no torch."""

from dataclasses import dataclass
from typing import Literal

#: All three are the focal loss: cross entropy has no focus, the weighted one weighs rare classes more.
LossName = Literal["cross_entropy", "focal", "weighted_focal"]


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How long and how fast to learn, and when to stop.

    Args:
        steps: optimizer steps at most.
        learning_rate: its peak; a linear warm-up leads to it and half a cosine down to 0.
        warmup_share: share of the steps that warm up.
        weight_decay: of AdamW.
        gradient_norm: gradients are clipped to this norm.
        validate_every: steps between validations; each is followed by a checkpoint.
        patience: validations without a better selection metric before stopping; None never stops early.
        seed: of everything random in the steps.
    """

    steps: int = 1000
    learning_rate: float = 3e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.05
    gradient_norm: float = 1.0
    validate_every: int = 100
    patience: int | None = None
    seed: int = 0
