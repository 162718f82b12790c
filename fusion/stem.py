"""The entry that every mode shares: tokens of unlike widths become tokens of one width."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn


class TokenStem(nn.Module):
    """``GELU(Linear(LayerNorm(token)))`` for each modality, token by token.

    All modes start with it at the same ``width``, so that what differs between two modes is the fusion alone.

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
