"""Changes of face crops that say nothing about forgery: what cameras, platforms and croppers do.

What a window's change is, a worker draws from (seed, epoch, clip); it compresses the crops too, if that was drawn,
since JPEG is the processor's business. All else happens to a whole batch on the device that learns. There every
window is changed by its own numbers alone, so that neither batch mates nor the device matter, but for rounding.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from multimodal.data.augment.options import PictureAugmentation
from multimodal.data.augment.white_noise import white_noise

Crops = UInt8[Tensor, "time size size 3"]
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
    pictures = crops.permute(0, 3, 1, 2)
    return transforms.jpeg(pictures, draw.jpeg_quality).permute(0, 2, 3, 1)


# On the device that learns, a batch at once.


def change_pictures(
    crops: UInt8[Tensor, "batch time size size 3"], draws: Sequence[PictureDraw], frame_size: int
) -> Float[Tensor, "batch time 3 height width"]:
    """Crops of any size to frames in [0, 1] of side ``frame_size``, each window changed as it was drawn."""
    placed = torch.stack([_placed(window, draw, frame_size) for window, draw in zip(crops, draws, strict=True)])
    frames = _coloured(placed.float(), draws)
    for window, draw in zip(frames, draws, strict=True):
        _finish(window, draw)
    return frames


def _placed(crops: Crops, draw: PictureDraw, frame_size: int) -> UInt8[Tensor, "time 3 height width"]:
    """The window's box, mirrored or not, with as much detail as was drawn, at the side that the encoder wants."""
    size = crops.shape[1]
    if draw.box is not None:
        top, left = (round(share * size) for share in draw.box[:2])
        height, width = (max(round(share * size), 1) for share in draw.box[2:])
        crops = crops[:, top : top + height, left : left + width]
    if draw.is_flipped:
        crops = crops.flip(2)
    pictures = crops.permute(0, 3, 1, 2)
    if draw.detail is not None:
        smaller = [max(round(draw.detail * frame_size), 1)] * 2
        pictures = transforms.resize(pictures, smaller, antialias=True)
    if pictures.shape[2:] == (frame_size, frame_size):
        return pictures
    return transforms.resize(pictures, [frame_size, frame_size], antialias=True)


def _coloured(
    frames: Float[Tensor, "batch time 3 height width"], draws: Sequence[PictureDraw]
) -> Float[Tensor, "batch time 3 height width"]:
    """Values 0 to 255 to [0, 1], with brightness, contrast and saturation as one map of colours.

    ``b x``, then away from its mean grey m by ``c``, then away from its own grey by ``s``, is
    ``s c b x + (1 - s) c b grey(x) + (1 - c) b m``: one pass over the pixels in place of three, cut off to [0, 1]
    at the end alone.
    """
    factors = torch.tensor([(one.brightness, one.contrast, one.saturation) for one in draws])
    if (factors == 1).all():
        return frames.div_(255)
    brightness, contrast, saturation = factors.to(frames.device).T.reshape(3, -1, 1, 1, 1)
    grey = torch.tensor(_GREY, device=frames.device)
    own, greys = torch.eye(3, device=frames.device), grey.expand(3, 3)
    colours = brightness * contrast / 255 * (saturation * own + (1 - saturation) * greys)
    means = frames.mean(dim=(3, 4)) @ grey
    shift = (1 - contrast[..., 0, 0]) * brightness[..., 0, 0] / 255 * means
    batch, time, _, height, width = frames.shape
    changed = torch.baddbmm(
        shift.reshape(-1, 1, 1).expand(-1, 3, 1),
        colours.expand(-1, time, -1, -1).reshape(-1, 3, 3),
        frames.reshape(batch * time, 3, height * width),
    )
    return changed.clamp_(0, 1).view_as(frames)


def _finish(frames: Frames, draw: PictureDraw) -> None:
    """What few windows get, in place."""
    height, width = frames.shape[-2:]
    if draw.hue:
        frames.copy_(transforms.adjust_hue(frames, draw.hue))
    if draw.blur is not None:
        kernel_size = 2 * round(3 * draw.blur) + 1
        frames.copy_(transforms.gaussian_blur(frames, kernel_size=kernel_size, sigma=draw.blur))
    if draw.noise is not None:
        std, seed = draw.noise
        frames.add_(std * white_noise([seed], frames.numel(), frames.device).view_as(frames)).clamp_(0, 1)
    if draw.erased is not None:
        (top, left, tall, wide), colour = draw.erased
        place = _span(top, tall, height), _span(left, wide, width)
        frames[:, :, place[0], place[1]] = torch.tensor(colour, device=frames.device)[:, None, None]


def _span(start: float, length: float, side: int) -> slice:
    first = max(round(start * side), 1)
    return slice(first, first + max(round(length * side), 1))
