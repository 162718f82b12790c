"""AASIST: graph attention on the raw waveform (Jung et al., ICASSP 2022, arXiv 2110.01200).

Written from the paper. Attribute names are those of the published weights, which load by name.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from encoders.audio.aasist_layers import (
    GraphAttention,
    GraphPooling,
    HeterogeneousGraphAttention,
    ResidualBlock,
    SincConvolution,
)
from encoders.base import AudioSpec, Encoder
from encoders.checks import check_sound
from encoders.remembered import Remembered, mark_of
from encoders.weights import load_strictly, read_published, sha256_of

NUM_FILTERS = 70
KERNEL_SIZE = 129
NUM_BANDS = NUM_FILTERS // 3
NUM_BLOCKS = 6
GRAPH_DIM = 32
READOUT_DIM = 5 * GRAPH_DIM


class _Variant(NamedTuple):
    """What differs between the published models."""

    channels: int
    spectral_ratio: float
    temporal_ratio: float
    mixed_ratio: float


VARIANTS = {
    "AASIST": _Variant(channels=64, spectral_ratio=0.5, temporal_ratio=0.7, mixed_ratio=0.5),
    "AASIST-L": _Variant(channels=24, spectral_ratio=0.4, temporal_ratio=0.5, mixed_ratio=0.7),
}


#: SHA-256 of published weights, and what they have learnt from. The same network trained on other data, such as
#: ASVspoof 5's baseline, has the same names and shapes.
LEARNT_FROM = {
    "51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0": "ASVspoof 2019 LA, train partition",
    "814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a": "ASVspoof 2019 LA, train partition",
}

#: Nodes that frozen blocks gave for windows, whichever encoder of the process asked.
_MET = Remembered(most=16_384)


class AasistEncoder(Encoder):
    """Tokens along time, and the published spoof / bona fide output, of AASIST or its light version.

    A token is a node of the temporal graph (in the order of time, one every 0.137 s) joined with the readout of
    the whole network over the window, so that all layers learn. :meth:`logits` is the published classifier.

    Args:
        variant: "AASIST" (297,866 parameters) or "AASIST-L" (85,306).
        weights: a folder or file of published weights, ``AASIST.pth`` or ``AASIST-L.pth``; None for random ones.
        frozen_blocks: how many of the six residual blocks, from the sound on, keep their weights. With all six,
            what they give is computed once for each window on a CPU, and graphs alone learn.

    >>> encoder = AasistEncoder(variant="AASIST-L").eval()
    >>> encoder(torch.randn(2, 32000)).shape, encoder.logits(torch.randn(2, 32000)).shape
    (torch.Size([2, 14, 184]), torch.Size([2, 2]))
    """

    name = "aasist"
    modality = "audio"

    def __init__(
        self,
        *,
        variant: Literal["AASIST", "AASIST-L"] = "AASIST",
        weights: str | Path | None = None,
        frozen_blocks: int = 0,
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; choose from {', '.join(VARIANTS)}")
        if not 0 <= frozen_blocks <= NUM_BLOCKS:
            raise ValueError(f"frozen_blocks must be in 0 to {NUM_BLOCKS}; got {frozen_blocks}. AASIST has six.")
        channels, spectral_ratio, temporal_ratio, mixed_ratio = VARIANTS[variant]
        self.embed_dim = channels + READOUT_DIM
        self.input_spec = AudioSpec(sample_rate=16_000)
        self.minimum_samples = KERNEL_SIZE - 1 + 3**7

        self.sinc = SincConvolution(num_filters=NUM_FILTERS, kernel_size=KERNEL_SIZE, sample_rate=16_000)
        self.first_bn = nn.BatchNorm2d(1)
        widths = [1, 32, 32, *[channels] * 4]
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(ResidualBlock(widths[i], widths[i + 1], is_first=i == 0))
                for i in range(len(widths) - 1)
            )
        )
        blocks: Any = self.encoder  # to() knows memory formats, its types do not
        blocks.to(memory_format=torch.channels_last)  # on a CPU convolutions and maxima take half the time so
        self.pos_S = nn.Parameter(torch.randn(1, NUM_BANDS, channels))
        self.master1 = nn.Parameter(torch.randn(1, 1, channels))
        self.master2 = nn.Parameter(torch.randn(1, 1, channels))
        self.GAT_layer_S = GraphAttention(channels, channels, temperature=2.0)
        self.GAT_layer_T = GraphAttention(channels, channels, temperature=2.0)
        self.pool_S = GraphPooling(channels, spectral_ratio)
        self.pool_T = GraphPooling(channels, temporal_ratio)
        self.HtrgGAT_layer_ST11 = HeterogeneousGraphAttention(channels, GRAPH_DIM, temperature=100.0)
        self.HtrgGAT_layer_ST12 = HeterogeneousGraphAttention(GRAPH_DIM, GRAPH_DIM, temperature=100.0)
        self.HtrgGAT_layer_ST21 = HeterogeneousGraphAttention(channels, GRAPH_DIM, temperature=100.0)
        self.HtrgGAT_layer_ST22 = HeterogeneousGraphAttention(GRAPH_DIM, GRAPH_DIM, temperature=100.0)
        self.pool_hS1 = GraphPooling(GRAPH_DIM, mixed_ratio)
        self.pool_hT1 = GraphPooling(GRAPH_DIM, mixed_ratio)
        self.pool_hS2 = GraphPooling(GRAPH_DIM, mixed_ratio)
        self.pool_hT2 = GraphPooling(GRAPH_DIM, mixed_ratio)
        self.branch_drop = nn.Dropout(0.2)
        self.readout_drop = nn.Dropout(0.5)
        # only logits() uses it: frozen, so that every trainable parameter has a gradient from the tokens
        self.out_layer = nn.Linear(READOUT_DIM, 2).requires_grad_(False)
        if weights is not None:
            published = read_published(weights)
            load_strictly(self, published.state, source=str(published.place))
            learnt_from = LEARNT_FROM.get(sha256_of(published.place), "nobody knows what (no published file)")
            self.trained_on = f"{learnt_from}, {published.text}"
        self.frozen: list[nn.Module] = (
            [self.first_bn, *list(self.encoder)[:frozen_blocks]] if frozen_blocks else []
        )
        for part in self.frozen:
            part.requires_grad_(False)
        self.remembers = frozen_blocks == NUM_BLOCKS
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Normalise by the statistics of the batch, but not in frozen blocks."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self

    def forward(self, x: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch tokens dim"]:
        """Encode sound.

        Shape: ``x`` (B, samples) float in [-1, 1] at 16 kHz; result (B, T, D), T = 29 for 64,600 samples.
        """
        temporal, readout = self.graphs(x)
        return torch.cat([temporal, readout.unsqueeze(1).expand(-1, temporal.shape[1], -1)], dim=-1)

    def logits(self, x: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch 2"]:
        """Published output: column 0 spoof, column 1 bona fide. A fake score is column 0 minus column 1."""
        _, readout = self.graphs(x)
        return self.out_layer(self.readout_drop(readout))

    def graphs(self, x: Float[Tensor, "batch samples"]) -> tuple[Tensor, Float[Tensor, "batch readout"]]:
        """Temporal nodes ``(B, T, channels)`` in the order of time, and the readout ``(B, 160)`` of the window."""
        check_sound(x, self.minimum_samples)
        nodes = self._nodes_once(x) if self.remembers else self._nodes(x)
        spectral = self.GAT_layer_S(nodes[:, :NUM_BANDS] + self.pos_S)
        temporal = self.GAT_layer_T(nodes[:, NUM_BANDS:])
        pooled = self.pool_T(temporal), self.pool_S(spectral)
        first = self._branch(pooled, self.master1, "1")
        second = self._branch(pooled, self.master2, "2")
        time, band, stack = (torch.maximum(one, other) for one, other in zip(first, second, strict=True))
        parts = [time.abs().amax(dim=1), time.mean(dim=1), band.abs().amax(dim=1), band.mean(dim=1), stack[:, 0]]
        return temporal, torch.cat(parts, dim=1)

    def _nodes_once(self, x: Tensor) -> Float[Tensor, "batch nodes channels"]:
        return _MET(self._nodes, x, None, salt=lambda: mark_of(self.frozen))

    def _nodes(self, x: Tensor, _: Tensor | None = None) -> Float[Tensor, "batch nodes channels"]:
        """Largest features of every band over time, then of every moment over the bands."""
        with torch.autocast(x.device.type, enabled=False):  # sound in bfloat16 is noisy by its rounding
            bands = nn.functional.max_pool2d(self.sinc(x.float()).unsqueeze(1).abs(), 3)
        picture = nn.functional.selu(self.first_bn(bands)).contiguous(memory_format=torch.channels_last)
        features = self.encoder(picture).float().abs()
        return torch.cat([features.amax(dim=3), features.amax(dim=2)], dim=2).transpose(1, 2).contiguous()

    def _branch(self, pooled: tuple[Tensor, Tensor], stack: Tensor, number: str) -> tuple[Tensor, Tensor, Tensor]:
        """One of the two parallel branches whose element-wise maximum is taken (section 3.3)."""
        first, second = (getattr(self, f"HtrgGAT_layer_ST{number}{layer}") for layer in (1, 2))
        time, band, stack = first(*pooled, stack.expand(pooled[0].shape[0], -1, -1))
        time, band = getattr(self, f"pool_hT{number}")(time), getattr(self, f"pool_hS{number}")(band)
        time_change, band_change, stack_change = second(time, band, stack)
        drop = self.branch_drop
        return drop(time + time_change), drop(band + band_change), drop(stack + stack_change)
