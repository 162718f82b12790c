"""Recipes of the trials on real media: small enough for two CPU cores, from random weights."""

from experiments.runs.config import BalanceConfig, DataConfig, MixtureConfig, PretrainConfig
from experiments.runs.parts import EncoderConfig
from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.training.options import FitOptions

#: Rooms, lines and platforms, so that no channel of a demo page stands for a label.
CHANNELS = Augmentation(
    audio=SoundAugmentation(reverberation=0.1, rawboost=0.2, band_pass=0.0, codec=0.1, noise=0.2)
)


def speech() -> PretrainConfig:
    """Audio branch for the trial of speech: long-term traces of 4 s windows, channels changed by chance."""
    return PretrainConfig(
        modality="audio",
        encoder=EncoderConfig(name="traces"),
        data=DataConfig(window_seconds=4.0, batch_size=32, windows_per_clip=2, augmentation=CHANNELS),
        balance=BalanceConfig(name="weighted_sampler", within="source"),
        fit=FitOptions(steps=200, learning_rate=3e-3, weight_decay=1.0, validate_every=50),
    )


def faces() -> PretrainConfig:
    """Video branch for the trial of faces: a small CNN, a picture a window, genuine faces and their blends."""
    return PretrainConfig(
        modality="video",
        encoder=EncoderConfig(name="frames", options={"backbone": "test_resnet", "frame_size": 96}),
        data=DataConfig(
            num_frames=1,
            batch_size=32,
            windows_per_clip=8,
            augmentation=Augmentation(video=PictureAugmentation(blur=0.0, erase=0.0)),
        ),
        mixture=MixtureConfig(pseudo_fakes="only"),
        fit=FitOptions(steps=1000, learning_rate=2e-3, validate_every=250),
    )
