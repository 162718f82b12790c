"""How the lower face changes from how it mostly looks in its window, and a layer that reads it.

A mouth that was drawn again for half a second is softer, paler or framed by a seam, beside the frames before and
after. What a person, a camera and a codec put into every frame is the same in all of them and falls out. What is
measured is fixed and read by one layer: a few dozen people are enough, where a network that sees them learns them
by heart. A window that is forged from end to end changes nowhere, so this encoder tells moments, not whole clips.
"""

from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from encoders.base import Encoder, VideoSpec
from encoders.checks import check_video
from encoders.video.residuals import CELL, DetailMaps, check_cells

Area = Literal["mouth", "whole"]

#: Top, bottom, left and right of what is read, in twelfths of a crop: faces lie alike in theirs.
_AREAS: dict[Area, tuple[int, int, int, int]] = {"mouth": (5, 12, 2, 10), "whole": (0, 12, 0, 12)}
_LARGEST = 5.0


class ChangeEncoder(Encoder):
    """One token a frame, from the maps of detail of :mod:`encoders.video.residuals` less their median over time.

    Args:
        embed_dim: width of the token.
        frame_size: side of the square frames in pixels, a multiple of 32. Larger ones have more cells to learn.
        area: what is read: ``mouth`` is the lower face without the sides of the crop, ``whole`` all of the crop.
        dropout: share of the statistics that are hidden in training.

    >>> ChangeEncoder(frame_size=64, embed_dim=8).eval()(torch.rand(2, 5, 3, 64, 64)).shape
    torch.Size([2, 5, 8])
    """

    name = "changes"
    modality = "video"
    input_spec: VideoSpec

    def __init__(
        self, *, embed_dim: int = 32, frame_size: int = 96, area: Area = "mouth", dropout: float = 0.3
    ) -> None:
        super().__init__()
        check_cells(frame_size)
        if area not in _AREAS:
            raise ValueError(f"unknown area {area!r}; choose from {', '.join(_AREAS)}")
        self.embed_dim = embed_dim
        self.input_spec = VideoSpec(frame_size=frame_size, mean=(0.0,) * 3, std=(1.0,) * 3)
        self.top, self.bottom, self.left, self.right = (
            CELL * round(twelfths * frame_size / CELL / 12) for twelfths in _AREAS[area]
        )
        self.maps = DetailMaps()
        count = self.maps.count * (self.bottom - self.top) * (self.right - self.left) // CELL**2
        self.standardise = nn.BatchNorm1d(count, affine=False)
        self.read = nn.Sequential(nn.Dropout(dropout), nn.Linear(count, embed_dim), nn.GELU())

    def forward(self, x: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch time dim"]:
        """Encode frames.

        Shape: ``x`` (B, T, 3, H, W) float in [0, 1], H = W = ``input_spec.frame_size``; result (B, T, D).
        """
        check_video(x, self.input_spec.frame_size)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            found = self.statistics(x.float())
        unit = self.standardise(rearrange(found, "b t s -> b s t")).clamp(-_LARGEST, _LARGEST)
        return self.read(rearrange(unit, "b s t -> b t s"))

    def statistics(self, x: Float[Tensor, "batch time 3 height width"]) -> Float[Tensor, "batch time statistics"]:
        """Every cell of every map in every frame, less what it mostly is in the window."""
        pixels = x[..., self.top : self.bottom, self.left : self.right]
        maps = self.maps(rearrange(pixels, "b t c h w -> (b t) c h w"))
        values = rearrange(maps, "(b t) m h w -> b t (m h w)", b=x.shape[0])
        # the middle of sorted values: ONNX has no median
        return values - values.sort(dim=1).values[:, values.shape[1] // 2, None]
