"""What an encoder accepts, said in one line each. Skipped while a graph is traced for compilation or export."""

import math

import torch
from torch import Tensor
from torch.jit._trace import is_tracing

#: Far above 1 and above what normalised pictures (2.7) and standardised sound (about 10) reach, far below what
#: 8-bit frames and 16-bit samples do.
_LARGEST_IN_FRAMES, _LARGEST_IN_SOUND = 8.0, 30.0


def is_traced() -> bool:
    """Whether a graph is being traced, for compilation or export."""
    return torch.compiler.is_compiling() or is_tracing()


def check_video(video: Tensor, frame_size: int, minimum_frames: int = 1) -> None:
    """Raise ``ValueError`` unless ``video`` is floating point ``(B, T, 3, frame_size, frame_size)``, T enough."""
    if is_traced():
        return
    if video.ndim != 5 or tuple(video.shape[2:]) != (3, frame_size, frame_size):
        raise ValueError(
            f"video must be (batch, time, 3, {frame_size}, {frame_size}); got {tuple(video.shape)}. "
            "Bring frames to input_spec.frame_size and RGB, channels before height."
        )
    if video.shape[1] < minimum_frames:
        raise ValueError(f"video must have at least {minimum_frames} frames; got {video.shape[1]}. Take more.")
    if not video.is_floating_point():
        raise ValueError(f"video must be floating point in [0, 1]; got {video.dtype}. Divide 8-bit frames by 255.")
    if video.numel() and _may_be_looked_at(video):
        _check_values(video, "video", "[0, 1]", _LARGEST_IN_FRAMES, "Divide 8-bit frames by 255.")


def check_mask(mask: Tensor, sound: Tensor, minimum_samples: int) -> None:
    """Raise ``ValueError`` unless ``mask`` is bool, as ``sound``, and leaves enough sound in every clip."""
    if is_traced():
        return
    if mask.shape != sound.shape or mask.dtype != torch.bool:
        raise ValueError(
            f"mask must be bool {tuple(sound.shape)}; got {tuple(mask.shape)} {mask.dtype}. True marks sound."
        )
    if _may_be_looked_at(mask) and (short := (mask.sum(dim=1) < minimum_samples).nonzero().flatten().tolist()):
        raise ValueError(f"batch rows {short} have fewer than {minimum_samples} samples of sound; leave them out")


def check_sound(sound: Tensor, minimum_samples: int) -> None:
    """Raise ``ValueError`` unless ``sound`` is ``(B, samples)``, finite, floating point and long enough."""
    if is_traced():
        return
    if sound.ndim != 2:
        raise ValueError(
            f"audio must be mono (batch, samples); got {tuple(sound.shape)}. Average the channels first."
        )
    if not sound.is_floating_point():
        raise ValueError(
            f"audio must be floating point in [-1, 1]; got {sound.dtype}. Divide 16-bit sound by 32768."
        )
    if sound.shape[1] < minimum_samples:
        raise ValueError(
            f"audio must have at least {minimum_samples} samples; got {sound.shape[1]}. Take a longer window."
        )
    if sound.numel() and _may_be_looked_at(sound):
        _check_values(sound, "audio", "[-1, 1]", _LARGEST_IN_SOUND, "Divide 16-bit sound by 32768.")


def _may_be_looked_at(values: Tensor) -> bool:
    """Whether a look costs no wait: on an accelerator, a step of a training would stand until the last is done."""
    return values.device.type == "cpu" or not torch.is_grad_enabled()


def _check_values(values: Tensor, name: str, span: str, limit: float, advice: str) -> None:
    """Raise ``ValueError`` where a batch has values that are not finite, or far outside their span."""
    smallest, largest = torch.stack(torch.aminmax(values.detach())).tolist()
    if not math.isfinite(smallest + largest):
        bad = (~torch.isfinite(values).flatten(1).all(dim=1)).nonzero().flatten().tolist()
        raise ValueError(f"{name} has NaN or infinite values in batch rows {bad}. Leave these clips out.")
    if max(-smallest, largest) > limit:
        raise ValueError(f"{name} must lie in {span}; got {smallest:.4g} to {largest:.4g}. {advice}")
