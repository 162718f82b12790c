"""Options that follow from the training clips and the machine, settled before a run begins."""

import sys

import pandas as pd
from accelerate import PartialState

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
    """Refuse float16 on a CPU, where Accelerate would compute in float32 without a word."""
    if precision == "fp16" and PartialState().device.type == "cpu":
        raise ValueError("--precision fp16 needs a GPU, and this machine computes on the CPU; choose bf16 or no")


def say(text: str) -> None:
    """A line beside the results."""
    print(text, file=sys.stderr)
