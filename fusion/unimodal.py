"""The baselines that look at one modality only."""

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time


class UnimodalFusion(Fusion):
    """``h = GELU(W norm(x_m) + b)``: the ``concat`` of one modality; the other may be there and is not looked at.

    What fusion is worth is its distance from these.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width.
    """

    modality: ClassVar[str]

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256) -> None:
        super().__init__(dims, out_dim)
        if self.modality not in dims:
            got = ", ".join(self.names)
            raise ValueError(
                f"{self.modality}_only needs {self.modality!r} in dims; got {got}. Add its token width."
            )
        self.stem = TokenStem({self.modality: self.dims[self.modality]}, width)
        self.placeholders = Placeholders([self.modality], width)
        self.output = JoinedOutput([self.modality], width, out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        return self.output(self.placeholders(mean_over_time(self.stem(batch.tokens)), batch.present))


class VideoOnlyFusion(UnimodalFusion):
    """The picture alone."""

    modality = "video"


class AudioOnlyFusion(UnimodalFusion):
    """The sound alone."""

    modality = "audio"
