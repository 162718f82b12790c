"""What an encoder accepts, said in one line each. Skipped while a graph is traced for compilation or export."""

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
    if video.numel() and (largest := video.detach().max().item()) > _LARGEST_IN_FRAMES:
        raise ValueError(f"video must lie in [0, 1]; got up to {largest:.0f}. Divide 8-bit frames by 255.")


def check_mask(mask: Tensor, sound: Tensor, minimum_samples: int) -> None:
    """Raise ``ValueError`` unless ``mask`` is bool, as ``sound``, and leaves enough sound in every clip."""
    if is_traced():
        return
    if mask.shape != sound.shape or mask.dtype != torch.bool:
        raise ValueError(
            f"mask must be bool {tuple(sound.shape)}; got {tuple(mask.shape)} {mask.dtype}. True marks sound."
        )
    short = (mask.sum(dim=1) < minimum_samples).nonzero().flatten().tolist()
    if short:
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
    if not torch.isfinite(sound).all():
        bad = (~torch.isfinite(sound).all(dim=1)).nonzero().flatten().tolist()
        raise ValueError(f"audio has NaN or infinite samples in batch rows {bad}. Leave these clips out.")
    if (largest := sound.detach().abs().max().item()) > _LARGEST_IN_SOUND:
        raise ValueError(f"audio must lie in [-1, 1]; got up to {largest:.0f}. Divide 16-bit sound by 32768.")
