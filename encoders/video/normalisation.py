"""Pixels in [0, 1] to what a network was trained on."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PixelNormalisation(nn.Module):
    """``(x - mean) / std`` per colour channel, in one pass over the pixels.

    Args:
        mean, std: per channel (red, green, blue), for pixels in [0, 1].
        num_axes: axes behind the channel axis: 2 for frames ``(N, 3, H, W)``, 3 for clips ``(N, 3, T, H, W)``.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], num_axes: int = 2) -> None:
        super().__init__()
        scale = 1 / torch.tensor(std)
        shape = (-1, *([1] * num_axes))
        self.register_buffer("scale", scale.reshape(shape), persistent=False)
        self.register_buffer("shift", (-torch.tensor(mean) * scale).reshape(shape), persistent=False)

    def forward(self, pixels: Float[Tensor, "n 3 *axes"]) -> Float[Tensor, "n 3 *axes"]:
        """Normalise a batch of pixels."""
        return torch.addcmul(self.shift, pixels, self.scale)
