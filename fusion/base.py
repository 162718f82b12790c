"""The contract of a fusion: named tokens in, one representation out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

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
        the same moment to be alike (:func:`multimodal.training.synchrony.synchrony_loss`) acts there.
        """
        return None

    @classmethod
    def compares(cls) -> bool:
        """Whether this mode compares tokens of the same time."""
        return cls.comparable is not Fusion.comparable
