"""Options that follow from the training clips and the machine, settled before a run begins."""

import sys
import time

import pandas as pd
import torch

from experiments.runs.device import processes
from multimodal.audit.advice import Recommendation, recommend


def advised_options(clips: pd.DataFrame, label: str, *, has_fusion: bool) -> Recommendation:
    """Balance and loss as ``statistics`` advises them for so many real and fake clips, and a line that says so.

    Args:
        clips: the training split.
        label: column whose fakes are counted.
        has_fusion: whether SMOTE has embeddings that mean something, of encoders that know something.
    """
    fake, real = int((clips[label] == 1).sum()), int((clips[label] == 0).sum())
    advice = recommend(real=real, fake=fake, has_fusion=has_fusion)[0]
    say(f"auto: {real:,} real and {fake:,} fake training clips, so {advice.options}")
    return advice


def check_precision(precision: str) -> None:
    """Refuse float16 on a CPU, where Accelerate would compute in float32, and bfloat16 on one that gives noise.

    Bfloat16 on a processor that has no unit for it is computed, but slower than float32: a warning says so.
    """
    if precision == "no" or processes().device.type != "cpu":
        return
    if precision == "fp16":
        raise ValueError("--precision fp16 needs a GPU, and this machine computes on the CPU; choose bf16 or no")
    error = bfloat16_error()
    if error > _BFLOAT16_ERROR:
        raise ValueError(
            f"--precision bf16: a convolution in bfloat16 is wrong by {error:.0%} here, where 0.3 % is usual; "
            "oneDNN's kernels for AVX-512 do so on some virtual machines. Set ONEDNN_MAX_CPU_ISA=AVX2, or choose "
            "--precision no"
        )
    if (times := bfloat16_times()) > _SLOWER:
        say(
            f"warning: --precision bf16: a convolution in bfloat16 takes {times:.1f} times as long as in float32 "
            "here, as on processors without a unit for it; --precision no is faster"
        )


#: Rounding to 8 bits is wrong by less than a hundredth; noise by as much as the numbers are large.
_BFLOAT16_ERROR = 0.05
#: How many times as long is said; less may be the noise of a busy machine.
_SLOWER = 1.2


def bfloat16_error() -> float:
    """How wrong a grouped convolution of sound is in bfloat16 here, relative to float32.

    The positions of wav2vec 2.0 come of one. Of nine kinds of layers it was the one that gave noise, by oneDNN
    with AVX-512 on a virtual machine; with ONEDNN_MAX_CPU_ISA=AVX2 it was right there too.
    """
    generator = torch.Generator().manual_seed(0)
    sound = torch.randn(2, 16, 62, generator=generator)
    kernel = torch.randn(16, 8, 16, generator=generator)
    exact = torch.nn.functional.conv1d(sound, kernel, padding=8, groups=2)
    rounded = torch.nn.functional.conv1d(sound.bfloat16(), kernel.bfloat16(), padding=8, groups=2).float()
    return float((rounded - exact).norm() / exact.norm())


def bfloat16_times() -> float:
    """How many times as long a convolution of AASIST's kind takes in bfloat16 here as in float32."""
    picture, kernel = torch.ones(1, 32, 23, 2000), torch.ones(32, 32, 2, 3)

    def seconds(dtype: torch.dtype) -> float:
        x, weight = (one.to(dtype).contiguous(memory_format=torch.channels_last) for one in (picture, kernel))
        found = []
        for _ in range(4):
            begun = time.perf_counter()
            torch.nn.functional.conv2d(x, weight, padding=1)
            found.append(time.perf_counter() - begun)
        return min(found)

    with torch.inference_mode():
        return seconds(torch.bfloat16) / seconds(torch.float32)


def say(text: str) -> None:
    """A line beside the results."""
    print(text, file=sys.stderr)
