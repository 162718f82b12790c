"""Maps of how much fine detail lies where in a picture, and a small network that compares face and surroundings.

What is blended into a picture was made at another resolution, by another camera or none, and has less or other
noise than what lies around it (Luo et al., "Generalizing face forgery detection with high-frequency features",
CVPR 2021; Li et al., "Face X-ray", CVPR 2020). The residuals are fixed: a few hundred pictures are enough.
"""

from collections.abc import Iterator

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from encoders.backbone import prefer_memory_format
from encoders.base import Encoder, VideoSpec
from encoders.checks import check_video

Maps = Float[Tensor, "pictures channels rows columns"]

#: Luma, blue and red differences of RGB (ITU-R BT.601).
_COLOURS = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))
_BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)
_OCTAVES = 3
#: Pixels of a side of a cell of the maps.
CELL = 8
_SMALLEST, _LARGEST = 1e-3, 5.0


class DetailMaps(nn.Module):
    """How much fine detail lies where: fourteen maps of a picture, a value a cell of 8 pixels.

    The blue and red differences and luma themselves (four times their means); logarithms of how much luma changes
    across and down; and those of three octaves of detail of luma and colours. Each less its mean over the picture:
    how sharp or noisy all of it is, as coding and cameras make it, tells nothing, only where it is so.
    """

    count = 3 + 2 + 3 * _OCTAVES
    colours: Tensor
    binomial: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor(_BINOMIAL) / sum(_BINOMIAL)
        self.register_buffer("colours", torch.tensor(_COLOURS), persistent=False)
        self.register_buffer("binomial", torch.outer(taps, taps).expand(3, 1, 5, 5).clone(), persistent=False)

    def forward(self, pictures: Float[Tensor, "pictures 3 height width"]) -> Maps:
        """Shape: RGB in [0, 1] to ``(pictures, 14, height / 8, width / 8)``."""
        # a convolution of single pixels takes a CPU three times as long
        level = torch.einsum("nchw,kc->nkhw", pictures, self.colours)
        luma = level[:, :1]
        across, down = luma[..., 1:] - luma[..., :-1], luma[..., 1:, :] - luma[..., :-1, :]
        found = [4 * functional.avg_pool2d(level, CELL), _detail(functional.pad(across, (0, 1)), CELL)]
        found.append(_detail(functional.pad(down, (0, 0, 0, 1)), CELL))
        for octave, residual in enumerate(_residuals(level, self.binomial, _OCTAVES)):
            found.append(_detail(residual, CELL >> octave))
        maps = torch.cat(found, dim=1)
        return (maps - maps.mean(dim=(2, 3), keepdim=True)).clamp(-_LARGEST, _LARGEST)


class ResidualEncoder(Encoder):
    """One token a frame, from :class:`DetailMaps` and a small network.

    Args:
        embed_dim: width of the token.
        frame_size: side of the square frames in pixels, a multiple of 32.
        width: channels of the first layer.
        dropout: share of maps that are hidden in training.

    >>> ResidualEncoder(frame_size=64, embed_dim=8).eval()(torch.rand(2, 5, 3, 64, 64)).shape
    torch.Size([2, 5, 8])
    """

    name = "residuals"
    modality = "video"
    input_spec: VideoSpec

    def __init__(
        self, *, embed_dim: int = 32, frame_size: int = 224, width: int = 32, dropout: float = 0.1
    ) -> None:
        super().__init__()
        check_cells(frame_size)
        self.embed_dim = embed_dim
        self.input_spec = VideoSpec(frame_size=frame_size, mean=(0.0,) * 3, std=(1.0,) * 3)
        self.maps = DetailMaps()
        self.hide = nn.Dropout2d(dropout)
        self.network = nn.Sequential(
            *_layer(self.maps.count + 2, width),
            *_layer(width, width),
            nn.MaxPool2d(2),
            *_layer(width, 2 * width),
            nn.MaxPool2d(2),
            *_layer(2 * width, 2 * width),
        )
        self.memory_format = prefer_memory_format(self.network)
        self.read = nn.Linear(4 * width, embed_dim)

    def forward(self, x: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch time dim"]:
        """Encode frames.

        Shape: ``x`` (B, T, 3, H, W) float in [0, 1], H = W = ``input_spec.frame_size``; result (B, T, D).
        """
        check_video(x, self.input_spec.frame_size)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            maps = self.maps(rearrange(x.float(), "b t c h w -> (b t) c h w"))
        placed = torch.cat([self.hide(maps), _places(maps)], dim=1)
        found = self.network(placed.contiguous(memory_format=self.memory_format))
        tokens = self.read(torch.cat([found.mean(dim=(2, 3)), found.amax(dim=(2, 3))], dim=1))
        return rearrange(tokens, "(b t) d -> b t d", b=x.shape[0])


def check_cells(frame_size: int) -> None:
    """Refuse a side that cells of all octaves do not fill."""
    if frame_size % (4 * CELL):
        raise ValueError(f"frame_size must be a multiple of {4 * CELL}; got {frame_size}")


#: Octaves of the statistics, and pixels of a cell: the crops of a face are seven cells wide.
_DEEPER, _WIDE = 4, 32


def detail_statistics(pictures: Float[Tensor, "pictures 3 height width"]) -> Float[Tensor, "pictures statistics"]:
    """How much detail each cell of 32 pixels holds, and how unevenly, octave by octave, of luma and colours.

    Two numbers a cell: the logarithm of the mean residual, and that of its root mean square less the first. Skin
    with pores and noise has even detail, a smooth drawing has it in edges alone.

    Shape: ``pictures`` in [0, 1], sides a multiple of 32; result four octaves by two by three by the cells.
    """
    level = torch.einsum("nchw,kc->nkhw", pictures, pictures.new_tensor(_COLOURS))
    taps = pictures.new_tensor(_BINOMIAL) / sum(_BINOMIAL)
    binomial = torch.outer(taps, taps).expand(3, 1, 5, 5)
    found = []
    for octave, residual in enumerate(_residuals(level, binomial, _DEEPER)):
        cell = _WIDE >> octave
        mean = _detail(residual, cell)
        uneven = (functional.avg_pool2d(residual.square(), cell).sqrt() + _SMALLEST).log() - mean
        found += [mean.flatten(1), uneven.flatten(1)]
    return torch.cat(found, dim=1)


def _residuals(level: Maps, binomial: Tensor, octaves: int) -> Iterator[Maps]:
    """What smoothing takes away, octave by octave, from fine to coarse."""
    for _ in range(octaves):
        yield level - functional.conv2d(functional.pad(level, (2,) * 4, mode="reflect"), binomial, groups=3)
        level = functional.avg_pool2d(level, 2)


def _layer(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


def _detail(residual: Maps, cell: int) -> Maps:
    return (functional.avg_pool2d(residual.abs(), cell) + _SMALLEST).log()


def _places(maps: Maps) -> Maps:
    """Two maps that say where a cell lies, -1 to 1 from edge to edge: faces lie alike in their crops."""
    rows, columns = (torch.linspace(-1, 1, size, device=maps.device) for size in maps.shape[2:])
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(len(maps), -1, -1, -1)
