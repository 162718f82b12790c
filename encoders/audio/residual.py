"""The residual block of RawNet2 and AASIST on a picture of bands and time."""

from jaxtyping import Float
from torch import Tensor, nn

Picture = Float[Tensor, "batch channels bands time"]


class ResidualBlock(nn.Module):
    """Two convolutions with a shortcut, then a maximum over three steps of time (table 1 of the AASIST paper).

    The published models leave out the pre-activation in front of the first convolution although their weights
    carry its batch normalisation (``bn1``); it is kept, frozen, so that the weights load by name and agree.
    """

    def __init__(self, in_channels: int, out_channels: int, *, is_first: bool) -> None:
        super().__init__()
        if not is_first:
            self.bn1 = nn.BatchNorm2d(in_channels).requires_grad_(False)
        self.conv1 = nn.Conv2d(in_channels, out_channels, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, (2, 3), padding=(0, 1))
        self.conv_downsample = (
            nn.Conv2d(in_channels, out_channels, (1, 3), padding=(0, 1)) if in_channels != out_channels else None
        )

    def forward(self, picture: Picture) -> Picture:
        """Keep the bands and shorten the time to a third."""
        hidden = nn.functional.selu(self.bn2(self.conv1(picture)))
        shortcut = picture if self.conv_downsample is None else self.conv_downsample(picture)
        return nn.functional.max_pool2d(self.conv2(hidden) + shortcut, (1, 3))
