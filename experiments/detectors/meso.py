"""Meso-4 (Afchar et al. 2018, "MesoNet"), with weights whose names are those of the usual PyTorch version."""

import torch
from torch import nn
from torchvision.transforms.v2 import functional as transforms

from encoders.weights import load_strictly, read_published
from experiments.runs.device import DeviceName, check_device
from multimodal.media.prepared import PreparedClip


class Meso4(nn.Module):
    """Four convolutions and two dense layers on faces of 256 pixels; the mean over so many crops of a clip.

    Args:
        weights: state dict, by torch or as safetensors; tensors alone are read.
        fake_class: of the two outputs, the one that means fake.
        frames: crops that are looked at.
        device: where it computes; auto is the GPU where there is one.
    """

    def __init__(self, weights: str, fake_class: int = 0, frames: int = 8, device: DeviceName = "auto") -> None:
        super().__init__()
        for number, (taken, given, size) in enumerate(((3, 8, 3), (8, 8, 5), (8, 16, 5), (16, 16, 5)), 1):
            setattr(self, f"conv{number}", nn.Conv2d(taken, given, size, padding=size // 2, bias=False))
        self.bn1, self.bn2 = nn.BatchNorm2d(8), nn.BatchNorm2d(16)
        self.fc1, self.fc2 = nn.Linear(1024, 16), nn.Linear(16, 2)
        self.fake_class, self.frames = fake_class, frames
        load_strictly(self.eval(), read_published(weights).state, source=weights)
        self.to(check_device(device))

    @torch.inference_mode()
    def forward(self, clip: PreparedClip) -> float | None:
        """Mean probability of fake; None without a face."""
        if clip.frames is None or not len(clip.frames):
            return None
        crops = torch.from_numpy(clip.frames[:: -(-len(clip.frames) // self.frames)]).permute(0, 3, 1, 2)
        crops = crops.to(self.fc1.weight.device)
        x = transforms.resize(crops / 127.5 - 1, [256, 256], antialias=True)
        for number, pool in ((1, 2), (2, 2), (3, 2), (4, 4)):  # each pair of layers shares a normalisation
            norm = self.bn1 if number < 3 else self.bn2
            x = nn.functional.max_pool2d(norm(getattr(self, f"conv{number}")(x).relu()), pool)
        odds = self.fc2(nn.functional.leaky_relu(self.fc1(x.flatten(1)), 0.1))
        return float(odds.softmax(dim=1)[:, self.fake_class].mean())
