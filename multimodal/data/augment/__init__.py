"""Augmentation of training windows; the caller makes its random generator from (seed, epoch, clip)."""

from multimodal.data.augment.options import Augmentation, PictureAugmentation, SoundAugmentation

__all__ = ["Augmentation", "PictureAugmentation", "SoundAugmentation"]
