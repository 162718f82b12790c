"""Each modality's tokens look at the other's."""

from collections.abc import Mapping

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from fusion.attention import AttentionBlock
from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time, the_other_of_each
from fusion.token_time import TimeEncoding, time_distance, timeless, token_times


class CrossAttentionFusion(Fusion):
    """Video tokens attend to audio tokens and audio tokens to video tokens; both are pooled and joined.

    The crossmodal attention of Tsai et al., Multimodal Transformer for Unaligned Multimodal Language Sequences
    (MulT), ACL 2019, equation 1, in both directions (one block each; ViLBERT, Lu et al. 2019, calls the
    pair a co-attention layer)::

        CM_{audio -> video} = softmax(Q_video K_audio^T / sqrt(d)) V_audio

    Tokens carry their time, and most heads prefer what is near in time (:class:`fusion.attention.AttentionBlock`).
    Each direction has a learned extra key, to look at when the other modality is absent or has nothing to say.

    Args:
        dims: width of the tokens of exactly two modalities, by name.
        out_dim: width of the result.
        width: hidden width; even, and a multiple of ``num_heads``.
        num_heads: heads of the attention.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256, num_heads: int = 4) -> None:
        super().__init__(dims, out_dim)
        self.other = the_other_of_each(self.names, "cross_attention")
        self.stem = TokenStem(self.dims, width)
        self.time = TimeEncoding(width)
        self.blocks = nn.ModuleDict({name: AttentionBlock(width, num_heads) for name in self.names})
        self.nothing = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(width)) for name in self.names})
        self.placeholders = Placeholders(self.names, width)
        self.output = JoinedOutput(self.names, width, out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        placed = {name: self.time(value) for name, value in self.stem(batch.tokens).items()}
        crossed = {name: self._look(name, placed, batch.present[self.other[name]]) for name in self.names}
        return self.output(self.placeholders(mean_over_time(crossed), batch.present))

    def _look(self, name: str, projected: dict[str, Tensor], other_present: Tensor) -> Tensor:
        """Tokens of ``name`` after they have looked at the other modality and at the extra key."""
        own, other, device = projected[name], projected[self.other[name]], other_present.device
        nothing = repeat(self.nothing[name].to(other.dtype), "width -> batch 1 width", batch=len(other))
        visible = repeat(other_present, "batch -> batch time", time=other.shape[1])
        visible = torch.cat([torch.ones_like(visible[:, :1]), visible], dim=1)
        times = torch.cat([timeless(1, device=device), token_times(other.shape[1], device=device)])
        distance = time_distance(token_times(own.shape[1], device=device), times)
        return self.blocks[name](own, torch.cat([nothing, other], dim=1), visible, distance)

    def comparable(self, tokens: Tokens) -> dict[str, Float[Tensor, "batch _ width"]]:
        """Projected tokens, which look at each other; see :class:`fusion.base.Fusion`."""
        return self.stem(complete_batch(tokens, None, self.dims).tokens)
