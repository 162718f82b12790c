"""Gated fusion: a gate decides, feature by feature, which modality is heard."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import TokenStem, mean_over_time


class GatedFusion(Fusion):
    """Gated multimodal unit.

    For two modalities (Arevalo et al., Gated Multimodal Units for Information Fusion, 2017, section 3)::

        h_v = tanh(W_v x_v)    h_a = tanh(W_a x_a)    z = sigmoid(W_z [x_v; x_a])    h = z * h_v + (1 - z) * h_a

    computed as a softmax over one gate logit a modality and feature: for two it is the sigmoid of their
    difference, and it goes on to any number. An absent modality is left out of the softmax, so that the other
    has the gate to itself; where all are absent, ``h`` is zero.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256) -> None:
        super().__init__(dims, out_dim)
        self.stem = TokenStem(self.dims, width)
        self.candidates = nn.ModuleDict({name: nn.Linear(width, width) for name in self.names})
        joined_width = width * len(self.names)
        self.gates = nn.ModuleDict({name: nn.Linear(joined_width, width) for name in self.names})
        self.output = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out_dim), nn.GELU())

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        features = mean_over_time(self.stem(batch.tokens))
        return self.output(self.mix(features, batch.present))

    def mix(
        self, features: dict[str, Float[Tensor, "batch width"]], present: dict[str, Bool[Tensor, " batch"]]
    ) -> Float[Tensor, "batch width"]:
        """Weigh the candidates ``tanh(W x)`` of the present modalities by their gates."""
        joined = torch.cat([features[name] for name in self.names], dim=-1)
        logits = torch.stack([self.gates[name](joined) for name in self.names])
        candidates = torch.stack([torch.tanh(self.candidates[name](features[name])) for name in self.names])
        heard = torch.stack([present[name] for name in self.names])[:, :, None]
        # the smallest number rather than -inf: a clip without any modality must not divide zero by zero
        gates = logits.masked_fill(~heard, torch.finfo(logits.dtype).min).softmax(dim=0)
        return (gates * torch.where(heard, candidates, 0.0)).sum(dim=0)
