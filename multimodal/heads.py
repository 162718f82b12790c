"""The head of one modality, that of every moment, and a branch: an encoder with its head, trainable alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from einops import rearrange, reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu

from encoders.base import Encoder, tiled
from fusion.token_time import resample_time

# Windows that are longer than their clip: no encoder reads their padding as if it were of the clip.


def encode_padded(
    encoder: nn.Module, x: Float[Tensor, "batch ..."], lengths: Int[Tensor, " batch"] | None
) -> Float[Tensor, "batch time dim"]:
    """Tokens that an :class:`encoders.Encoder` makes of windows; row ``i`` is padding from ``lengths[i]`` on.

    Tokens of padding are the mean of the clip's own ones, so that neither the mean nor the maximum over time
    knows of them. An encoder that takes no mask is shown the clip again and again in place of its padding. A row
    without anything (an absent modality) is left as it is: nobody reads its tokens.
    """
    if lengths is None or bool((lengths == x.shape[1]).all()):
        return encoder(x)
    return encode_short(encoder, x, lengths)


def encode_short(
    encoder: nn.Module, x: Float[Tensor, "batch ..."], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch time dim"]:
    """As :func:`encode_padded`, whether anything is padding or not."""
    any_encoder: Any = encoder
    least = getattr(any_encoder, "minimum_samples", 1)
    known = torch.where(lengths > 0, lengths.clamp(min=least), x.shape[1]).to(x.device, non_blocking=True)
    if not any_encoder.takes_mask:
        return encoder(tiled(x, known))
    mask = torch.arange(x.shape[1], device=x.device) < known[:, None]
    tokens, own = any_encoder(x, mask), any_encoder.token_mask(mask)[:, :, None]
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


class FrameHead(nn.Module):
    """Tokens of one modality, beside those of the others and what the fusion made of all, to a logit a token.

    Where a forgery begins and ends shows in what changes from token to token, hence two convolutions along time;
    one that fits the sound to other lips shows in the other modality's tokens of the same moment. Tokens are read
    less their mean over the window: who is seen and heard, which few people are soon learnt by heart from, does
    not change within it. That is each moment against the rest of its own clip, as in Zhao et al., Learning
    Self-Consistency for Deepfake Detection, ICCV 2021. A window forged throughout shows in what the fusion made,
    which is added as one number. In training it is left out of every other window: a head that knows each
    recording by heart from it has nothing to learn from genuine ones, and then raises alarms in new ones.

    Args:
        dims: width of the tokens of every modality.
        name: the modality that is judged.
        fused_dim: width of what the fusion gives.
        width: inside.
        dropout: share of the features dropped in training.
    """

    def __init__(
        self, dims: Mapping[str, int], name: str, fused_dim: int, *, width: int = 64, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.name = name
        self.changes = nn.ModuleDict(
            {
                each: nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width, bias=False))
                for each, dim in sorted(dims.items())
            }
        )
        self.context = nn.Sequential(nn.Linear(fused_dim, 1), nn.Dropout(0.5))
        self.near = nn.Conv1d(width, width, 3, padding=1)
        self.far = nn.Conv1d(width, width, 3, padding=2, dilation=2)
        self.output = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 1))

    def forward(
        self,
        tokens: Mapping[str, Float[Tensor, "batch _ _"]],
        fused: Float[Tensor, "batch fused"],
        present: Mapping[str, Bool[Tensor, " batch"]] | None = None,
    ) -> Float[Tensor, "batch time"]:
        """Shape: tokens ``(B, T, D)`` by name, ``fused (B, F)`` to logits ``(B, T)``, T of the own modality."""
        num_tokens = tokens[self.name].shape[1]
        joined = torch.zeros((), device=fused.device)
        for each, change in self.changes.items():
            if each in tokens:
                own = resample_time(change(tokens[each]), num_tokens)
                own = own - own.mean(dim=1, keepdim=True)
                joined = joined + (own if present is None else torch.where(present[each][:, None, None], own, 0.0))
        hidden = gelu(rearrange(joined, "b t d -> b d t"))
        hidden = hidden + gelu(self.near(hidden))
        hidden = hidden + gelu(self.far(hidden))
        local = rearrange(self.output(rearrange(hidden, "b d t -> b t d")), "b t 1 -> b t")
        return local + self.context(fused)


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
