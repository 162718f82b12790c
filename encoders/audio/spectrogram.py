"""A spectrogram as a one-channel picture for a timm backbone."""

from pathlib import Path
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchaudio.transforms import LFCC, MelSpectrogram

from encoders.backbone import (
    channels_first,
    channels_out,
    checkpoint_blocks,
    create_backbone,
    full_name,
    layers_before,
    prefer_memory_format,
    read_timm_weights,
    resolve_backbone,
)
from encoders.base import AudioSpec, Encoder
from encoders.checks import check_sound
from encoders.weights import check_one_source

FrontEnd = Literal["log_mel", "lfcc", "linear"]


class SpectrogramEncoder(Encoder):
    """Tokens along time from a spectrogram and a timm backbone.

    The backbone's feature map is averaged over frequency and kept along time, so one token stands for
    ``hop_length * stride`` samples (a CNN's last stage has stride 32: 0.32 s with the defaults; an earlier
    ``stage`` gives denser tokens).

    Args:
        backbone: timm name of a CNN, or of a plain ViT (its grid is fitted to the spectrogram).
        pretrained: start from timm's weights, their colour channels summed into one; needs network once.
        weights: a folder or file of timm's weights in place of them.
        stage: feature map of this stage (timm's ``feature_info``, negative from the end); None for the last.
        front_end: "log_mel"; "lfcc", cepstra on a linear scale, usual in anti-spoofing (Sahidullah et al.,
            Interspeech 2015); or "linear", the log power spectrogram.
        n_mels: mel bands of "log_mel", filters and coefficients of "lfcc"; "linear" has ``n_fft // 2 + 1`` bins.
        n_fft: samples a frame (25.6 ms with the defaults).
        hop_length: samples between frames.
        sample_rate: hertz.

    >>> encoder = SpectrogramEncoder(backbone="test_resnet")
    >>> encoder(torch.randn(2, 16000)).shape
    torch.Size([2, 4, 96])
    """

    name = "spectrogram"
    modality = "audio"

    def __init__(
        self,
        *,
        backbone: str = "resnet18",
        pretrained: bool = False,
        weights: str | Path | None = None,
        stage: int | None = None,
        front_end: FrontEnd = "log_mel",
        n_mels: int = 80,
        n_fft: int = 512,
        hop_length: int = 160,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        check_one_source(weights, pretrained)
        published = None if weights is None else read_timm_weights(weights, backbone)
        options: dict[str, Any] = {"in_chans": 1}
        if resolve_backbone(backbone).fixed_input_size:
            options |= {"dynamic_img_size": True, "dynamic_img_pad": True}
        if stage is None:
            options["global_pool"] = ""
        self.stage = stage
        self.minimum_samples = n_fft
        self.front_end = create_front_end(
            front_end, n_mels=n_mels, n_fft=n_fft, hop_length=hop_length, sample_rate=sample_rate
        )
        self.takes_log = front_end != "lfcc"
        self.backbone: Any = create_backbone(
            backbone, pretrained=pretrained, stage=stage, published=published, **options
        )
        self.memory_format = prefer_memory_format(self.backbone)
        self.backbone_name = full_name(backbone)
        self.embed_dim = channels_out(self.backbone, stage)
        self.input_spec = AudioSpec(sample_rate=sample_rate)
        network = f"timm's {self.backbone_name} for pictures, first layer summed over colours"
        if published is not None:
            self.trained_on = published.learnt(network)
        elif pretrained:
            self.trained_on = f"{network}, published weights"

    def forward(self, x: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch tokens dim"]:
        """Encode sound.

        Shape: ``x`` (B, samples) float in [-1, 1] at ``input_spec.sample_rate``; result (B, T', D).
        """
        check_sound(x, self.minimum_samples)
        picture = self.spectrogram(x).unsqueeze(1).contiguous(memory_format=self.memory_format)
        features = self.backbone(picture)
        if self.stage is not None:
            features = features[-1]
        is_sequence = features.ndim == 3
        grid = self._grid(features, picture) if is_sequence else channels_first(self.backbone, features)
        return grid.mean(dim=2).transpose(1, 2)

    def spectrogram(self, sound: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch bands frames"]:
        """Spectrogram of each clip with zero mean and unit variance, in float32 under autocast too."""
        with torch.autocast(sound.device.type, enabled=False):
            bands = self.front_end(sound.float())
            if self.takes_log:
                bands = (bands + 1e-6).log()
            variance, mean = torch.var_mean(bands, dim=(1, 2), keepdim=True)
            return (bands - mean) * (variance + 1e-5).rsqrt()

    def _grid(self, tokens: Float[Tensor, "batch sequence dim"], picture: Tensor) -> Tensor:
        """Put a ViT's sequence back on its grid ``(B, D, frequency, time)``, without class tokens."""
        height, width = self.backbone.patch_embed.dynamic_feat_size(picture.shape[-2:])
        patches = tokens[:, self.backbone.num_prefix_tokens :]
        return patches.unflatten(1, (height, width)).permute(0, 3, 1, 2)

    def checkpoint_gradients(self) -> None:
        """Keep only what enters each block, as timm does."""
        if not checkpoint_blocks(self.backbone):
            super().checkpoint_gradients()

    def parameter_depths(self) -> dict[str, int]:
        """Layers before each parameter as timm groups them."""
        of_backbone = layers_before(self.backbone)
        return super().parameter_depths() | {f"backbone.{name}": depth for name, depth in of_backbone.items()}

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments with timm's choices resolved, so that another timm builds the same."""
        return {**super().arguments(), "backbone": self.backbone_name, "pretrained": False}


class PowerSpectrogram(nn.Module):
    """torchaudio's ``Spectrogram`` to the last bit, without the ``torch.jit.isinstance`` that ends a graph.

    Args:
        n_fft: samples a frame, under a Hann window.
        hop_length: samples between frames.
    """

    window: Tensor

    def __init__(self, n_fft: int, hop_length: int) -> None:
        super().__init__()
        self.hop_length = hop_length
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, sound: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch bins frames"]:
        """Power of each bin and frame."""
        size = len(self.window)
        spectrum = torch.stft(sound, size, self.hop_length, window=self.window, return_complex=True)
        return spectrum.abs().pow(2)


def create_front_end(
    front_end: FrontEnd, *, n_mels: int, n_fft: int, hop_length: int, sample_rate: int
) -> nn.Module:
    """Transform from sound ``(B, samples)`` to ``(B, bands, frames)``; power except for "lfcc"."""
    power = PowerSpectrogram(n_fft, hop_length)
    if front_end == "log_mel":
        mel = MelSpectrogram(sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels)
        mel.spectrogram = power
        return mel
    if front_end == "lfcc":
        spectrum = {"n_fft": n_fft, "hop_length": hop_length}
        cepstra = LFCC(sample_rate, n_filter=n_mels, n_lfcc=n_mels, speckwargs=spectrum)
        cepstra.Spectrogram = power
        return cepstra
    if front_end == "linear":
        return power
    raise ValueError(f"unknown front_end {front_end!r}; choose from {', '.join(get_args(FrontEnd))}")
