"""Early fusion of pooled features: side by side, then one hidden layer."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time


class ConcatFusion(Fusion):
    """``h = GELU(W norm([x_video; x_audio]) + b)``, with ``x_m`` the mean over time of the projected tokens.

    Source: Ngiam et al., Multimodal Deep Learning, ICML 2011 (the shared representation over both modalities,
    section 3); the plain baseline of most fusion studies.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256) -> None:
        super().__init__(dims, out_dim)
        self.stem = TokenStem(self.dims, width)
        self.placeholders = Placeholders(self.names, width)
        self.output = JoinedOutput(self.names, width, out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        return self.output(self.placeholders(mean_over_time(self.stem(batch.tokens)), batch.present))
