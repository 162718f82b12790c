"""Fixed band-pass filters on the waveform: the front end of RawNet2 and AASIST."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


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
