"""The layers of AASIST (Jung et al., ICASSP 2022), from the waveform to the graph.

Band-pass filters and the residual block come from RawNet2 (Tak et al., ICASSP 2021); graph attention,
heterogeneous graph attention and graph pooling are AASIST's own. Attribute names are those of the published
weights, so that these load by name.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

# The front end: fixed band-pass filters on the waveform.


def band_pass_filters(num_filters: int, kernel_size: int, sample_rate: int) -> Float[Tensor, "filters kernel"]:
    """Windowed-sinc band-pass filters, adjacent and evenly spaced on the mel scale (Ravanelli & Bengio 2018).

    Each is the difference of two ideal low-pass filters under a Hamming window; together they cover 0 hertz to
    half the sample rate.
    """
    highest_mel = 2595 * torch.log10(torch.tensor(1 + sample_rate / 2 / 700, dtype=torch.float64))
    edges_mel = torch.linspace(0, highest_mel.item(), num_filters + 1, dtype=torch.float64)
    edges = 2 * 700 * (10 ** (edges_mel / 2595) - 1) / sample_rate
    half = (kernel_size - 1) / 2
    taps = torch.linspace(-half, half, kernel_size, dtype=torch.float64)
    low_pass = edges.unsqueeze(1) * torch.sinc(edges.unsqueeze(1) * taps)
    window = torch.hamming_window(kernel_size, periodic=False, dtype=torch.float64)
    return ((low_pass[1:] - low_pass[:-1]) * window).float()


class SincConvolution(nn.Module):
    """Waveform ``(B, samples)`` to ``(B, filters, samples - kernel_size + 1)``; nothing is learned."""

    filters: Tensor

    def __init__(self, *, num_filters: int, kernel_size: int, sample_rate: int) -> None:
        super().__init__()
        filters = band_pass_filters(num_filters, kernel_size, sample_rate).unsqueeze(1)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, sound: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch filters time"]:
        """Filter the waveform."""
        return nn.functional.conv1d(sound.unsqueeze(1), self.filters)


# The encoder: residual blocks on a picture of bands and time.


Picture = Float[Tensor, "batch channels bands time"]


class ResidualBlock(nn.Module):
    """Two convolutions with a shortcut, then a maximum over three steps of time (table 1 of the AASIST paper).

    The published models leave out the pre-activation in front of the first convolution although their weights
    carry its batch normalisation (``bn1``); it is kept, frozen, so that the weights load by name and agree.
    """

    def __init__(self, in_channels: int, out_channels: int, *, is_first: bool) -> None:
        super().__init__()
        if not is_first:
            self.bn1 = nn.BatchNorm2d(in_channels).requires_grad_(False)
        self.conv1 = nn.Conv2d(in_channels, out_channels, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, (2, 3), padding=(0, 1))
        self.conv_downsample = (
            nn.Conv2d(in_channels, out_channels, (1, 3), padding=(0, 1)) if in_channels != out_channels else None
        )

    def forward(self, picture: Picture) -> Picture:
        """Keep the bands and shorten the time to a third."""
        hidden = nn.functional.selu(self.bn2(self.conv1(picture)))
        shortcut = picture if self.conv_downsample is None else self.conv_downsample(picture)
        return nn.functional.max_pool2d(self.conv2(hidden) + shortcut, (1, 3))


# The graph: nodes are ``(B, N, D)`` and every node sees every other.


Nodes = Float[Tensor, "batch nodes dim"]


def pairwise_products(nodes: Nodes) -> Float[Tensor, "batch nodes nodes dim"]:
    """Element-wise product of every two nodes, from which attention is computed."""
    return nodes.unsqueeze(2) * nodes.unsqueeze(1)


def normalise_nodes(norm: nn.BatchNorm1d, nodes: Nodes) -> Nodes:
    """Batch normalisation over clips and nodes alike."""
    return norm(nodes.flatten(0, 1)).unflatten(0, nodes.shape[:2])


def _attention_vector(dim: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_normal_(torch.empty(dim, 1)))


class GraphAttention(nn.Module):
    """Graph attention over nodes of one kind (section 2.2)."""

    def __init__(self, in_dim: int, out_dim: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.att_proj = nn.Linear(in_dim, out_dim)
        self.att_weight = _attention_vector(out_dim)
        self.proj_with_att = nn.Linear(in_dim, out_dim)
        self.proj_without_att = nn.Linear(in_dim, out_dim)
        self.bn = nn.BatchNorm1d(out_dim)
        self.input_drop = nn.Dropout(0.2)

    def forward(self, nodes: Nodes) -> Nodes:
        """Update every node from all nodes."""
        nodes = self.input_drop(nodes)
        scores = torch.tanh(self.att_proj(pairwise_products(nodes))) @ self.att_weight
        attention = (scores.squeeze(-1) / self.temperature).softmax(dim=-1)
        updated = self.proj_with_att(attention @ nodes) + self.proj_without_att(nodes)
        return nn.functional.selu(normalise_nodes(self.bn, updated))


class HeterogeneousGraphAttention(nn.Module):
    """Graph attention over temporal and spectral nodes together, with a stack node that gathers (section 3.2).

    Attention between two temporal nodes, two spectral nodes and a mixed pair has a vector of its own each.
    """

    def __init__(self, in_dim: int, out_dim: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.proj_type1 = nn.Linear(in_dim, in_dim)
        self.proj_type2 = nn.Linear(in_dim, in_dim)
        self.att_proj = nn.Linear(in_dim, out_dim)
        self.att_projM = nn.Linear(in_dim, out_dim)
        self.att_weight11 = _attention_vector(out_dim)
        self.att_weight22 = _attention_vector(out_dim)
        self.att_weight12 = _attention_vector(out_dim)
        self.att_weightM = _attention_vector(out_dim)
        self.proj_with_att = nn.Linear(in_dim, out_dim)
        self.proj_without_att = nn.Linear(in_dim, out_dim)
        self.proj_with_attM = nn.Linear(in_dim, out_dim)
        self.proj_without_attM = nn.Linear(in_dim, out_dim)
        self.bn = nn.BatchNorm1d(out_dim)
        self.input_drop = nn.Dropout(0.2)

    def forward(self, temporal: Nodes, spectral: Nodes, stack: Nodes) -> tuple[Nodes, Nodes, Nodes]:
        """Update temporal nodes, spectral nodes and the one stack node ``(B, 1, D)``."""
        num_temporal = temporal.shape[1]
        nodes = torch.cat([self.proj_type1(temporal), self.proj_type2(spectral)], dim=1)
        nodes = self.input_drop(nodes)
        stack = self._updated_stack(nodes, stack)
        attention = self._attention(nodes, num_temporal)
        updated = self.proj_with_att(attention @ nodes) + self.proj_without_att(nodes)
        updated = nn.functional.selu(normalise_nodes(self.bn, updated))
        return updated[:, :num_temporal], updated[:, num_temporal:], stack

    def _attention(self, nodes: Nodes, num_temporal: int) -> Float[Tensor, "batch nodes nodes"]:
        hidden = torch.tanh(self.att_proj(pairwise_products(nodes)))
        vectors = torch.cat([self.att_weight11, self.att_weight22, self.att_weight12], dim=1)
        temporal_pair, spectral_pair, mixed_pair = (hidden @ vectors).unbind(dim=-1)
        is_temporal = torch.arange(nodes.shape[1], device=nodes.device) < num_temporal
        rows, columns = is_temporal.unsqueeze(1), is_temporal.unsqueeze(0)
        scores = torch.where(rows & columns, temporal_pair, mixed_pair)
        scores = torch.where(rows | columns, scores, spectral_pair)
        return (scores / self.temperature).softmax(dim=-1)

    def _updated_stack(self, nodes: Nodes, stack: Nodes) -> Nodes:
        scores = torch.tanh(self.att_projM(nodes * stack)) @ self.att_weightM
        attention = (scores / self.temperature).softmax(dim=1)
        return self.proj_with_attM(attention.transpose(1, 2) @ nodes) + self.proj_without_attM(stack)


class GraphPooling(nn.Module):
    """Keeps the share ``ratio`` of nodes that score highest, each scaled by its score (Gao & Ji 2019)."""

    def __init__(self, dim: int, ratio: float) -> None:
        super().__init__()
        self.ratio = ratio
        self.proj = nn.Linear(dim, 1)
        self.drop = nn.Dropout(0.3)

    def forward(self, nodes: Nodes) -> Nodes:
        """Drop nodes; those left are in the order of their scores."""
        scores = torch.sigmoid(self.proj(self.drop(nodes)))
        num_kept = max(int(nodes.shape[1] * self.ratio), 1)
        kept = scores.topk(num_kept, dim=1).indices
        return (nodes * scores).gather(1, kept.expand(-1, -1, nodes.shape[2]))
