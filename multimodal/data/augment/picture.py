"""Changes of face crops that say nothing about forgery: what cameras, platforms and croppers do."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from multimodal.data.augment.options import PictureAugmentation

Frames = Float[Tensor, "time channel height width"]

#: Parts of a face as (top, left, height, width) in shares of an upright crop with the default margin.
FACE_PARTS: dict[str, tuple[float, float, float, float]] = {
    "eyes": (0.28, 0.18, 0.18, 0.64),
    "nose": (0.40, 0.36, 0.24, 0.28),
    "mouth": (0.62, 0.28, 0.18, 0.44),
    "left half": (0.15, 0.15, 0.70, 0.35),
    "right half": (0.15, 0.50, 0.70, 0.35),
}


def change_picture(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    """Change the frames of a window, all alike.

    Shape: ``(T, C, H, W)`` in [0, 1]; the result is as large.
    """
    for change in (_crop, _flip, _colour, _resize, _blur, _noise, _jpeg, _erase):
        frames = change(frames, options, generator)
    return frames


def _crop(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    if not options.crop_jitter:
        return frames
    height, width = frames.shape[-2:]
    top, bottom, left, right = generator.uniform(0, options.crop_jitter, size=4)
    box = round(top * height), round(left * width)
    size = max(round((1 - top - bottom) * height), 1), max(round((1 - left - right) * width), 1)
    return transforms.resized_crop(frames, *box, *size, size=[height, width], antialias=True)


def _flip(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    return transforms.horizontal_flip(frames) if generator.random() < options.flip else frames


def _colour(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    brightness, contrast, saturation, hue = generator.uniform(-1, 1, size=4)
    if options.brightness:
        frames = transforms.adjust_brightness(frames, 1 + options.brightness * brightness)
    if options.contrast:
        frames = transforms.adjust_contrast(frames, 1 + options.contrast * contrast)
    if options.saturation:
        frames = transforms.adjust_saturation(frames, 1 + options.saturation * saturation)
    return transforms.adjust_hue(frames, options.hue * hue) if options.hue else frames


def _resize(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    if generator.random() >= options.resize:
        return frames
    height, width = frames.shape[-2:]
    share = generator.uniform(options.resize_to, 1)
    smaller = [max(round(share * height), 1), max(round(share * width), 1)]
    return transforms.resize(transforms.resize(frames, smaller, antialias=True), [height, width], antialias=True)


def _blur(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    if generator.random() >= options.blur:
        return frames
    sigma = generator.uniform(0.1, max(options.blur_sigma, 0.1))
    return transforms.gaussian_blur(frames, kernel_size=2 * round(3 * sigma) + 1, sigma=sigma)


def _noise(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    if generator.random() >= options.noise:
        return frames
    noise = torch.from_numpy(generator.standard_normal(tuple(frames.shape), dtype=np.float32))
    return (frames + generator.uniform(0, options.noise_std) * noise).clamp(0, 1)


def _jpeg(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    if generator.random() >= options.jpeg:
        return frames
    quality = max(int(generator.integers(options.jpeg_quality, 101)), 1)
    return transforms.jpeg(frames.mul(255).round().to(torch.uint8), quality).float().div(255)


def _erase(frames: Frames, options: PictureAugmentation, generator: np.random.Generator) -> Frames:
    if generator.random() >= options.erase:
        return frames
    side = np.array(frames.shape[-2:] * 2)
    part = np.array(list(FACE_PARTS.values())[generator.integers(len(FACE_PARTS))])
    top, left, height, width = np.maximum(np.round(side * part * generator.uniform(0.8, 1.1, size=4)), 1)
    colour = torch.from_numpy(generator.random((3, 1, 1), dtype=np.float32))
    return transforms.erase(frames, int(top), int(left), int(height), int(width), colour)
