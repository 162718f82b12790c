"""How a training goes, as plain values; reading them needs no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from multimodal.ranges import above, at_least, between, check_ranges

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

    steps: Annotated[int, at_least(1)] = 1000
    learning_rate: Annotated[float, above(0)] = 3e-4
    warmup_share: Annotated[float, between(0, 1)] = 0.1
    weight_decay: Annotated[float, at_least(0)] = 0.05
    gradient_norm: Annotated[float, above(0)] = 1.0
    validate_every: Annotated[int, at_least(1)] = 100
    patience: Annotated[int | None, at_least(1)] = None
    seed: Annotated[int, at_least(0)] = 0

    def __post_init__(self) -> None:
        check_ranges(self)
