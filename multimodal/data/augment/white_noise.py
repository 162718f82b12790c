"""Normal numbers that are a pure function of a seed on any device: counted and hashed, not drawn in turn.

A generator of torch gives a GPU other numbers than a CPU. Here number k is a hash of (seed, k), after the
counter-based generators of Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), mixed as by
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): integer arithmetic, alike everywhere, which no batch mate shifts.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from multimodal.data.moving import moved

_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def white_noise(seeds: Sequence[int], count: int, device: torch.device) -> Float[Tensor, "seeds {count}"]:
    """``count`` independent numbers of mean 0 and variance 1 for each seed.

    >>> few, many = (white_noise([7, 8], count, torch.device("cpu")) for count in (3, 5))
    >>> few.equal(many[:, :3])
    True
    """
    pairs = torch.arange(1, (count + 1) // 2 + 1, device=device)
    mixed = _mixed(pairs * _signed(_STEP) + moved(torch.tensor(seeds), device)[:, None])
    radius = (-2 * _uniform(_shifted(mixed, 40)).log()).sqrt()  # Box and Muller (1958): a pair of two uniform ones
    angle = 2 * math.pi * _uniform(mixed & 0xFFFFFF)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=2).flatten(1)[:, :count]


def _uniform(bits: Int[Tensor, "..."]) -> Float[Tensor, "..."]:
    """24 bits to a number above 0 and below 1."""
    return (bits.float() + 0.5) * 2.0**-24


def _mixed(x: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    x = (x ^ _shifted(x, 30)) * _signed(_FIRST)
    x = (x ^ _shifted(x, 27)) * _signed(_SECOND)
    return x ^ _shifted(x, 31)


def _shifted(x: Int[Tensor, "..."], places: int) -> Int[Tensor, "..."]:
    """Shift to the right and fill with zeros; torch's own shift of signed numbers copies the sign."""
    return (x >> places) & ((1 << (64 - places)) - 1)


def _signed(constant: int) -> int:
    return constant - (1 << 64) if constant >= 1 << 63 else constant
