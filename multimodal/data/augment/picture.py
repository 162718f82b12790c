"""Changes of face crops that say nothing about forgery: what cameras, platforms and croppers do."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

Frames = Float[Tensor, "time channel height width"]

#: Parts of a face as (top, left, height, width) in shares of an upright crop with the default margin.
FACE_PARTS: dict[str, tuple[float, float, float, float]] = {
    "eyes": (0.28, 0.18, 0.18, 0.64),
    "nose": (0.40, 0.36, 0.24, 0.28),
    "mouth": (0.62, 0.28, 0.18, 0.44),
    "left half": (0.15, 0.15, 0.70, 0.35),
    "right half": (0.15, 0.50, 0.70, 0.35),
}


@dataclass(frozen=True, kw_only=True)
class PictureAugmentation:
    """How far the picture may be changed; 0 switches a change off. All frames of a window are changed alike.

    Args:
        crop_jitter: largest share cut off each side; what is left is resized to the whole.
        flip: probability of mirroring.
        brightness, contrast, saturation: largest relative change.
        hue: largest turn of the hue, in turns; takes longer than all the others together.
        resize: probability of losing detail by resizing down and up.
        resize_to: smallest size on the way, as a share.
        blur: probability of Gaussian blur.
        blur_sigma: its largest sigma in pixels.
        noise: probability of Gaussian noise.
        noise_std: its largest standard deviation.
        jpeg: probability of JPEG compression.
        jpeg_quality: the lowest quality, 1 to 100.
        erase: probability of erasing a part of the face (eyes, nose, mouth, a half).
    """

    crop_jitter: float = 0.05
    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.1
    hue: float = 0.0
    resize: float = 0.1
    resize_to: float = 0.5
    blur: float = 0.1
    blur_sigma: float = 1.5
    noise: float = 0.1
    noise_std: float = 0.03
    jpeg: float = 0.2
    jpeg_quality: int = 50
    erase: float = 0.1

    def __call__(self, frames: Frames, generator: np.random.Generator) -> Frames:
        """Shape: ``(T, C, H, W)`` in [0, 1]; the result is as large."""
        for change in (self._crop, self._flip, self._colour, self._resize, self._blur, self._noise, self._jpeg):
            frames = change(frames, generator)
        return self._erase(frames, generator)

    def _crop(self, frames: Frames, generator: np.random.Generator) -> Frames:
        if not self.crop_jitter:
            return frames
        height, width = frames.shape[-2:]
        top, bottom, left, right = generator.uniform(0, self.crop_jitter, size=4)
        box = round(top * height), round(left * width)
        size = max(round((1 - top - bottom) * height), 1), max(round((1 - left - right) * width), 1)
        return transforms.resized_crop(frames, *box, *size, size=[height, width], antialias=True)

    def _flip(self, frames: Frames, generator: np.random.Generator) -> Frames:
        return transforms.horizontal_flip(frames) if generator.random() < self.flip else frames

    def _colour(self, frames: Frames, generator: np.random.Generator) -> Frames:
        brightness, contrast, saturation, hue = generator.uniform(-1, 1, size=4)
        if self.brightness:
            frames = transforms.adjust_brightness(frames, 1 + self.brightness * brightness)
        if self.contrast:
            frames = transforms.adjust_contrast(frames, 1 + self.contrast * contrast)
        if self.saturation:
            frames = transforms.adjust_saturation(frames, 1 + self.saturation * saturation)
        return transforms.adjust_hue(frames, self.hue * hue) if self.hue else frames

    def _resize(self, frames: Frames, generator: np.random.Generator) -> Frames:
        if generator.random() >= self.resize:
            return frames
        height, width = frames.shape[-2:]
        share = generator.uniform(self.resize_to, 1)
        smaller = [max(round(share * height), 1), max(round(share * width), 1)]
        return transforms.resize(
            transforms.resize(frames, smaller, antialias=True), [height, width], antialias=True
        )

    def _blur(self, frames: Frames, generator: np.random.Generator) -> Frames:
        if generator.random() >= self.blur:
            return frames
        sigma = generator.uniform(0.1, max(self.blur_sigma, 0.1))
        return transforms.gaussian_blur(frames, kernel_size=2 * round(3 * sigma) + 1, sigma=sigma)

    def _noise(self, frames: Frames, generator: np.random.Generator) -> Frames:
        if generator.random() >= self.noise:
            return frames
        noise = torch.from_numpy(generator.standard_normal(tuple(frames.shape), dtype=np.float32))
        return (frames + generator.uniform(0, self.noise_std) * noise).clamp(0, 1)

    def _jpeg(self, frames: Frames, generator: np.random.Generator) -> Frames:
        if generator.random() >= self.jpeg:
            return frames
        quality = int(generator.integers(self.jpeg_quality, 101))
        return transforms.jpeg(frames.mul(255).round().to(torch.uint8), quality).float().div(255)

    def _erase(self, frames: Frames, generator: np.random.Generator) -> Frames:
        if generator.random() >= self.erase:
            return frames
        side = np.array(frames.shape[-2:] * 2)
        part = np.array(list(FACE_PARTS.values())[generator.integers(len(FACE_PARTS))])
        top, left, height, width = np.maximum(np.round(side * part * generator.uniform(0.8, 1.1, size=4)), 1)
        colour = torch.from_numpy(generator.random((3, 1, 1), dtype=np.float32))
        return transforms.erase(frames, int(top), int(left), int(height), int(width), colour)
