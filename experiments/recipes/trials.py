"""Recipes of the trials on real media: small enough for two CPU cores, from random weights."""

from experiments.runs.config import BalanceConfig, DataConfig, MixtureConfig, PretrainConfig
from experiments.runs.parts import EncoderConfig
from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.training.options import FitOptions

#: Whole clips as they are: every epoch then meets the same windows, whose statistics are computed once.
UNCHANGED = Augmentation(
    audio=SoundAugmentation(
        shift_seconds=0.0, reverberation=0.0, rawboost=0.0, band_pass=0.0, codec=0.0, noise=0.0, gain_db=0.0
    )
)


def speech() -> PretrainConfig:
    """Audio branch for the trial of speech: long-term traces of whole clips, which all went through one chain."""
    return PretrainConfig(
        modality="audio",
        encoder=EncoderConfig(name="traces", options={"embed_dim": 64}),
        data=DataConfig(window_seconds=6.0, batch_size=32, windows_per_clip=1, augmentation=UNCHANGED),
        balance=BalanceConfig(name="weighted_sampler", within="source"),
        fit=FitOptions(steps=300, learning_rate=2e-3, weight_decay=0.1, validate_every=100),
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
