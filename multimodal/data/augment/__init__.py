"""Augmentation of training windows; the caller makes its random generator from (seed, epoch, clip)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from multimodal.data.augment.picture import PictureAugmentation
from multimodal.data.augment.sound import SoundAugmentation

__all__ = ["Augmentation", "PictureAugmentation", "SoundAugmentation"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How a training window may be changed, by modality. Validation and evaluation change nothing."""

    video: PictureAugmentation = field(default_factory=PictureAugmentation)
    audio: SoundAugmentation = field(default_factory=SoundAugmentation)

    def __call__(
        self,
        inputs: Mapping[str, Tensor],
        present: Mapping[str, bool],
        generator: np.random.Generator,
        *,
        sample_rate: int,
    ) -> dict[str, Tensor]:
        """The inputs of one window, each present modality changed.

        Shape: ``video`` ``(T, C, H, W)`` in [0, 1], ``audio`` ``(samples,)`` in [-1, 1], as they come.
        """
        changed = dict(inputs)
        if present.get("video"):
            changed["video"] = self.video(inputs["video"], generator)
        if present.get("audio"):
            changed["audio"] = self.audio(inputs["audio"], generator, sample_rate=sample_rate)
        return changed
