"""Do sound and picture move together? What lip-sync forgeries break."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time, the_other_of_each
from fusion.token_time import resample_time

MEAN, PEAK = "mean disagreement", "peak disagreement"


class DiscrepancyFusion(Fusion):
    """Pooled features of both modalities, and how far their tokens disagree along time.

    Both token sequences are projected into a common space, the longer is averaged down to the rate of the
    shorter, and every feature k is standardised along time, so that who speaks drops out and what changes
    remains. The disagreement at time t and its two summaries over the window are::

        d_tk = (v_tk - a_tk)^2 / 2
        mean_t d_tk = 1 - correlation over time of (v_k, a_k)        log(1 + max_t d_tk)

    0 where the two move as one; the mean is 1 where they have nothing to do with each other. After the modality
    dissonance score of Chugh et al., Not made for each other, ACM Multimedia 2020, which averages over the clip
    the Euclidean distances of sound and picture, one pair of vectors a segment; the standardisation along time is
    ours. Where only one modality is present the summaries are learned placeholders.

    Args:
        dims: width of the tokens of exactly two modalities, by name.
        out_dim: width of the result.
        width: hidden width.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256) -> None:
        super().__init__(dims, out_dim)
        the_other_of_each(self.names, "discrepancy")
        self.stem = TokenStem(self.dims, width)
        self.to_common = nn.ModuleDict({name: nn.Linear(width, width) for name in self.names})
        features = (*self.names, MEAN, PEAK)
        self.placeholders = Placeholders(features, width)
        self.output = JoinedOutput(features, width, out_dim)

    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch; see :class:`fusion.base.Fusion`."""
        batch = complete_batch(tokens, present, self.dims)
        projected = self.stem(batch.tokens)
        one, other = (self.to_common[name](projected[name]) for name in self.names)
        disagreement = token_disagreement(one, other)
        features = mean_over_time(projected)
        features[MEAN] = disagreement.mean(dim=1).to(one.dtype)
        features[PEAK] = disagreement.amax(dim=1).log1p().to(one.dtype)
        first, second = (batch.present[name] for name in self.names)
        comparable = dict.fromkeys((MEAN, PEAK), first & second)
        return self.output(self.placeholders(features, {**batch.present, **comparable}))

    def comparable(self, tokens: Tokens) -> dict[str, Float[Tensor, "batch _ width"]]:
        """Tokens in the common space; see :class:`fusion.base.Fusion`."""
        projected = self.stem(complete_batch(tokens, None, self.dims).tokens)
        return {name: self.to_common[name](projected[name]) for name in self.names}


def token_disagreement(
    one: Float[Tensor, "batch _ width"], other: Float[Tensor, "batch _ width"]
) -> Float[Tensor, "batch time width"]:
    """Half the squared difference of two sequences, each feature standardised along time, at the slower rate.

    Computed in float32: the variance of nearly constant features does not survive half precision.
    """
    num_tokens = min(one.shape[1], other.shape[1])
    first, second = (_standardised(resample_time(tokens, num_tokens).float()) for tokens in (one, other))
    return (first - second).square() / 2


def _standardised(tokens: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
    centred = tokens - tokens.mean(dim=1, keepdim=True)
    # the added constant keeps the gradient of a feature that doesn't change (a single token, say) finite
    return centred * (centred.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt()
