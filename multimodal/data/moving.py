"""Tensors brought to the device that computes, without a wait for it."""

import torch
from torch import Tensor


def moved(value: Tensor, device: torch.device) -> Tensor:
    """The same tensor on ``device``; a copy from the host to a GPU is begun, not waited for."""
    if device.type == "cuda" and value.device.type == "cpu":
        value = value.pin_memory()  # else the copy would hold up whoever asks for it
    return value.to(device, non_blocking=True)


def moved_together(values: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Small tensors of one shape and type in one copy, which takes as long as that of each."""
    if not values:
        return {}
    return dict(zip(values, moved(torch.stack(list(values.values())), device), strict=True))
