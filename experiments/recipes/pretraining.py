"""Recipes for a branch on real corpora and one GPU: images, then videos, speech, fakes made while training.

Give the corpora with ``--sources``. The weights that a recipe starts from are downloaded once.

Vision transformers are tuned with layer-wise decay, as BEiT and MAE are (Bao et al. and He et al., 2022).
Speech models are tuned as XLS-R with AASIST (Tak et al., Odyssey 2022: 64,600 samples, rate 1e-6, weight decay
1e-4, RawBoost) and read from all layers as with SLS (Zhang et al., ACM MM 2024); a base model bears a higher
rate. The released code of Nes2Net (Liu et al., 2025) tunes at 2.5e-7 in batches of 12 and averages the weights
of its best epochs, for which an exponential average stands here; AntiDeepfake (Ge et al., 2025) warms up for a
tenth of its steps, with RawBoost. Self-blending is that of Shiohara & Yamasaki (CVPR 2022): genuine and blend
of one picture in one batch; theirs is EfficientNet-B4 at 380 px, 100 epochs with SAM, which is not here. Their
network is asked for by ``--encoder.options backbone efficientnet_b4 frame_size 380 pretrained true``.
WavLM is tuned as for ASVspoof 5 in the released code of WeDefense (2025): the base model, read from all layers
by learnt weights, AdamW from 5e-6, batches of 32, weights of several epochs averaged; with the 4 s and the weight
decay of 1e-4 that the code of Nes2Net has for WavLM-large under AASIST or Nes2Net, there at 1e-6 in batches of 64
(``--encoder.options checkpoint microsoft/wavlm-large --fit.learning-rate 1e-6``). Their back ends are not here:
mean and maximum over time of the weighed layers go to one linear layer.
"""

from dataclasses import replace

from experiments.runs.config import DataConfig, MixtureConfig, PretrainConfig
from experiments.runs.parts import EncoderConfig
from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.training.options import FitOptions

FACES = EncoderConfig(name="frames", options={"backbone": "vit_small_patch16_224", "pretrained": True})
SPEECH = EncoderConfig(
    name="wav2vec2",
    options={"checkpoint": "facebook/wav2vec2-base", "freeze_feature_extractor": True, "weigh_layers": True},
)
WAVLM = EncoderConfig(name="wav2vec2", options={**SPEECH.options, "checkpoint": "microsoft/wavlm-base-plus"})
#: Stronger than the defaults: an image corpus is mostly told by how its files were compressed.
STRONG = Augmentation(
    video=PictureAugmentation(
        crop_jitter=0.1, resize=0.3, blur=0.2, noise=0.2, jpeg=0.5, jpeg_quality=40, erase=0.2
    ),
    audio=SoundAugmentation(reverberation=0.2, rawboost=0.5, band_pass=0.1, codec=0.1, noise_db=-15.0),
)
EVEN = MixtureConfig(fake_share=0.5)


def images() -> PretrainConfig:
    """Video branch on image corpora, one picture a window: a ViT that starts from ImageNet."""
    return PretrainConfig(
        modality="video",
        encoder=FACES,
        data=DataConfig(num_frames=1, batch_size=128, windows_per_clip=1, num_workers=8, augmentation=STRONG),
        mixture=EVEN,
        fit=FitOptions(steps=10_000, learning_rate=1e-4, layer_decay=0.75, validate_every=500, patience=6),
        precision="bf16",
    )


def videos() -> PretrainConfig:
    """Video branch on video corpora: the same ViT; start from images with --encoder.weights RUN/encoder."""
    return PretrainConfig(
        modality="video",
        encoder=FACES,
        data=DataConfig(num_frames=8, batch_size=32, windows_per_clip=4, num_workers=8, augmentation=STRONG),
        mixture=EVEN,
        fit=FitOptions(steps=10_000, learning_rate=5e-5, layer_decay=0.75, validate_every=500, patience=6),
        precision="bf16",
    )


def self_blended() -> PretrainConfig:
    """Video branch on genuine clips only: fakes are self-blended images, made while training."""
    return PretrainConfig(
        modality="video",
        encoder=FACES,
        data=DataConfig(num_frames=1, batch_size=64, windows_per_clip=8, num_workers=14, augmentation=STRONG),
        mixture=MixtureConfig(pseudo_fakes="only", fake_share=0.5),
        fit=FitOptions(steps=20_000, learning_rate=1e-4, layer_decay=0.75, validate_every=1000, patience=6),
        precision="bf16",
    )


def speech() -> PretrainConfig:
    """Audio branch on audio corpora, 4 s windows: wav2vec 2.0, its convolutions frozen."""
    return PretrainConfig(
        modality="audio",
        encoder=SPEECH,
        data=DataConfig(num_frames=100, batch_size=32, windows_per_clip=2, num_workers=8, augmentation=STRONG),
        mixture=EVEN,
        fit=FitOptions(
            steps=20_000, learning_rate=5e-6, weight_decay=1e-4, ema_decay=0.999, validate_every=1000, patience=6
        ),
        precision="bf16",
    )


def wavlm() -> PretrainConfig:
    """Audio branch on audio corpora, 4 s windows: WavLM, all its layers weighed, its convolutions frozen."""
    return replace(speech(), encoder=WAVLM)


def waveform() -> PretrainConfig:
    """Audio branch on audio corpora, 4 s windows: AASIST on the raw waveform, from random weights."""
    return PretrainConfig(
        modality="audio",
        encoder=EncoderConfig(name="aasist"),
        data=DataConfig(num_frames=100, batch_size=24, windows_per_clip=2, num_workers=8, augmentation=STRONG),
        mixture=EVEN,
        fit=FitOptions(steps=50_000, learning_rate=1e-4, weight_decay=1e-4, validate_every=1000, patience=10),
    )


def vocoded() -> PretrainConfig:
    """Audio branch on genuine speech only: fakes are its copy-synthesis by a vocoder, made while training."""
    return PretrainConfig(
        modality="audio",
        encoder=SPEECH,
        data=DataConfig(num_frames=100, batch_size=32, windows_per_clip=2, num_workers=14, augmentation=STRONG),
        mixture=MixtureConfig(pseudo_fakes="only", fake_share=0.5),
        fit=FitOptions(
            steps=20_000, learning_rate=5e-6, weight_decay=1e-4, ema_decay=0.999, validate_every=1000, patience=6
        ),
        precision="bf16",
    )
