"""What fixed layers gave for a window, so that another epoch, which meets the same window, need not compute it."""

from collections.abc import Callable, Sequence
from hashlib import blake2b

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from encoders.checks import is_traced

Mask = Bool[Tensor, "batch samples"]
Compute = Callable[[Float[Tensor, "batch samples"], Mask | None], Tensor]


class Remembered:
    """Results by what was heard and what computed them; the oldest are forgotten.

    Args:
        most: windows that are kept.
    """

    def __init__(self, most: int = 8192) -> None:
        self.most = most
        self._met: dict[bytes, Tensor] = {}

    def __call__(
        self, compute: Compute, x: Float[Tensor, "batch samples"], mask: Mask | None, *, salt: Callable[[], bytes]
    ) -> Tensor:
        """The results of a batch, ``(batch, ...)``; only those of windows that were not met are computed.

        Args:
            compute: results of the windows and masks that it is given.
            x: the windows.
            mask: False where they are padding, which ends each of them; None where nothing is.
            salt: gives 16 bytes for whatever else the results depend on.
        """
        if x.device.type != "cpu" or is_traced():
            return compute(x, mask)
        lengths = [x.shape[1]] * len(x) if mask is None else mask.sum(dim=1).tolist()
        mark = salt()
        keys = [_key(sound, length, mark) for sound, length in zip(x, lengths, strict=True)]
        lacking = [row for row, key in enumerate(keys) if key not in self._met]
        if lacking:
            new = compute(x[lacking], None if mask is None else mask[lacking])
            self._met.update((keys[row], one) for row, one in zip(lacking, new, strict=True))
        found = torch.stack([self._met[key] for key in keys])
        for oldest in list(self._met)[: max(len(self._met) - self.most, 0)]:
            del self._met[oldest]
        return found


def _key(sound: Float[Tensor, " samples"], length: int, salt: bytes) -> bytes:
    mark = blake2b(length.to_bytes(8, "little") + salt, digest_size=16).digest()
    return blake2b(sound.detach().contiguous().numpy().data, digest_size=16, salt=mark).digest()


def mark_of(parts: Sequence[nn.Module]) -> bytes:
    """16 bytes that tell the weights of some layers from others."""
    mark = blake2b(digest_size=16)
    for part in parts:
        for tensor in part.state_dict().values():
            mark.update(tensor.detach().cpu().contiguous().numpy().data)
    return mark.digest()
