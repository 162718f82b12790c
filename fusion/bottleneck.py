"""Modalities exchange only what passes through a few shared tokens."""

from collections.abc import Mapping, Sequence

import torch
from einops import repeat
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fusion.attention import AttentionBlock
from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time
from fusion.token_time import TimeEncoding, time_distance, timeless, token_times


class BottleneckFusion(Fusion):
    """Multimodal bottleneck transformer.

    Nagrani et al., Attention Bottlenecks for Multimodal Fusion, NeurIPS 2021, section 3: in each layer every
    modality's tokens ``z_m`` attend, with weights of their own, to themselves and to the bottleneck tokens ``b``,
    and the bottleneck tokens that come out are averaged over the modalities (here: those that are present)::

        [z_m; b_m] <- block_m([z_m; b])        b <- mean_m b_m

    One layer writes into the bottleneck and the next reads from it, hence two at least; the last only reads. The
    paper averages the logits of one class token a modality; here the tokens of each modality are averaged and
    joined, as in the other modes.

    Args:
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        width: hidden width; even, and a multiple of ``num_heads``.
        depth: layers.
        num_heads: heads of each attention.
        num_bottlenecks: shared tokens (4 in the paper).
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        out_dim: int,
        *,
        width: int = 256,
        depth: int = 2,
        num_heads: int = 4,
        num_bottlenecks: int = 4,
    ) -> None:
        super().__init__(dims, out_dim)
        if depth < 2:
            raise ValueError(f"depth must be at least 2, to write the bottleneck and to read it; got {depth}.")
        if num_bottlenecks < 1:
            raise ValueError(f"num_bottlenecks must be at least 1; got {num_bottlenecks}. The default is 4.")
        self.stem = TokenStem(self.dims, width)
        self.time = TimeEncoding(width)
        self.bottlenecks = nn.Parameter(0.02 * torch.randn(num_bottlenecks, width))
        self.layers = nn.ModuleList(
            BottleneckLayer(self.names, width, num_heads, num_bottlenecks) for _ in range(depth)
        )
        self.placeholders = Placeholders(self.names, width)
        self.output = JoinedOutput(self.names, width, out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        streams = {name: self.time(value) for name, value in self.stem(batch.tokens).items()}
        count = len(streams[self.names[0]])
        shared: Tensor = repeat(self.bottlenecks, "bottleneck width -> batch bottleneck width", batch=count)
        *writing_layers, reading_layer = self.layers
        for layer in writing_layers:
            contexts = _side_by_side(streams, shared)
            updated = layer(contexts, contexts)
            streams = {name: updated[name][:, : streams[name].shape[1]] for name in self.names}
            written = {name: updated[name][:, streams[name].shape[1] :] for name in self.names}
            shared = mean_of_present(written, batch.present)
        read = reading_layer(streams, _side_by_side(streams, shared))
        return self.output(self.placeholders(mean_over_time(read), batch.present))

    def comparable(self, tokens: Tokens) -> dict[str, Float[Tensor, "batch _ width"]]:
        """Projected tokens, which look at each other; see :class:`fusion.base.Fusion`."""
        return self.stem(complete_batch(tokens, None, self.dims).tokens)


class BottleneckLayer(nn.Module):
    """One block a modality, which looks at the modality's own tokens and at the bottleneck behind them.

    Args:
        names: the modalities.
        width: width of the tokens.
        num_heads: heads of each attention.
        num_bottlenecks: shared tokens at the end of each context.
    """

    def __init__(self, names: Sequence[str], width: int, num_heads: int, num_bottlenecks: int) -> None:
        super().__init__()
        self.num_bottlenecks = num_bottlenecks
        self.blocks = nn.ModuleDict({name: AttentionBlock(width, num_heads) for name in names})

    def forward(
        self,
        queries: dict[str, Float[Tensor, "batch _ width"]],
        contexts: dict[str, Float[Tensor, "batch _ width"]],
    ) -> dict[str, Float[Tensor, "batch _ width"]]:
        """Update the queries (the context, or the start of it).

        No token is hidden: what an absent modality makes of its zeros stays with it, since it isn't averaged
        into the bottleneck and a placeholder takes its place in the end.
        """
        updated = {}
        for name, block in self.blocks.items():
            context = contexts[name]
            own_times = token_times(context.shape[1] - self.num_bottlenecks, device=context.device)
            times = torch.cat([own_times, timeless(self.num_bottlenecks, device=context.device)])
            distance = time_distance(times[: queries[name].shape[1]], times)
            visible = torch.ones(context.shape[:2], dtype=torch.bool, device=context.device)
            updated[name] = block(queries[name], context, visible, distance)
        return updated


def _side_by_side(streams: dict[str, Tensor], shared: Tensor) -> dict[str, Tensor]:
    return {name: torch.cat([stream, shared], dim=1) for name, stream in streams.items()}


def mean_of_present(
    values: dict[str, Float[Tensor, "batch time width"]], present: dict[str, Bool[Tensor, " batch"]]
) -> Float[Tensor, "batch time width"]:
    """Mean over the modalities that a clip has; zeros where it has none."""
    stacked = torch.stack(list(values.values()))
    flags = torch.stack([present[name] for name in values])[:, :, None, None]
    return torch.where(flags, stacked, 0.0).sum(dim=0) / flags.sum(dim=0).clamp(min=1)
