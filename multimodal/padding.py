"""Windows that are longer than their clip: an encoder that knows padding is told where it begins."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


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
