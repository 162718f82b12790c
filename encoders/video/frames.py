"""Any timm CNN or ViT, applied to each frame."""

from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from encoders.backbone import (
    PixelNormalisation,
    channels_out,
    checkpoint_blocks,
    create_backbone,
    full_name,
    layers_before,
    prefer_memory_format,
    read_timm_weights,
    resolve_backbone,
)
from encoders.base import Encoder, VideoSpec
from encoders.checks import check_video
from encoders.lora import add_adapters
from encoders.weights import check_one_source

# A light transformer over the tokens of frames, which lets frames see each other.


def sinusoidal_positions(length: int, dim: int, device: torch.device) -> Float[Tensor, "length dim"]:
    """Positions as sines and cosines (Vaswani et al. 2017, section 3.5); any length, nothing learned."""
    steps = torch.arange(length, device=device, dtype=torch.float32).unsqueeze(1)
    pairs = torch.arange(0, dim, 2, device=device, dtype=torch.float32)
    angles = steps * torch.exp(pairs * (-torch.log(torch.tensor(10000.0)).item() / dim))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]


class TemporalTransformer(nn.Module):
    """Pre-norm transformer encoder over time.

    Args:
        dim: width D of the tokens, divisible by ``num_heads``.
        num_layers: transformer layers.
        num_heads: attention heads.
    """

    def __init__(self, dim: int, *, num_layers: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"temporal_heads must divide the width {dim} of the tokens; got {num_heads}")
        layer = nn.TransformerEncoderLayer(
            dim,
            num_heads,
            dim_feedforward=2 * dim,
            dropout=0.1,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, num_layers, nn.LayerNorm(dim), enable_nested_tensor=False)

    def forward(self, tokens: Float[Tensor, "batch time dim"]) -> Float[Tensor, "batch time dim"]:
        """Mix tokens over time; the position in time is added first."""
        positions = sinusoidal_positions(tokens.shape[1], tokens.shape[2], tokens.device)
        return self.layers(tokens + positions.to(tokens.dtype))


class FrameEncoder(Encoder):
    """One token a frame from a timm backbone (Wightman, PyTorch Image Models).

    Args:
        backbone: timm name, with or without tag (``resnet18``, ``legacy_xception``, ``vit_tiny_patch16_224``).
        pretrained: start from timm's weights; needs network once.
        weights: a folder or file of timm's weights in place of them.
        frame_size: side of the square frames in pixels; None for the size of the backbone's description.
        stage: take the averaged feature map of this stage (timm's ``feature_info``, negative from the end) and
            leave out the layers behind it; None for the backbone's own final features.
        temporal_layers: layers of a light transformer over the frames; 0 leaves frames independent.
        temporal_heads: its attention heads.
        lora_rank: above 0 the backbone, a ViT, is frozen, and adapters of this rank learn in it (needs PEFT).

    >>> import torch
    >>> encoder = FrameEncoder(backbone="test_resnet", frame_size=64)
    >>> encoder(torch.rand(2, 5, 3, 64, 64)).shape
    torch.Size([2, 5, 96])
    """

    name = "frames"
    modality = "video"
    input_spec: VideoSpec

    def __init__(
        self,
        *,
        backbone: str = "resnet18",
        pretrained: bool = False,
        weights: str | Path | None = None,
        frame_size: int | None = None,
        stage: int | None = None,
        temporal_layers: int = 0,
        temporal_heads: int = 4,
        lora_rank: int = 0,
    ) -> None:
        super().__init__()
        check_one_source(weights, pretrained)
        published = None if weights is None else read_timm_weights(weights, backbone)
        description = resolve_backbone(backbone)
        size = frame_size or description.input_size[-1]
        is_resized = description.fixed_input_size and size != description.input_size[-1]
        options = {"img_size": size} if is_resized else {}
        self.stage = stage
        self.backbone = create_backbone(
            backbone, pretrained=pretrained, stage=stage, published=published, **options
        )
        self.memory_format = prefer_memory_format(self.backbone)
        self.backbone_name = full_name(backbone)
        self.embed_dim = channels_out(self.backbone, stage)
        self.input_spec = VideoSpec(frame_size=size, mean=tuple(description.mean), std=tuple(description.std))
        self.normalisation = PixelNormalisation(self.input_spec.mean, self.input_spec.std)
        self.temporal = (
            TemporalTransformer(self.embed_dim, num_layers=temporal_layers, num_heads=temporal_heads)
            if temporal_layers
            else None
        )
        if lora_rank:
            add_adapters(self.backbone, lora_rank)
        if published is not None:
            self.trained_on = published.learnt(f"timm's {self.backbone_name}")
        elif pretrained:
            self.trained_on = f"timm's weights {self.backbone_name}"
        if self.knows_something:
            self.new_modules = ("temporal.",)

    def forward(self, x: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch time dim"]:
        """Encode frames.

        Shape: ``x`` (B, T, 3, H, W) float in [0, 1], H = W = ``input_spec.frame_size``; result (B, T, D).
        """
        check_video(x, self.input_spec.frame_size)
        frames = rearrange(x, "b t c h w -> (b t) c h w").contiguous(memory_format=self.memory_format)
        features = self.backbone(self.normalisation(frames))
        if self.stage is not None:
            features = features[-1].mean(dim=(2, 3))
        tokens = rearrange(features, "(b t) d -> b t d", b=x.shape[0])
        return tokens if self.temporal is None else self.temporal(tokens)

    def checkpoint_gradients(self) -> None:
        """Keep only what enters each block, as timm does."""
        if not checkpoint_blocks(self.backbone):
            super().checkpoint_gradients()

    def parameter_depths(self) -> dict[str, int]:
        """Layers before each parameter as timm groups them; the temporal transformer comes last."""
        of_backbone = layers_before(self.backbone)
        depths = super().parameter_depths() | {f"backbone.{name}": depth for name, depth in of_backbone.items()}
        last = max(depths.values()) + 1
        return {name: last if name.startswith("temporal.") else depth for name, depth in depths.items()}

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments with timm's choices resolved, so that another timm builds the same."""
        return {
            **super().arguments(),
            "backbone": self.backbone_name,
            "frame_size": self.input_spec.frame_size,
            "pretrained": False,
        }
