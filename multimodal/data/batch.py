"""What a model is fed and learns from: windows stacked, by modality name."""

from typing import TypedDict

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Batch(TypedDict):
    """Windows stacked.

    ``inputs`` by modality: video ``(B, T, 3, H, W)`` in [0, 1], audio ``(B, samples)`` in [-1, 1]; ``present``
    by modality ``(B,)``; ``lengths`` by modality ``(B,)``, frames or samples that are no padding at the end;
    ``labels`` for class, video and audio ``(B,)``, -1 where unknown; ``row`` ``(B,)``
    names the clip.
    """

    inputs: dict[str, Float[Tensor, "batch ..."]]
    present: dict[str, Bool[Tensor, " batch"]]
    lengths: dict[str, Int[Tensor, " batch"]]
    labels: dict[str, Int[Tensor, " batch"]]
    row: Int[Tensor, " batch"]


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with all but the clips' rows on ``device``."""

    def move(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.to(device, non_blocking=True) for name, value in tensors.items()}

    return Batch(
        inputs=move(batch["inputs"]),
        present=move(batch["present"]),
        lengths=move(batch["lengths"]),
        labels=move(batch["labels"]),
        row=batch["row"],
    )
