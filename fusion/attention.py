"""A transformer block whose tokens look at themselves or at other tokens, some heads at what is near in time."""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

STEEPEST_SLOPE = 128.0  # a token that is 1/128 of the window away weighs e times less


class AttentionBlock(nn.Module):
    """Pre-norm multi-head attention and a two-layer perceptron, each added to its input.

    Source: Vaswani et al., Attention Is All You Need, 2017, equation 1, with the norms before the layers. Order
    comes from a fixed bias for each head on the distance in time, as in Press et al., Train Short, Test Long
    (ALiBi), ICLR 2022, section 3, with time as a share of the window in the place of the index, so that tokens
    of unlike rates meet at the same moment::

        softmax(q k^T / sqrt(d) - slope_h |t_q - t_k|)        slope_h = 128, 32, 8, ... and 0 for the last head

    Args:
        width: width of the tokens; a multiple of ``num_heads``.
        num_heads: heads of the attention.
    """

    slopes: Tensor

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        if num_heads < 1 or width % num_heads:
            raise ValueError(
                f"width must be a multiple of num_heads; got {width} and {num_heads}. Change one of them."
            )
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.attended = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        slopes = [STEEPEST_SLOPE / 4**head for head in range(num_heads - 1)]
        self.weights = nn.Identity()  # for whoever asks what is looked at: a hook on it sees (b, h, q, k)
        self.register_buffer("slopes", torch.tensor([*slopes, 0.0]), persistent=False)

    def forward(
        self,
        queries: Float[Tensor, "batch query_time width"],
        context: Float[Tensor, "batch context_time width"],
        visible: Bool[Tensor, "batch context_time"],
        distance: Float[Tensor, "query_time context_time"],
    ) -> Float[Tensor, "batch query_time width"]:
        """Let every query look at the visible context (for self-attention: the queries themselves).

        Args:
            queries: tokens that look, and that the result replaces.
            context: tokens that are looked at.
            visible: which of the context may be looked at; at least one for each clip.
            distance: time between each two as a share of the window (:func:`fusion.token_time.time_distance`).
        """
        attended = self._attend(self.attention_norm(queries), self.attention_norm(context), visible, distance)
        queries = queries + self.attended(attended)
        return queries + self.perceptron(queries)

    def _attend(self, queries: Tensor, context: Tensor, visible: Tensor, distance: Tensor) -> Tensor:
        # written out: the flop counter does not see torch's fused attention on a CPU, and windows are short
        query = rearrange(self.query(queries), "b q (h d) -> b h q d", h=self.num_heads)
        key, value = rearrange(self.key_value(context), "b k (two h d) -> two b h k d", two=2, h=self.num_heads)
        logits = query @ rearrange(key * key.shape[-1] ** -0.5, "b h k d -> b h d k")
        logits = logits - (self.slopes[:, None, None] * distance).to(logits.dtype)
        hidden = ~visible[:, None, None, :]
        weights = self.weights(logits.masked_fill(hidden, torch.finfo(logits.dtype).min).softmax(dim=-1))
        return rearrange(weights.to(value.dtype) @ value, "b h q d -> b q (h d)")
