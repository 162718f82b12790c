"""Changes of face crops that say nothing about forgery: what cameras, platforms and croppers do.

What a window's change is, a worker draws from (seed, epoch, clip); it compresses the crops too, if that was drawn,
since JPEG is the processor's business. All else happens to a whole batch on the device that learns. There every
window is changed by its own numbers alone, so that neither batch mates nor the device matter, but for rounding.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from multimodal.data.augment.options import PictureAugmentation
from multimodal.data.augment.white_noise import white_noise
from multimodal.data.moving import moved

Crops = UInt8[Tensor, "time 3 size size"]
Frames = Float[Tensor, "time 3 height width"]

#: Parts of a face as (top, left, height, width) in shares of an upright crop with the default margin.
FACE_PARTS: dict[str, tuple[float, float, float, float]] = {
    "eyes": (0.28, 0.18, 0.18, 0.64),
    "nose": (0.40, 0.36, 0.24, 0.28),
    "mouth": (0.62, 0.28, 0.18, 0.44),
    "left half": (0.15, 0.15, 0.70, 0.35),
    "right half": (0.15, 0.50, 0.70, 0.35),
}
#: What red, green and blue add to a grey (ITU-R BT.601).
_GREY = (0.299, 0.587, 0.114)


class PictureDraw(NamedTuple):
    """What was drawn for a window, as plain numbers; the defaults change nothing.

    ``box`` is (top, left, height, width) in shares of the crop; ``hue`` in turns; ``detail`` the size on the way
    as a share; ``blur`` a sigma in pixels; ``noise`` its standard deviation and its seed; ``erased`` a box in
    shares and the colour put there.
    """

    jpeg_quality: int | None = None
    box: tuple[float, ...] | None = None
    is_flipped: bool = False
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0
    detail: float | None = None
    blur: float | None = None
    noise: tuple[float, int] | None = None
    erased: tuple[tuple[float, ...], tuple[float, ...]] | None = None


UNCHANGED = PictureDraw()


def draw_picture(options: PictureAugmentation, generator: np.random.Generator) -> PictureDraw:
    """Draw the change of one window."""

    def happens(probability: float) -> bool:
        return bool(generator.random() < probability)

    top, bottom, left, right = generator.uniform(0, options.crop_jitter, size=4).tolist()
    brightness, contrast, saturation, hue = generator.uniform(-1, 1, size=4).tolist()
    return PictureDraw(
        box=(top, left, 1 - top - bottom, 1 - left - right) if options.crop_jitter else None,
        is_flipped=happens(options.flip),
        brightness=1 + options.brightness * brightness,
        contrast=1 + options.contrast * contrast,
        saturation=1 + options.saturation * saturation,
        hue=options.hue * hue,
        detail=generator.uniform(options.resize_to, 1) if happens(options.resize) else None,
        blur=generator.uniform(0.1, max(options.blur_sigma, 0.1)) if happens(options.blur) else None,
        noise=_noise(options, generator) if happens(options.noise) else None,
        jpeg_quality=int(generator.integers(options.jpeg_quality, 101)) if happens(options.jpeg) else None,
        erased=_erased(generator) if happens(options.erase) else None,
    )


def _noise(options: PictureAugmentation, generator: np.random.Generator) -> tuple[float, int]:
    return generator.uniform(0, options.noise_std), int(generator.integers(1 << 62))


def _erased(generator: np.random.Generator) -> tuple[tuple[float, ...], tuple[float, ...]]:
    part = np.array(list(FACE_PARTS.values())[generator.integers(len(FACE_PARTS))])
    return tuple((part * generator.uniform(0.8, 1.1, size=4)).tolist()), tuple(generator.random(3).tolist())


# On the processor, in a worker.


def compress(crops: Crops, draw: PictureDraw) -> Crops:
    """JPEG, if it was drawn, of crops as the store has them: what a platform did to them before anybody looked."""
    if draw.jpeg_quality is None:
        return crops
    return transforms.jpeg(crops, draw.jpeg_quality)


# On the device that learns, a batch at once.


def change_pictures(
    crops: UInt8[Tensor, "batch time 3 size size"], draws: Sequence[PictureDraw], frame_size: int
) -> Float[Tensor, "batch time 3 height width"]:
    """Crops of any size to frames in [0, 1] of side ``frame_size``, each window changed as it was drawn."""
    # A CPU resizes bytes as they are, faster than it multiplies by matrices of floats. A GPU does that in a
    # moment, and would wait for Python to send it the kernels of one window after the other.
    place = placed_in_turn if crops.device.type == "cpu" else placed_at_once
    frames = _coloured(place(crops, draws, frame_size).float(), draws)
    for window, draw in zip(frames, draws, strict=True):
        _blur(window, draw)
    _add_noise(frames, draws)
    _erase(frames, draws)
    return frames


def placed_in_turn(
    crops: UInt8[Tensor, "batch time 3 size size"], draws: Sequence[PictureDraw], frame_size: int
) -> UInt8[Tensor, "batch time 3 height width"]:
    """Windows' boxes, mirrored or not, with as much detail as was drawn, at the side that the encoder wants."""
    return torch.stack([_placed(window, draw, frame_size) for window, draw in zip(crops, draws, strict=True)])


def _placed(crops: Crops, draw: PictureDraw, frame_size: int) -> UInt8[Tensor, "time 3 height width"]:
    top, left, height, width = _box(draw, crops.shape[-1])
    pictures = crops[..., top : top + height, left : left + width]
    if draw.is_flipped:
        pictures = pictures.flip(3)
    if draw.detail is None and pictures.shape[2:] == (frame_size, frame_size):
        return pictures
    pictures = _interleaved(pictures)
    if draw.detail is not None:
        pictures = transforms.resize(pictures, [_side_between(draw, frame_size)] * 2, antialias=True)
    if pictures.shape[2:] == (frame_size, frame_size):
        return pictures
    return transforms.resize(pictures, [frame_size, frame_size], antialias=True)


def _interleaved(pictures: Crops) -> Crops:
    """The same with the colours of a pixel beside each other: so bytes are resized in half the time in all."""
    time, _, height, width = pictures.shape
    pixels = torch.empty((time, height, width, 3), dtype=pictures.dtype)
    for colour in range(3):  # PyTorch's copy into that layout takes thrice as long
        pixels[..., colour] = pictures[:, colour]
    return pixels.permute(0, 3, 1, 2)


def _box(draw: PictureDraw, size: int) -> tuple[int, int, int, int]:
    """Top, left, height and width in pixels of the crop."""
    if draw.box is None:
        return 0, 0, size, size
    top, left = (round(share * size) for share in draw.box[:2])
    height, width = (max(round(share * size), 1) for share in draw.box[2:])
    return top, left, min(height, size - top), min(width, size - left)


def _side_between(draw: PictureDraw, frame_size: int) -> int:
    """Pixels of a side on the way, where detail is lost."""
    return frame_size if draw.detail is None else max(round(draw.detail * frame_size), 1)


def placed_at_once(
    crops: UInt8[Tensor, "batch time 3 size size"], draws: Sequence[PictureDraw], frame_size: int
) -> Float[Tensor, "batch time 3 height width"]:
    """As :func:`placed_in_turn` without its rounding to 256 levels: two matrices a window, from left and right."""
    size, time = crops.shape[-1], crops.shape[1]
    numbers = [(*_box(draw, size), _side_between(draw, frame_size), draw.is_flipped) for draw in draws]
    columns = moved(torch.tensor(numbers, dtype=torch.float32), crops.device).T[..., None, None]
    corner, sides, between, is_flipped = columns[:2], columns[2:4], columns[4], columns[5]
    back = _resizing(torch.zeros_like(between), between, frame_size, between / frame_size, frame_size)
    down, across = back @ _resizing(corner, sides, size, sides / between, frame_size)
    across = torch.where(is_flipped > 0, across.flip(1), across)
    low = down @ rearrange(crops, "b t c y x -> b y (t c x)").float()
    placed = (rearrange(low, "b h (t c x) -> b (h t c) x", t=time, c=3) @ across.mT).clamp_(max=255)
    return rearrange(placed, "b (h t c) w -> b t c h w", t=time, c=3).contiguous()


def _resizing(
    first: Tensor, length: Tensor, size: int, step: Tensor, num_rows: int
) -> Float[Tensor, "*batch num_rows size"]:
    """Matrices of bilinear interpolation with antialias, as torchvision computes it (of a triangle's weights).

    Each takes a vector of ``size`` places, of which ``length`` from ``first`` on count, to places ``step`` apart;
    rows past the last of those mean nothing. All but ``size`` and ``num_rows`` have the shape ``(*batch, 1, 1)``.
    """
    place = torch.arange(size, device=first.device) + 0.5
    centre = first + step * (torch.arange(num_rows, device=first.device)[:, None] + 0.5)
    weights = (1 - (place - centre).abs() / step.clamp(min=1)).clamp(min=0)
    weights = weights * ((place > first) & (place < first + length))
    return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-6)


def _coloured(
    frames: Float[Tensor, "batch time 3 height width"], draws: Sequence[PictureDraw]
) -> Float[Tensor, "batch time 3 height width"]:
    """Values 0 to 255 to [0, 1], with brightness, contrast and saturation as one map of colours.

    ``b x``, then away from its mean grey m by ``c``, then away from its own grey by ``s``, is
    ``s c b x + (1 - s) c b grey(x) + (1 - c) b m``: one pass over the pixels in place of three, cut off to [0, 1]
    at the end alone.
    """
    factors = np.array([(one.brightness, one.contrast, one.saturation) for one in draws])
    if (factors == 1).all():
        return frames.div_(255)
    brightness, contrast, saturation = factors.T[..., None, None]
    colours = brightness * contrast / 255 * (saturation * np.eye(3) + (1 - saturation) * np.array(_GREY))
    of_mean = (1 - contrast) * brightness / 255 * np.array(_GREY)
    maps = moved(torch.from_numpy(np.concatenate([colours, of_mean], axis=1)).float(), frames.device)
    shift = (frames.mean(dim=(3, 4)) * maps[:, 3:]).sum(dim=2)
    batch, time, _, height, width = frames.shape
    changed = torch.baddbmm(
        shift.reshape(-1, 1, 1).expand(-1, 3, 1),
        maps[:, None, :3].expand(-1, time, -1, -1).reshape(-1, 3, 3),
        frames.reshape(batch * time, 3, height * width),
    )
    return changed.clamp_(0, 1).view_as(frames)


# What few windows get, in place.


def _blur(frames: Frames, draw: PictureDraw) -> None:
    """Turn the hue, which is off by default, and blur."""
    if draw.hue:
        frames.copy_(transforms.adjust_hue(frames, draw.hue))
    if draw.blur is not None:
        kernel_size = 2 * round(3 * draw.blur) + 1
        frames.copy_(transforms.gaussian_blur(frames, kernel_size=kernel_size, sigma=draw.blur))


def _add_noise(frames: Float[Tensor, "batch time 3 height width"], draws: Sequence[PictureDraw]) -> None:
    noises = [(row, *draw.noise) for row, draw in enumerate(draws) if draw.noise is not None]
    # all at once, but for a CPU: that much memory it would take anew from the system for each operator
    at_once = 1 if frames.device.type == "cpu" else max(len(noises), 1)
    for start in range(0, len(noises), at_once):
        rows, stds, seeds = zip(*noises[start : start + at_once], strict=True)
        noise = white_noise(seeds, frames[0].numel(), frames.device).view(-1, *frames.shape[1:])
        noise *= moved(torch.tensor(stds, dtype=torch.float32), frames.device)[:, None, None, None, None]
        for row, one in zip(rows, noise, strict=True):  # by views: an index would copy the pictures twice
            frames[row].add_(one).clamp_(0, 1)


def _erase(frames: Float[Tensor, "batch time 3 height width"], draws: Sequence[PictureDraw]) -> None:
    erased = {row: draw.erased for row, draw in enumerate(draws) if draw.erased is not None}
    if not erased:
        return
    height, width = frames.shape[3:]
    colours = moved(torch.tensor([colour for _, colour in erased.values()]), frames.device)
    for (row, ((top, left, tall, wide), _)), colour in zip(erased.items(), colours, strict=True):
        frames[row, :, :, _span(top, tall, height), _span(left, wide, width)] = colour[:, None, None]


def _span(start: float, length: float, side: int) -> slice:
    first = max(round(start * side), 1)
    return slice(first, first + max(round(length * side), 1))
