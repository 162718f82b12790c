"""The recipe for the real FakeAVCeleb on one GPU: a ViT on face crops and wav2vec 2.0 on the sound.

The joint training takes its values from the released code of HAVIC (CVPR 2026 Findings): AdamW with 1e-5 for
pretrained encoders and ten times that for all else, weight decay 0.05, gradients of norm 1, batches of 32
windows of 16 crops at 224 px, 0.6 million windows in all, a loss on picture, sound and both. The open
reimplementation of AVFF (Oorloff et al., CVPR 2024) has the same rate for encoders, 50 times it for heads, and
ends with the average of the weights of its epochs, for which an exponential average stands here. The store says
how long a window is: 16 crops are 0.64 s of one at 25 a second, 3.2 s after `prepare --frame-rate 5`.
"""

from dataclasses import replace

from experiments.runs.config import DataConfig, PretrainConfig, TrainConfig
from experiments.runs.parts import EncoderConfig, FusionConfig
from multimodal.training.options import FitOptions

VIDEO = EncoderConfig(name="frames", options={"backbone": "vit_small_patch16_224", "pretrained": True})
AUDIO = EncoderConfig(
    name="wav2vec2", options={"checkpoint": "facebook/wav2vec2-base", "freeze_feature_extractor": True}
)
DATA = DataConfig(num_frames=16, batch_size=32, windows_per_clip=8, num_workers=8)


def pretrain_video() -> PretrainConfig:
    """Video branch: a ViT pretrained on ImageNet, tuned on face crops (downloads weights once)."""
    return PretrainConfig(
        modality="video",
        encoder=VIDEO,
        data=DATA,
        fit=FitOptions(steps=10_000, learning_rate=5e-5, layer_decay=0.75, validate_every=500, patience=6),
        precision="bf16",
    )


def pretrain_audio() -> PretrainConfig:
    """Audio branch, 4 s windows: wav2vec 2.0, its convolutions frozen (downloads weights once)."""
    return PretrainConfig(
        modality="audio",
        encoder=AUDIO,
        data=replace(DATA, window_seconds=4.0),
        fit=FitOptions(steps=10_000, learning_rate=2e-5, validate_every=500, patience=6),
        precision="bf16",
    )


def train() -> TrainConfig:
    """ViT and wav2vec 2.0 with cross-attention, for one GPU of 32 GB (--fit.accumulate 2: 16 GB)."""
    return TrainConfig(
        encoders={"video": VIDEO, "audio": AUDIO},
        data=DATA,
        fusion=FusionConfig(name="cross_attention", out_dim=256),
        fit=FitOptions(
            steps=20_000,
            learning_rate=1e-5,
            layer_decay=0.9,
            ema_decay=0.999,
            validate_every=500,
            patience=8,
        ),
        precision="bf16",
    )
