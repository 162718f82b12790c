"""Where a verb computes: ``--device auto``, ``cpu`` or ``cuda``."""

import os
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from accelerate import Accelerator, PartialState
    from accelerate.state import AcceleratorState

DeviceName = Literal["auto", "cpu", "cuda"]


def check_device(name: DeviceName) -> str:
    """The device that is meant, for torch: with ``auto`` the GPU where there is one.

    Raises:
        ValueError: a GPU was asked for, and torch sees none; or a device of another name.
    """
    import torch

    if name not in get_args(DeviceName):  # an option of somebody's detector is no more than text
        raise ValueError(f"unknown device {name!r}; choose from {', '.join(get_args(DeviceName))}")
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


def processes() -> "PartialState":
    """Where among those that compute together this process stands, as a launcher started them; or alone.

    Without a GPU Accelerate forms a group only of processes that say they want no GPU: two ranks of torchrun
    would each believe to be the first.
    """
    import torch
    from accelerate import PartialState

    wants_no_gpu = os.environ.get("ACCELERATE_USE_CPU") == "true"
    is_launched_without = "LOCAL_RANK" in os.environ and not torch.cuda.is_available()
    return PartialState(cpu=wants_no_gpu or is_launched_without)


def accelerator_on(device: DeviceName = "auto", precision: str | None = None, **options: Any) -> "Accelerator":
    """Accelerate's handle on a device, wherever and however precisely this process computed before.

    Accelerate keeps one state a process and refuses another: a judgement on the CPU would keep a training off the
    GPU, and a training in float32 one in bfloat16. Where they differ, what was made before must be through.

    Args:
        device: where; ``auto`` is the GPU where there is one, unless :func:`use_device` said otherwise.
        precision: ``no``, ``bf16`` or ``fp16``; None where it does not matter.
        options: of :class:`accelerate.Accelerator`.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, is_initialized

    check_device(device)
    if is_initialized() and not _fits(AcceleratorState(), device, precision):
        AcceleratorState._reset_state(reset_partial_state=processes().num_processes == 1)
    elif not is_initialized() and "LOCAL_RANK" in os.environ:
        processes()
    return Accelerator(cpu=device == "cpu", mixed_precision=precision, **options)


def _fits(state: "AcceleratorState", device: DeviceName, precision: str | None) -> bool:
    """Whether what Accelerate computes with is what is asked for."""
    import torch

    is_on_cpu = state.device.type == "cpu"
    could_be_elsewhere = torch.cuda.is_available() and os.environ.get("ACCELERATE_USE_CPU") != "true"
    is_there = is_on_cpu if device == "cpu" else not (is_on_cpu and could_be_elsewhere)
    return is_there and precision in (None, state.mixed_precision)
