"""The contract of a fusion, named tokens in and one representation out, and the check that all modes share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

Tokens = Mapping[str, Float[Tensor, "batch _ _"]]
Present = Mapping[str, Bool[Tensor, " batch"]]


class Fusion(nn.Module, ABC):
    """Named tokens ``{name: (B, T, D)}`` in, one representation ``(B, out_dim)`` out.

    The result does not depend on the order of the dict, is defined when a modality is absent (for some clips,
    for all, or because its key is missing), and ignores whatever stands in the tokens of an absent modality,
    NaN too, in the forward pass and in the gradients.

    The tokens of a modality are in the order of time and evenly spaced over a window that all modalities share;
    T may differ between modalities.

    Args:
        dims: width D of each modality's tokens, by name.
        out_dim: width of the result.
    """

    #: ``name``, ``out_dim`` and ``options`` that make it again by the catalog; None where a class was called.
    recipe: dict[str, Any] | None = None

    def __init__(self, dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__()
        for what, size in [*((f"dims[{name!r}]", dim) for name, dim in dims.items()), ("out_dim", out_dim)]:
            if size < 1:
                raise ValueError(f"{what} must be at least 1; got {size}. Pass the width of the tokens there.")
        if not dims:
            raise ValueError("dims must name a modality; got none. Pass the token width of each, by name.")
        self.names = tuple(sorted(dims))
        self.dims = {name: dims[name] for name in self.names}
        self.out_dim = out_dim

    @abstractmethod
    def forward(self, tokens: Tokens, present: Present | None = None) -> Float[Tensor, "batch out"]:
        """Fuse a batch.

        Args:
            tokens: ``{name: (B, T, D)}``; a modality without a key is absent from every clip.
            present: ``present[name]`` is False for clips that lack the modality; a name that is not in it is
                present wherever its tokens are (None: so for all).

        Raises:
            ValueError: no tokens at all, an unknown modality, or shapes that do not fit ``dims``.
        """

    def comparable(self, tokens: Tokens) -> dict[str, Float[Tensor, "batch _ width"]] | None:
        """Tokens of all modalities in the space where this mode compares them along time.

        None for a mode that does not compare them (:meth:`compares`). A loss that wants sound and picture of
        the same moment to be alike (:func:`multimodal.training.losses.synchrony_loss`) acts there.
        """
        return None

    @classmethod
    def compares(cls) -> bool:
        """Whether this mode compares tokens of the same time."""
        return cls.comparable is not Fusion.comparable


# What is present in a batch: every modality gets clean tokens and a flag for each clip.


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
