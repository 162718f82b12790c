"""One self-attention over the tokens of all modalities."""

from collections.abc import Mapping

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from fusion.attention import AttentionBlock
from fusion.base import CompleteBatch, Fusion, Present, Tokens, complete_batch
from fusion.blocks import TokenStem
from fusion.token_time import TimeEncoding, time_distance, timeless, token_times


class TransformerFusion(Fusion):
    """A class token and all tokens, each with the embedding of its modality and its time, in one transformer.

    The single-stream transformer of Kim et al., ViLT, ICML 2021, section 3.1 (after Vaswani et al., 2017)::

        z_0 = [class; x_v + e_v + time; x_a + e_a + time]        z_l = block_l(z_{l-1})

    The result is read from the class token. Tokens of an absent modality are hidden from all others.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width; even, and a multiple of ``num_heads``.
        depth: layers.
        num_heads: heads of each attention.
    """

    def __init__(
        self, dims: Mapping[str, int], out_dim: int, *, width: int = 256, depth: int = 2, num_heads: int = 4
    ) -> None:
        super().__init__(dims, out_dim)
        if depth < 1:
            raise ValueError(f"depth must be at least 1; got {depth}. The default is 2.")
        self.stem = TokenStem(self.dims, width)
        self.time = TimeEncoding(width)
        self.modalities = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(width)) for name in self.names})
        self.class_token = nn.Parameter(0.02 * torch.randn(width))
        self.blocks = nn.ModuleList(AttentionBlock(width, num_heads) for _ in range(depth))
        self.output = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out_dim), nn.GELU())

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        sequence, visible, times = self._sequence(complete_batch(tokens, present, self.dims))
        distance = time_distance(times, times)
        for block in self.blocks:
            sequence = block(sequence, sequence, visible, distance)
        return self.output(sequence[:, 0])

    def _sequence(self, batch: CompleteBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Class token and all tokens in the order of ``names``; which may be looked at; their times."""
        projected = self.stem(batch.tokens)
        present = batch.present[self.names[0]]
        parts: list[Tensor] = [repeat(self.class_token, "width -> batch 1 width", batch=len(present))]
        visible, times = [torch.ones_like(present)[:, None]], [timeless(1, device=present.device)]
        for name in self.names:
            num_tokens = projected[name].shape[1]
            parts.append(self.time(projected[name]) + self.modalities[name])
            visible.append(repeat(batch.present[name], "batch -> batch time", time=num_tokens))
            times.append(token_times(num_tokens, device=present.device))
        return torch.cat(parts, dim=1), torch.cat(visible, dim=1), torch.cat(times)

    def comparable(self, tokens: Tokens) -> dict[str, Float[Tensor, "batch _ width"]]:
        """Projected tokens, which look at each other; see :class:`fusion.base.Fusion`."""
        return self.stem(complete_batch(tokens, None, self.dims).tokens)
