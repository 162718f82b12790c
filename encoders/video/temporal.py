"""A light transformer over the tokens of frames, which lets frames see each other."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def sinusoidal_positions(length: int, dim: int, device: torch.device) -> Float[Tensor, "length dim"]:
    """Positions as sines and cosines (Vaswani et al. 2017, section 3.5); any length, nothing learned."""
    steps = torch.arange(length, device=device, dtype=torch.float32).unsqueeze(1)
    pairs = torch.arange(0, dim, 2, device=device, dtype=torch.float32)
    angles = steps * torch.exp(pairs * (-torch.log(torch.tensor(10000.0)).item() / dim))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]


class TemporalTransformer(nn.Module):
    """Pre-norm transformer encoder over time.

    Args:
        dim: width D of the tokens, divisible by ``num_heads``.
        num_layers: transformer layers.
        num_heads: attention heads.
    """

    def __init__(self, dim: int, *, num_layers: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"temporal_heads must divide the width {dim} of the tokens; got {num_heads}")
        layer = nn.TransformerEncoderLayer(
            dim,
            num_heads,
            dim_feedforward=2 * dim,
            dropout=0.1,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, num_layers, nn.LayerNorm(dim), enable_nested_tensor=False)

    def forward(self, tokens: Float[Tensor, "batch time dim"]) -> Float[Tensor, "batch time dim"]:
        """Mix tokens over time; the position in time is added first."""
        positions = sinusoidal_positions(tokens.shape[1], tokens.shape[2], tokens.device)
        return self.layers(tokens + positions.to(tokens.dtype))
