"""What is present in a batch: every modality gets clean tokens and a flag for each clip."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fusion.base import Present, Tokens


class CompleteBatch(NamedTuple):
    """Tokens and flags of every modality, in the order of ``dims``; zeros stand in the absent tokens."""

    tokens: dict[str, Float[Tensor, "batch _ _"]]
    present: dict[str, Bool[Tensor, " batch"]]


def complete_batch(tokens: Tokens, present: Present | None, dims: Mapping[str, int]) -> CompleteBatch:
    """Check a batch and put zeros where a modality is absent, before any arithmetic can meet a NaN.

    A modality without a key gets a single token of zeros and is absent from every clip, whatever ``present``
    says of it. No gradient flows into absent tokens.

    Raises:
        ValueError: no tokens, an unknown modality, or shapes that do not fit ``dims`` or each other.
    """
    present = {} if present is None else present
    batch_size = _checked_batch_size(tokens, present, dims)
    reference = next(iter(tokens.values()))
    clean, flags = {}, {}
    for name, dim in dims.items():
        if name in tokens:
            everywhere = torch.ones(batch_size, dtype=torch.bool, device=reference.device)
            flags[name] = present.get(name, everywhere)
            clean[name] = torch.where(flags[name][:, None, None], tokens[name], 0.0)
        else:
            flags[name] = torch.zeros(batch_size, dtype=torch.bool, device=reference.device)
            clean[name] = reference.new_zeros(batch_size, 1, dim)
    return CompleteBatch(clean, flags)


def _checked_batch_size(tokens: Tokens, present: Present, dims: Mapping[str, int]) -> int:
    unknown = sorted({*tokens, *present} - set(dims))
    if unknown:
        raise ValueError(f"unknown modality {unknown[0]!r}; choose from {', '.join(dims)}")
    if not tokens:
        raise ValueError("tokens must hold a modality; got none. Pass one, with present False where it is absent.")
    batch_size = next(iter(tokens.values())).shape[0]
    for name, value in tokens.items():
        if value.ndim != 3 or value.shape[1] < 1 or (value.shape[0], value.shape[2]) != (batch_size, dims[name]):
            wanted = f"(batch {batch_size}, time of at least 1, {dims[name]})"
            raise ValueError(
                f"{name} tokens must be {wanted}; got {tuple(value.shape)}. Check dims and the batch."
            )
    for name, flag in present.items():
        if flag.shape != (batch_size,) or flag.dtype != torch.bool:
            got = f"{tuple(flag.shape)} {flag.dtype}"
            raise ValueError(
                f"present[{name!r}] must be ({batch_size},) torch.bool; got {got}. Pass a flag a clip."
            )
    return batch_size
