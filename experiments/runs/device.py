"""Where a verb computes: ``--device auto``, ``cpu`` or ``cuda``."""

import os
from typing import Literal

DeviceName = Literal["auto", "cpu", "cuda"]


def check_device(name: DeviceName) -> str:
    """The device that is meant, for torch: with ``auto`` the GPU where there is one.

    Raises:
        ValueError: a GPU was asked for, and torch sees none.
    """
    import torch

    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise ValueError("--device cuda, but torch sees no GPU here; leave it out, or install torch for CUDA")
    return "cuda" if name != "cpu" and has_gpu else "cpu"


def use_device(name: DeviceName) -> None:
    """Let Accelerate compute there, in this process and in those that it starts; before the first computes.

    Raises:
        ValueError: as :func:`check_device`.
    """
    if name != "auto" and check_device(name) == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"
