"""Bring a token sequence to another rate along time."""

import torch
from jaxtyping import Float
from torch import Tensor


def resample_time(tokens: Float[Tensor, "batch _ width"], num_tokens: int) -> Float[Tensor, "batch time width"]:
    """Average tokens ``(B, T, D)`` over ``num_tokens`` equal intervals of their window.

    A token that straddles a border counts on both sides in proportion to its overlap, so that the mean over time
    is kept for any two lengths; for equal lengths nothing changes.

    >>> resample_time(torch.tensor([[[1.0], [2.0], [6.0]]]), 2).flatten().tolist()
    [1.3333333730697632, 4.666666507720947]
    """
    return overlap_weights(tokens.shape[1], num_tokens, device=tokens.device).to(tokens.dtype) @ tokens


def overlap_weights(
    num_sources: int, num_targets: int, *, device: torch.device | None = None
) -> Float[Tensor, "targets sources"]:
    """Share of each target interval that each source interval covers; rows add up to 1."""
    # borders in units of 1 / (sources * targets) of the window: whole numbers, hence exact
    sources = torch.arange(num_sources + 1, device=device) * num_targets
    targets = torch.arange(num_targets + 1, device=device)[:, None] * num_sources
    overlap = torch.minimum(sources[1:], targets[1:]) - torch.maximum(sources[:-1], targets[:-1])
    return overlap.clamp(min=0) / num_sources
