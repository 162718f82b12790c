"""Products of features of all modalities, through a tensor of low rank."""

from collections.abc import Mapping
from functools import reduce
from operator import mul

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import Placeholders, TokenStem, mean_over_time


class BilinearFusion(Fusion):
    """Low-rank multimodal fusion.

    Liu et al., Efficient Low-rank Multimodal Fusion with Modality-Specific Factors, ACL 2018, section 3.2: the
    linear map of the outer product ``[x_v; 1] (x) [x_a; 1]`` to the result, its weight a sum of ``rank``
    outer products of a factor from each modality, is computed without the outer product::

        h = sum_r  (W_v^r [x_v; 1]) * (W_a^r [x_a; 1])

    The appended 1 is the factor's bias, and keeps the terms of a single modality. ``x_m`` is normalised, so that
    products start at the scale of the other modes.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width.
        rank: number of summands.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256, rank: int = 4) -> None:
        super().__init__(dims, out_dim)
        if rank < 1:
            raise ValueError(f"rank must be at least 1; got {rank}. The default is 4.")
        self.rank = rank
        self.stem = TokenStem(self.dims, width)
        self.placeholders = Placeholders(self.names, width)
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width) for name in self.names})
        self.factors = nn.ModuleDict({name: nn.Linear(width, rank * out_dim) for name in self.names})

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        features = self.placeholders(mean_over_time(self.stem(batch.tokens)), batch.present)
        return self.multiply({name: self.norms[name](features[name]) for name in self.names})

    def multiply(self, features: dict[str, Float[Tensor, "batch width"]]) -> Float[Tensor, "batch out"]:
        """Sum over ranks of the product over modalities of their factors."""
        factors = [self.factors[name](features[name]) for name in self.names]
        product = reduce(mul, factors)
        return rearrange(product, "batch (rank out) -> batch rank out", rank=self.rank).sum(dim=1)
