"""Tells a token where in the window it stands."""

from math import log, pi

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.token_time import token_times


class TimeEncoding(nn.Module):
    """Adds sines and cosines of the token's time to it; half a cycle to 64 cycles a window.

    The time of token i of T is ``(i + 1/2) / T`` of the window: 8 video tokens and 50 audio tokens of the same
    moment get the same code, which the index of Vaswani et al. (2017, section 3.5) would not give. The code is
    scaled by a learned gain that starts small, so that it does not drown what the tokens say.

    Args:
        width: width of the tokens; even.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if width % 2:
            raise ValueError(f"width must be even to hold pairs of sine and cosine; got {width}. Add 1 to it.")
        self.width = width
        self.gain = nn.Parameter(torch.tensor(0.1))

    def forward(self, tokens: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        """Add the code of each token's time."""
        code = encode_time(tokens.shape[1], self.width, device=tokens.device).to(tokens.dtype)
        return tokens + self.gain.to(tokens.dtype) * code


def encode_time(num_tokens: int, width: int, *, device: torch.device | None = None) -> Float[Tensor, "time width"]:
    """Sines, then cosines, of the normalised time at ``width / 2`` frequencies in geometric steps."""
    cycles = torch.exp(torch.linspace(log(0.5), log(64.0), width // 2, device=device))
    phase = 2 * pi * token_times(num_tokens, device=device)[:, None] * cycles
    return torch.cat([phase.sin(), phase.cos()], dim=-1)
