"""Sound and picture of the same moment should be alike, those of other moments not: learnt from real clips."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from fusion.token_time import resample_time

_TEMPERATURE = 0.1


def synchrony_loss(
    video: Float[Tensor, "batch _ width"],
    audio: Float[Tensor, "batch _ width"],
    is_real: Bool[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Contrast the aligned window with the same window shifted, by up to half its length in either direction.

    The likeness of a shift is the mean cosine of the tokens that then stand together; a softmax over all shifts
    should choose none. After the multi-way matching of Chung et al., Perfect Match, ICASSP 2019, section 2.2, with
    shifts inside one window as the choices. Fakes are left out, since theirs may rightly not fit.

    Shape: tokens ``(B, T, W)`` of any two rates, brought to the slower; at least 4 tokens.

    Returns:
        Mean over the real clips; 0 where there is none.
    """
    num_tokens = min(video.shape[1], audio.shape[1])
    if num_tokens < 4:
        raise ValueError(
            f"synchrony wants at least 4 tokens a window; got {num_tokens}. Raise --num-frames, or leave it out"
        )
    one, other = (
        normalize(resample_time(tokens, num_tokens).float(), dim=-1)[is_real] for tokens in (video, audio)
    )
    if not len(one):
        return (video.sum() + audio.sum()) * 0.0
    reach = num_tokens // 2
    likeness = [_likeness(one, other, shift) for shift in range(-reach, reach + 1)]
    logits = torch.stack(likeness, dim=1) / _TEMPERATURE
    return cross_entropy(logits, torch.full((len(one),), reach, device=logits.device))


def _likeness(
    one: Float[Tensor, "real time width"], other: Float[Tensor, "real time width"], shift: int
) -> Float[Tensor, " real"]:
    length = one.shape[1] - abs(shift)
    first = one[:, max(0, -shift) : max(0, -shift) + length]
    second = other[:, max(0, shift) : max(0, shift) + length]
    return (first * second).sum(dim=-1).mean(dim=1)
