"""Time of tokens: where in the window they stand, a code that says so, and sequences brought to another rate.

Times are shares of the window, so that 8 video tokens and 50 audio tokens of the same moment agree.
"""

from math import log, pi

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize


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


# Two sequences against each other, moved in time.

#: Cosines lie in [-1, 1]: undivided, a softmax over them could hardly prefer any shift.
TEMPERATURE = 0.1


def likeness_by_shift(
    one: Float[Tensor, "batch _ width"], other: Float[Tensor, "batch _ width"]
) -> Float[Tensor, "batch shifts"]:
    """Mean cosine of the tokens that stand together when ``other`` comes earlier by each shift, in float32.

    Both are brought to T tokens, the slower rate. Shifts are -T // 2, ..., T // 2 tokens, none in the middle.
    After the multi-way matching of Chung et al., Perfect Match, ICASSP 2019, section 2.2.

    >>> course = torch.eye(4)[None]
    >>> [likeness_by_shift(course, other).argmax().item() for other in (course, course.roll(1, 1))]
    [2, 3]
    """
    num_tokens = min(one.shape[1], other.shape[1])
    first, second = (normalize(resample_time(tokens, num_tokens).float(), dim=-1) for tokens in (one, other))
    reach = num_tokens // 2
    return torch.stack([_likeness(first, second, shift) for shift in range(-reach, reach + 1)], dim=1)


def _likeness(
    one: Float[Tensor, "batch time width"], other: Float[Tensor, "batch time width"], shift: int
) -> Float[Tensor, " batch"]:
    length = one.shape[1] - abs(shift)
    first = one[:, max(0, -shift) : max(0, -shift) + length]
    second = other[:, max(0, shift) : max(0, shift) + length]
    return (first * second).sum(dim=-1).mean(dim=1)
