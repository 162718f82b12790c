"""The weights of a training averaged over its last steps, beside those that learn."""

from copy import deepcopy

import torch
from torch import nn


class WeightAverage:
    """An exponential moving average of a model's weights (Polyak and Juditsky, 1992; Tarvainen and Valpola, 2017).

    After step s it keeps the share ``min(decay, (1 + s) / (10 + s))`` of what it was: few steps at first, so that
    random weights are soon forgotten. Nothing but the step is remembered, so a training that was stopped goes on.

    Args:
        model: whose weights are averaged; ``self.model`` is a copy with the averaged ones.
        decay: the largest share.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay = deepcopy(model).requires_grad_(False).eval(), decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take the weights after ``step`` steps in; running statistics are copied as they are."""
        share = min(self.decay, (1 + step) / (10 + step))
        averaged = [one.detach() for one in self.model.parameters()]
        current = [one.detach() for one in model.parameters()]
        torch._foreach_lerp_(averaged, current, 1 - share)
        for kept, value in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(value)
