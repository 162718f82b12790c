"""Self-blended images: a face blended into itself, so that a detector learns the traces of blending alone.

Shiohara & Yamasaki, Detecting Deepfakes with Self-Blended Images, CVPR 2022, section 3, written from the paper:
source and target are one picture, one of the two changed in colour and frequency, the source moved a little, and
blended through a mask that is deformed and blurred. The paper draws the mask from landmarks; here it is the hull
of random points about the ellipse where a face crop has its face.
"""

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from multimodal.labels import Modality

Frames = Float[Tensor, "time 3 height width"]
Mask = Float[Tensor, "1 height width"]

#: Blending ratios, drawn alike (section 3.3).
RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
#: Largest move of the source, in shares of width and height, and largest change of its size (section 3.1).
_MOVE_X, _MOVE_Y, _SIZE = 0.03, 0.015, 0.05
_CORNERS = 24


class SelfBlending:
    """Blends the frames of a genuine window into themselves, all alike."""

    modality: Modality = "video"
    name = "self_blended"

    def __call__(self, x: Frames, generator: np.random.Generator) -> Frames:
        """Shape: ``(T, 3, H, W)`` in [0, 1]; the result is as large."""
        changed = change_statistics(x, generator)
        source, target = (changed, x) if generator.random() < 0.5 else (x, changed)
        mask = float(generator.choice(RATIOS)) * face_mask(x.shape[-1], generator)
        return mask * move(source, generator) + (1 - mask) * target


def change_statistics(frames: Frames, generator: np.random.Generator) -> Frames:
    """Another colour, and more or less detail: as if it came from another picture (section 3.1)."""
    shift = torch.from_numpy(generator.uniform(-20, 20, size=(3, 1, 1)).astype(np.float32)) / 255
    frames = (frames + shift).clamp(0, 1)
    brightness, contrast, saturation = 1 + generator.uniform(-0.2, 0.2, size=3)
    frames = transforms.adjust_brightness(frames, brightness)
    frames = transforms.adjust_contrast(frames, contrast)
    frames = transforms.adjust_saturation(frames, saturation)
    frames = transforms.adjust_hue(frames, generator.uniform(-0.03, 0.03))
    if generator.random() < 0.5:
        return transforms.adjust_sharpness(frames, generator.uniform(1.5, 4.0))
    size = list(frames.shape[-2:])
    smaller = [max(side // int(generator.choice([2, 4])), 4) for side in size]
    return transforms.resize(transforms.resize(frames, smaller, antialias=True), size, antialias=True)


def move(frames: Frames, generator: np.random.Generator) -> Frames:
    """Shift and resize a little, so that outlines do not meet (section 3.1)."""
    height, width = frames.shape[-2:]
    across, down = generator.uniform(-1, 1, size=2) * (_MOVE_X * width, _MOVE_Y * height)
    size = generator.uniform(1 - _SIZE, 1 / (1 - _SIZE))
    return transforms.affine(
        frames,
        angle=0.0,
        translate=[round(across), round(down)],
        scale=size,
        shear=[0.0, 0.0],
        interpolation=transforms.InterpolationMode.BILINEAR,
    )


def face_mask(side: int, generator: np.random.Generator) -> Mask:
    """A soft mask of the face in a crop, deformed and grown or shrunk by chance (section 3.2).

    Two blurs: after the first, whatever is not wholly inside is cut off, so a wider first blur makes the mask
    smaller than it was and a wider second one larger.
    """
    mask = _elastic(_hull(side, generator), generator)
    first, second = (2 * int(width) + 1 for width in generator.integers(1, max(side // 16, 2) + 1, size=2))
    eroded = (transforms.gaussian_blur(mask, kernel_size=first) >= 1 - 1e-3).float()
    return transforms.gaussian_blur(eroded, kernel_size=second)


def _hull(side: int, generator: np.random.Generator) -> Mask:
    """Points at random places round an ellipse, joined and filled."""
    angles = np.sort(generator.uniform(0, 2 * np.pi, size=_CORNERS))
    radii = generator.uniform(0.85, 1.1, size=_CORNERS) * generator.uniform(0.7, 1.0)
    centre = np.array([0.5, 0.52]) + generator.uniform(-0.03, 0.03, size=2)
    points = centre + np.stack([0.30 * radii * np.cos(angles), 0.38 * radii * np.sin(angles)], axis=1)
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).polygon([tuple(point) for point in points * side], fill=1)
    return torch.from_numpy(np.array(image, dtype=np.float32))[None]


def _elastic(mask: Mask, generator: np.random.Generator) -> Mask:
    """Elastic deformation (Simard et al., ICDAR 2003): a smooth random displacement."""
    side = mask.shape[-1]
    noise = torch.from_numpy(generator.uniform(-1, 1, size=(2, side, side)).astype(np.float32))
    smooth = transforms.gaussian_blur(noise, kernel_size=2 * (side // 6) + 1, sigma=side / 16)
    smooth = smooth / smooth.abs().max().clamp(min=1e-6) * 0.1 * generator.random()
    return transforms.elastic(mask, smooth.permute(1, 2, 0)[None])
