"""Each modality scales and shifts the features of the other."""

from collections.abc import Mapping

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time, the_other_of_each


class FilmFusion(Fusion):
    """Feature-wise linear modulation, in both directions.

    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, AAAI 2018, equation 2: the pooled
    features ``c`` of one modality give a scale and a shift for every token ``x`` of the other::

        FiLM(x | c) = gamma(c) * norm(x) + beta(c)        gamma(c) = 1 + W_gamma c + b_gamma

    with a norm without a scale of its own before, and a nonlinearity behind, as in the paper. The paper modulates
    the picture alone; here either modality can be the forged one, so both are modulated, pooled and joined. Where
    the conditioning modality is absent, gamma is 1 and beta 0.

    Args:
        dims: width of the tokens of exactly two modalities, by name.
        out_dim: width of the result.
        width: hidden width.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256) -> None:
        super().__init__(dims, out_dim)
        self.other = the_other_of_each(self.names, "film")
        self.stem = TokenStem(self.dims, width)
        self.modulations = nn.ModuleDict({name: nn.Linear(width, 2 * width) for name in self.names})
        self.placeholders = Placeholders(self.names, width)
        self.output = JoinedOutput(self.names, width, out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        projected = self.stem(batch.tokens)
        conditions = mean_over_time(projected)
        modulated = {
            name: self.modulate(
                name, projected[name], conditions[self.other[name]], batch.present[self.other[name]]
            )
            for name in self.names
        }
        return self.output(self.placeholders(mean_over_time(modulated), batch.present))

    def modulate(
        self,
        name: str,
        tokens: Float[Tensor, "batch time width"],
        condition: Float[Tensor, "batch width"],
        has_condition: Bool[Tensor, " batch"],
    ) -> Float[Tensor, "batch time width"]:
        """``GELU(gamma * norm(tokens) + beta)`` for tokens of ``name``, given the other modality."""
        change = torch.where(has_condition[:, None], self.modulations[name](condition), 0.0)
        scale, shift = rearrange(change, "batch (two width) -> two batch 1 width", two=2)
        normed = functional.layer_norm(tokens, tokens.shape[-1:])
        return functional.gelu((1 + scale) * normed + shift)
