"""Spatio-temporal networks of torchvision: whole clips in, tokens along time out."""

import os
from pathlib import Path
from typing import Any

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torchvision import models
from torchvision.ops.misc import Permute

from encoders import offer
from encoders.backbone import PixelNormalisation, prefer_memory_format
from encoders.base import Encoder, VideoSpec
from encoders.checks import check_video
from encoders.weights import Published, check_one_source, load_strictly, read_published

#: Networks of torchvision whose feature map keeps time.
BACKBONES = ("mc3_18", "r2plus1d_18", "r3d_18", "s3d", "swin3d_b", "swin3d_s", "swin3d_t")
SMALLEST_FRAME = 32
#: How these networks call their classifiers, which an encoder has not.
_HEADS = ("fc", "classifier", "head")
MINIMUM_FRAMES = {"s3d": 5}


class ClipEncoder(Encoder):
    """Tokens along time from a video network of torchvision, its feature map averaged over height and width.

    Frames per token: 1 for mc3_18, 2 for swin3d_*, 8 for the others (rounded up).

    Args:
        backbone: r3d_18, mc3_18, r2plus1d_18 (Tran et al. 2018), s3d (Xie et al. 2018), swin3d_t, _s, _b (Liu et
            al. 2022).
        pretrained: start from torchvision's Kinetics-400 weights; needs network once.
        weights: a folder or file of torchvision's weights in place of them.
        frame_size: side of the square frames in pixels; None for the size that the weights were trained at.

    >>> import torch
    >>> encoder = ClipEncoder(backbone="mc3_18", frame_size=32)
    >>> encoder(torch.rand(2, 4, 3, 32, 32)).shape
    torch.Size([2, 4, 512])
    """

    name = "clips"
    modality = "video"
    input_spec: VideoSpec

    def __init__(
        self,
        *,
        backbone: str = "r3d_18",
        pretrained: bool = False,
        weights: str | Path | None = None,
        frame_size: int | None = None,
    ) -> None:
        super().__init__()
        # oneDNN reads it when it first computes. Its convolutions over time for AVX-512 write past their memory
        # for some shapes, and end the process: s3d of 5 frames of 32 pixels, seen on a virtual machine
        os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
        check_one_source(weights, pretrained)
        if backbone not in BACKBONES:
            raise ValueError(f"unknown clip backbone {backbone!r}; {offer(backbone, list(BACKBONES))}")
        if frame_size is not None and frame_size < SMALLEST_FRAME:
            raise ValueError(f"frame_size must be at least {SMALLEST_FRAME} for clips; got {frame_size}")
        self.minimum_frames = MINIMUM_FRAMES.get(backbone, 1)
        kinetics = models.get_model_weights(backbone).DEFAULT
        preparation = kinetics.transforms()
        network = _network(backbone, kinetics if pretrained else None)
        if weights is not None:
            self.trained_on = load_published(network, weights).learnt(f"torchvision's {backbone}")
        self.layers, self.embed_dim = feature_layers(network)
        self.memory_format = prefer_memory_format(self.layers)
        self.input_spec = VideoSpec(
            frame_size=frame_size or preparation.crop_size[0],
            mean=tuple(preparation.mean),
            std=tuple(preparation.std),
        )
        self.normalisation = PixelNormalisation(self.input_spec.mean, self.input_spec.std, num_axes=3)
        if pretrained:
            self.trained_on = f"torchvision's weights {backbone} {kinetics.name}"

    def forward(self, x: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch tokens dim"]:
        """Encode clips.

        Shape: ``x`` (B, T, 3, H, W) float in [0, 1], H = W = ``input_spec.frame_size``; result (B, T', D).
        """
        check_video(x, self.input_spec.frame_size, self.minimum_frames)
        clip = rearrange(x, "b t c h w -> b c t h w").contiguous(memory_format=self.memory_format)
        return self.layers(self.normalisation(clip)).mean(dim=(3, 4)).transpose(1, 2)

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments without the download."""
        return {**super().arguments(), "frame_size": self.input_spec.frame_size, "pretrained": False}


def feature_layers(network: Any) -> tuple[nn.Sequential, int]:
    """Layers from a clip ``(B, 3, T, H, W)`` to features ``(B, D, T', H', W')``, and D."""
    if isinstance(network, models.video.VideoResNet):
        stages = (network.stem, network.layer1, network.layer2, network.layer3, network.layer4)
        return nn.Sequential(*stages), network.fc.in_features
    if isinstance(network, models.video.S3D):
        return network.features, network.classifier[1].in_channels
    to_channels_first = Permute([0, 4, 1, 2, 3])
    stages = (network.patch_embed, network.pos_drop, network.features, network.norm, to_channels_first)
    return nn.Sequential(*stages), network.num_features


def load_published(network: nn.Module, place: str | Path) -> Published:
    """Load torchvision's weights into all but the classifier, strictly."""
    published = read_published(place).without(_HEADS)
    heads = {key: value for key, value in network.state_dict().items() if key.split(".")[0] in _HEADS}
    load_strictly(network, {**published.state, **heads}, source=str(published.place))
    return published


def _network(backbone: str, weights: Any) -> nn.Module:
    try:
        return models.get_model(backbone, weights=weights)
    except OSError as error:
        raise ValueError(
            f"cannot get torchvision's weights of {backbone!r} ({error}). "
            "Fetch them once with network, or take pretrained=False."
        ) from error
