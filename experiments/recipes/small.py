"""The recipe of the quickstart: small enough for two CPU cores, from random weights.

``test_resnet`` is timm's smallest ResNet (0.4 million weights); it learns within a hundred steps.
"""

from experiments.runs.config import DataConfig, PretrainConfig, TrainConfig
from experiments.runs.parts import EncoderConfig, FusionConfig
from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.training.options import FitOptions

VIDEO = EncoderConfig(name="frames", options={"backbone": "test_resnet", "frame_size": 96})
AUDIO = EncoderConfig(name="spectrogram", options={"backbone": "test_resnet"})
#: A few hundred steps learn little from pictures and sound that are changed much.
MILD = Augmentation(
    video=PictureAugmentation(
        crop_jitter=0.0, saturation=0.0, hue=0.0, resize=0.0, blur=0.0, noise=0.0, jpeg=0.0, erase=0.0
    ),
    audio=SoundAugmentation(
        shift_seconds=0.0, reverberation=0.0, band_pass=0.0, codec=0.0, noise=1.0, noise_db=-30.0
    ),
)
DATA = DataConfig(num_frames=8, batch_size=16, windows_per_clip=3, num_workers=1, augmentation=MILD)


def pretrain_video() -> PretrainConfig:
    """Video branch: a small CNN a frame, from random weights."""
    return PretrainConfig(
        modality="video",
        encoder=VIDEO,
        data=DATA,
        fit=FitOptions(steps=200, learning_rate=2e-3, validate_every=50),
    )


def pretrain_audio() -> PretrainConfig:
    """Audio branch: a small CNN on log-mel spectrograms, from random weights."""
    return PretrainConfig(
        modality="audio",
        encoder=AUDIO,
        data=DATA,
        fit=FitOptions(steps=300, learning_rate=2e-3, validate_every=75),
    )


def train() -> TrainConfig:
    """Small CNNs for both branches and gated fusion; minutes on two CPU cores."""
    return TrainConfig(
        encoders={"video": VIDEO, "audio": AUDIO},
        data=DATA,
        fusion=FusionConfig(name="gated", out_dim=64),
        fit=FitOptions(steps=100, learning_rate=5e-4, new_rate=1.0, validate_every=25, patience=4),
    )
