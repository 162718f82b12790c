"""Late fusion: only what each modality has concluded on its own is combined."""

from collections.abc import Mapping
from math import log

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import TokenStem, mean_over_time


class ScoreFusion(Fusion):
    """Log posteriors of each modality's own linear head, weighted and laid side by side.

    Modality m concludes ``log p_m = log_softmax(W_m x_m)`` over (real, fake). The result is an affine map of the
    numbers ``w_m log p_m``, so that a linear class head on top computes

        log p(class | clip) = sum_m w_m log p_m(label of m in the class) + const

    in its simplest case: the weighted product rule of Kittler et al., On Combining Classifiers, PAMI 1998,
    equation 7 (equal priors, the constant normalises), and learned late fusion (logistic regression on log
    posteriors) in general. An absent modality says log 1/2 to both.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width.
        weights: fixed ``w_m`` by modality; None learns them, from 1. The class head may still scale what it is
            given, so a fixed weight binds only at 0, which silences the modality.
    """

    weights: Tensor

    def __init__(
        self,
        dims: Mapping[str, int],
        out_dim: int,
        *,
        width: int = 256,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(dims, out_dim)
        named = set(weights) if isinstance(weights, Mapping) else {repr(weights)}
        if weights is not None and named != set(self.names):
            got, wanted = ", ".join(sorted(named)) or "none", ", ".join(self.names)
            raise ValueError(f"weights must name exactly {wanted}; got {got}. Leave them out to learn them.")
        self.stem = TokenStem(self.dims, width)
        self.heads = nn.ModuleDict({name: nn.Linear(width, 2) for name in self.names})
        values = torch.tensor([1.0 if weights is None else weights[name] for name in self.names])
        if weights is None:
            self.weights = nn.Parameter(values)
        else:
            self.register_buffer("weights", values)
        self.output = nn.Linear(2 * len(self.names), out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        features = mean_over_time(self.stem(batch.tokens))
        return self.output(self.combine(self.log_posteriors(features, batch.present)))

    def log_posteriors(
        self, features: dict[str, Float[Tensor, "batch width"]], present: dict[str, Bool[Tensor, " batch"]]
    ) -> dict[str, Float[Tensor, "batch 2"]]:
        """``(log p(real), log p(fake))`` of each modality alone; log 1/2 where it is absent."""
        concluded = {name: self.heads[name](features[name]).log_softmax(dim=-1) for name in self.names}
        return {name: torch.where(present[name][:, None], concluded[name], log(0.5)) for name in self.names}

    def combine(self, log_posteriors: dict[str, Float[Tensor, "batch 2"]]) -> Float[Tensor, "batch scores"]:
        """Weigh the log posteriors and lay them side by side, in the order of ``names``."""
        weighted = [self.weights[i] * log_posteriors[name] for i, name in enumerate(self.names)]
        return torch.cat(weighted, dim=-1)
