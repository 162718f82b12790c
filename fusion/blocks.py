"""What several modes are built of: the common entry and exit, pooling, and stand-ins for what is absent.

All modes begin with :class:`TokenStem` at the same width and most end with :class:`JoinedOutput`, so that what
differs between two modes is the fusion alone.
"""

from collections.abc import Mapping, Sequence

import torch
from einops import reduce
from jaxtyping import Bool, Float
from torch import Tensor, nn


class TokenStem(nn.Module):
    """``GELU(Linear(LayerNorm(token)))`` for each modality, token by token.

    Args:
        dims: width D of each modality's tokens, by name.
        width: width of all tokens afterwards.
    """

    def __init__(self, dims: Mapping[str, int], width: int) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1; got {width}. The default is 256.")
        self.projections = nn.ModuleDict(
            {
                name: nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width), nn.GELU())
                for name, dim in dims.items()
            }
        )

    def forward(self, tokens: dict[str, Float[Tensor, "batch _ _"]]) -> dict[str, Float[Tensor, "batch _ width"]]:
        """Project ``{name: (B, T, D)}`` to ``{name: (B, T, width)}``."""
        return {name: projection(tokens[name]) for name, projection in self.projections.items()}


def mean_over_time(tokens: dict[str, Float[Tensor, "batch _ width"]]) -> dict[str, Float[Tensor, "batch width"]]:
    """Pool ``{name: (B, T, width)}`` to ``{name: (B, width)}``, whether present or not."""
    return {name: reduce(value, "batch time width -> batch width", "mean") for name, value in tokens.items()}


class JoinedOutput(nn.Module):
    """The exit: ``GELU(Linear(LayerNorm([x_1; x_2; ...])))`` of named vectors, in the order of ``names``.

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


class Placeholders(nn.Module):
    """Puts a learned vector (zeros at first) in the place of each feature that a clip lacks.

    Args:
        names: the features.
        width: width of each.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__()
        self.vectors = nn.ParameterDict({name: nn.Parameter(torch.zeros(width)) for name in names})

    def forward(
        self, features: dict[str, Float[Tensor, "batch width"]], present: dict[str, Bool[Tensor, " batch"]]
    ) -> dict[str, Float[Tensor, "batch width"]]:
        """Fill ``{name: (B, width)}`` where ``present[name]`` is False."""
        return {
            name: torch.where(present[name][:, None], features[name], vector.to(features[name].dtype))
            for name, vector in self.vectors.items()
        }


def the_other_of_each(names: Sequence[str], mode: str) -> dict[str, str]:
    """Map each of exactly two modalities to the other.

    Raises:
        ValueError: there are not two.

    >>> the_other_of_each(["audio", "video"], "film")
    {'audio': 'video', 'video': 'audio'}
    """
    if len(names) != 2:
        got = ", ".join(names)
        raise ValueError(
            f"{mode} fuses exactly two modalities; got {got}. Use concat, gated or transformer there."
        )
    first, second = names
    return {first: second, second: first}
