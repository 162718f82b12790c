"""What a mode reads where a modality is absent."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


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
