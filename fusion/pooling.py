"""Tokens of a clip become one vector a modality."""

from einops import reduce
from jaxtyping import Float
from torch import Tensor


def mean_over_time(tokens: dict[str, Float[Tensor, "batch _ width"]]) -> dict[str, Float[Tensor, "batch width"]]:
    """Pool ``{name: (B, T, width)}`` to ``{name: (B, width)}``, whether present or not."""
    return {name: reduce(value, "batch time width -> batch width", "mean") for name, value in tokens.items()}
