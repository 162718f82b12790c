"""The exit of the modes that end with one vector a modality."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class JoinedOutput(nn.Module):
    """``GELU(Linear(LayerNorm([x_1; x_2; ...])))``: named vectors side by side, in the order of ``names``.

    The norm gives the results of all modes about one scale, so that one learning rate of the head suits them all.

    Args:
        names: the vectors that are joined.
        width: width of each.
        out_dim: width of the result.
    """

    def __init__(self, names: Sequence[str], width: int, out_dim: int) -> None:
        super().__init__()
        self.names = tuple(names)
        joined_width = len(self.names) * width
        self.output = nn.Sequential(nn.LayerNorm(joined_width), nn.Linear(joined_width, out_dim), nn.GELU())

    def forward(self, features: dict[str, Float[Tensor, "batch width"]]) -> Float[Tensor, "batch out"]:
        """Join ``{name: (B, width)}`` to ``(B, out_dim)``."""
        return self.output(torch.cat([features[name] for name in self.names], dim=-1))
