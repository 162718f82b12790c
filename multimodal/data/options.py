"""How windows are cut and read, and what is made of genuine clips: plain values, which need no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from multimodal.ranges import at_least, check_ranges

#: ``trim`` leaves silent ends out; ``random`` leaves a random share of them out in training; ``keep`` keeps them.
SilentEnds = Literal["trim", "random", "keep"]

#: ``none``; ``add`` to the fakes that are there; ``only``, leaving those out.
PseudoFakes = Literal["none", "add", "only"]

#: What a voice goes through in copy-synthesis; ``several`` are the first three, one a window.
Vocoder = Literal["griffin_lim", "phases", "linear_prediction", "world", "several"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How clips are read, in training and in validation.

    Args:
        num_frames: crops of a window.
        windows_per_clip: windows of a clip whose scores are averaged.
        batch_size: windows a step, over all processes.
        num_workers: processes that read windows; 0 reads in the process that computes.
        silent_ends: whether windows are cut from silence at the ends of a clip too.
    """

    num_frames: Annotated[int, at_least(1)]
    windows_per_clip: Annotated[int, at_least(1)] = 4
    batch_size: Annotated[int, at_least(1)] = 16
    num_workers: Annotated[int, at_least(0)] = 0
    silent_ends: SilentEnds = "trim"

    def __post_init__(self) -> None:
        check_ranges(self)
