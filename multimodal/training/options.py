"""How a training goes, as plain values; reading them needs no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from multimodal.ranges import above, at_least, between, check_ranges

#: All three are the focal loss: cross entropy has no focus, the weighted one weighs rare classes more.
LossName = Literal["cross_entropy", "focal", "weighted_focal"]
#: Those that weigh a real by 1 - alpha and a fake by alpha, in a head without class weights.
FOCAL: frozenset[LossName] = frozenset({"focal", "weighted_focal"})


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How long and how fast to learn, and when to stop.

    Args:
        steps: optimizer steps at most.
        learning_rate: its peak; a linear warm-up leads to it and half a cosine down to 0.
        new_rate: how many times faster than an encoder that begins with trained weights all else learns, as
            fusion, heads, adapters and an encoder of random weights, also where that encoder is frozen or its
            tokens are kept; without any such encoder all learn alike.
        layer_decay: of such an encoder each layer learns so many times slower than the one after it; 1 for alike.
        warmup_share: share of the steps that warm up.
        weight_decay: of AdamW; biases, norms, scales, positions, tokens and weights of layers do not decay.
        accumulate: parts that the batch of a step is computed in, one after the other, where memory is short; the
            step is that of the whole batch, but that batch normalisation sees a part at a time.
        ema_decay: keep an exponential moving average of the weights too, e.g. 0.999; each validation judges both
            and takes the better. None for none.
        gradient_norm: gradients are clipped to this norm.
        compile: let torch compile the encoders; the first step then takes minutes, the others less.
        checkpoint_gradients: of a ViT or a speech model keep only what enters its blocks and compute the rest anew
            for the gradient: less memory, a third more time.
        deterministic: take only kernels of a GPU that give the same bits every time, so that a training that was
            stopped and goes on ends as one that was not; slower, and refused where a network has none. Without it
            the two differ by rounding; on a CPU they never do.
        validate_every: steps between validations; each is followed by a checkpoint.
        patience: validations without a better selection metric before stopping; None never stops early.
        seed: of everything random in the steps.
    """

    steps: Annotated[int, at_least(1)] = 1000
    learning_rate: Annotated[float, above(0)] = 3e-4
    new_rate: Annotated[float, above(0)] = 10.0
    layer_decay: Annotated[float, between(0, 1, open_low=True)] = 1.0
    warmup_share: Annotated[float, between(0, 1)] = 0.1
    weight_decay: Annotated[float, at_least(0)] = 0.05
    gradient_norm: Annotated[float, above(0)] = 1.0
    accumulate: Annotated[int, at_least(1)] = 1
    ema_decay: Annotated[float | None, between(0, 1, open_high=True)] = None
    compile: bool = False
    checkpoint_gradients: bool = False
    deterministic: bool = False
    validate_every: Annotated[int, at_least(1)] = 100
    patience: Annotated[int | None, at_least(1)] = None
    seed: Annotated[int, at_least(0)] = 0

    def __post_init__(self) -> None:
        check_ranges(self)
