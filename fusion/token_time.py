"""Where in the window tokens stand, in a form that unlike token rates share."""

import torch
from jaxtyping import Float
from torch import Tensor


def token_times(num_tokens: int, *, device: torch.device | None = None) -> Float[Tensor, " tokens"]:
    """Middles of ``num_tokens`` equal intervals, as shares of the window.

    >>> token_times(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return (torch.arange(num_tokens, device=device) + 0.5) / num_tokens


def timeless(num_tokens: int, *, device: torch.device | None = None) -> Float[Tensor, " tokens"]:
    """NaN: the time of tokens that belong to no moment (a class token, say)."""
    return torch.full((num_tokens,), torch.nan, device=device)


def time_distance(
    query_times: Float[Tensor, " queries"], context_times: Float[Tensor, " context"]
) -> Float[Tensor, "queries context"]:
    """Time between each two tokens, as a share of the window; a timeless token is at no distance from any."""
    return (query_times[:, None] - context_times).abs().nan_to_num(nan=0.0)
