"""The head of one modality, and a branch: an encoder with its head, trainable alone."""

from typing import Any, NamedTuple

import torch
from einops import rearrange, reduce
from jaxtyping import Float, Int
from torch import Tensor, nn

from encoders.base import Encoder

# Windows that are longer than their clip: an encoder that knows padding is told where it begins.


def encode_padded(
    encoder: nn.Module, x: Float[Tensor, "batch ..."], lengths: Int[Tensor, " batch"] | None
) -> Float[Tensor, "batch time dim"]:
    """Tokens that an :class:`encoders.Encoder` makes of windows; row ``i`` is padding from ``lengths[i]`` on.

    Tokens of padding are the mean of the clip's own ones, so that neither the mean nor the maximum over time
    knows of them. A row without anything (an absent modality) is not masked: nobody reads its tokens. An encoder
    that takes no mask reads the padding, as silence or as a still picture.
    """
    masking: Any = encoder
    if not masking.takes_mask or lengths is None or bool((lengths == x.shape[1]).all()):
        return encoder(x)
    known = torch.where(lengths > 0, lengths.clamp(min=masking.minimum_samples), x.shape[1])
    mask = torch.arange(x.shape[1], device=x.device) < known.to(x.device)[:, None]
    tokens, own = masking(x, mask), masking.token_mask(mask)[:, :, None]
    mean = (tokens * own).sum(dim=1, keepdim=True) / own.sum(dim=1, keepdim=True)
    return torch.where(own, tokens, mean)


class ModalityHead(nn.Module):
    """Tokens of one modality to one logit: higher means more likely fake.

    Mean and maximum over time are both read, since a forgery may fill a window or only a moment of it.

    Args:
        embed_dim: width D of the tokens.
        dropout: share of the pooled features dropped in training.
    """

    def __init__(self, embed_dim: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * embed_dim, 1)

    def forward(self, tokens: Float[Tensor, "batch time dim"]) -> Float[Tensor, " batch"]:
        """Shape: tokens ``(B, T, D)`` to logits ``(B,)``."""
        pooled = rearrange(
            [reduce(tokens, "b t d -> b d", "mean"), reduce(tokens, "b t d -> b d", "max")], "two b d -> b (two d)"
        )
        return rearrange(self.linear(self.dropout(self.norm(pooled))), "b 1 -> b")


class BranchOutput(NamedTuple):
    """Result of a branch: ``logits (B,)`` and the ``tokens (B, T, D)`` they come from."""

    logits: Float[Tensor, " batch"]
    tokens: Float[Tensor, "batch time dim"]


class Branch(nn.Module):
    """One encoder and its head: what is pretrained on image, video or audio corpora.

    Args:
        encoder: any encoder; its ``modality`` says what the branch takes.
        dropout: of the head.
    """

    def __init__(self, encoder: Encoder, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = ModalityHead(encoder.embed_dim, dropout=dropout)

    def forward(self, x: Float[Tensor, "batch ..."], lengths: Int[Tensor, " batch"] | None = None) -> BranchOutput:
        """Shape: as the encoder takes it, to logits ``(B,)``; ``lengths`` ``(B,)`` come before the padding."""
        tokens = encode_padded(self.encoder, x, lengths)
        return BranchOutput(self.head(tokens), tokens)
