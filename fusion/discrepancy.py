"""Do sound and picture move together? What lip-sync forgeries break."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.base import Fusion, Present, Tokens, complete_batch
from fusion.blocks import JoinedOutput, Placeholders, TokenStem, mean_over_time, the_other_of_each
from fusion.token_time import TEMPERATURE, likeness_by_shift, resample_time

MEAN, PEAK, OFFSET = "mean disagreement", "peak disagreement", "offset"


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

    With ``offsets`` a third summary says how the two agree when one is moved (:func:`offset_evidence`): sound that
    was late as a whole agrees elsewhere, that of another mouth nowhere. The loss of synchrony teaches just that,
    from genuine clips alone.

    Args:
        dims: width of the tokens of exactly two modalities, by name.
        out_dim: width of the result.
        width: hidden width.
        offsets: whether the offset at which they agree best counts, too.
    """

    def __init__(self, dims: Mapping[str, int], out_dim: int, *, width: int = 256, offsets: bool = False) -> None:
        super().__init__(dims, out_dim)
        the_other_of_each(self.names, "discrepancy")
        self.stem = TokenStem(self.dims, width)
        self.to_common = nn.ModuleDict({name: nn.Linear(width, width) for name in self.names})
        self.offset = nn.Linear(4, width) if offsets else None
        features = (*self.names, MEAN, PEAK, *([OFFSET] if offsets else []))
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
        if self.offset is not None:
            features[OFFSET] = self.offset(offset_evidence(one, other).to(one.dtype))
        first, second = (batch.present[name] for name in self.names)
        comparable = dict.fromkeys((MEAN, PEAK, OFFSET), first & second)
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


def offset_evidence(
    one: Float[Tensor, "batch _ width"], other: Float[Tensor, "batch _ width"]
) -> Float[Tensor, "batch 4"]:
    """What likeness at all shifts says: by how much ``one`` leads, how unsure that is, and how well it fits.

    The posterior of the shift is that of the loss of synchrony: a softmax of the likeness. Of it, its mean and its
    standard deviation, in shares of the window; then the likeness as it stands, and the highest of all shifts.

    >>> course = torch.eye(8)[None]
    >>> offset_evidence(course, course.roll(2, 1))[0, 0].round(decimals=2).item()  # two of eight tokens
    0.25
    """
    likeness = likeness_by_shift(one, other)
    reach = likeness.shape[1] // 2
    num_tokens = min(one.shape[1], other.shape[1])
    shifts = torch.arange(-reach, reach + 1, device=likeness.device) / num_tokens
    posterior = (likeness / TEMPERATURE).softmax(dim=1)
    mean = posterior @ shifts
    spread = (posterior * (shifts - mean[:, None]).square()).sum(dim=1)
    # the added constant keeps the gradient of a posterior without any spread finite
    return torch.stack([mean, (spread + 1e-8).sqrt(), likeness[:, reach], likeness.amax(dim=1)], dim=1)


def _standardised(tokens: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
    centred = tokens - tokens.mean(dim=1, keepdim=True)
    # the added constant keeps the gradient of a feature that doesn't change (a single token, say) finite
    return centred * (centred.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt()
