"""How much the notebook does: enough to be read, or as little as a test needs."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from experiments.recipes import small
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.studies.study import StudyOptions
from multimodal.media.prepared import PrepareOptions
from multimodal.synthetic import LayoutOptions, SyntheticOptions

Learning = TypeVar("Learning", PretrainConfig, TrainConfig)

#: ``tiny`` is for tests: every cell runs, and nothing is learnt.
SIZE_VARIABLE = "NOTEBOOK_SIZE"


@dataclass(frozen=True, kw_only=True)
class TourSizes:
    """Sizes of the notebook's steps.

    Args:
        talking_heads: FakeAVCeleb's stand-in, which the detector learns from.
        layouts: the other corpora's stand-ins, which are counted only.
        clips_per_class: at most so many clips of each class are learnt from, where the corpus is there.
        workers: processes that draw and prepare clips.
        video_steps, audio_steps, train_steps, study_steps: of the trainings.
        variants: of the study.
        seeds: of each variant.
        neighbours: of SMOTE, fewer than the clips of any class in training.
        replicates: of each bootstrap.
    """

    talking_heads: SyntheticOptions
    layouts: LayoutOptions = LayoutOptions(clip_seconds=0.4, frame_size=96)
    clips_per_class: int = 125
    workers: int = 2
    video_steps: int = 100
    audio_steps: int = 300
    train_steps: int = 80
    study_steps: int = 60
    variants: tuple[str, ...] = ("score", "gated", "cross_attention", "video_only", "audio_only")
    seeds: int = 2
    neighbours: int = 5
    replicates: int = 200

    @property
    def stand_ins(self) -> dict[str, Any]:
        """How copies of the corpora are drawn that are not there."""
        return {"talking_heads": self.talking_heads, "layouts": self.layouts, "workers": self.workers}

    @property
    def crops(self) -> PrepareOptions:
        """What ``prepare`` makes: small crops, few of them a second."""
        return PrepareOptions(frame_rate=12.5, crop_size=64)

    def pretraining(self, work: Path) -> tuple[PretrainConfig, PretrainConfig]:
        """The recipe ``small`` for the video and the audio branch, on the files in ``work``."""
        video = _sized(small.pretrain_video(), work, self.video_steps)
        audio = _sized(small.pretrain_audio(), work, self.audio_steps)
        options = {**video.encoder.options, "frame_size": self.crops.crop_size}
        return replace(video, encoder=replace(video.encoder, options=options)), audio

    def training(self, work: Path, *, video: Path, audio: Path) -> TrainConfig:
        """The recipe ``small`` for the detector, on the tokens of two pretrained encoders."""
        config = _sized(small.train(), work, self.train_steps)
        config = replace(config, freeze_encoders=True, tokens=work / "tokens")
        return config.with_weights(video=video, audio=audio)

    def study(self, config: TrainConfig) -> tuple[TrainConfig, StudyOptions]:
        """A small study made of a training."""
        shorter = replace(config.fit, steps=self.study_steps, validate_every=self.study_steps)
        options = StudyOptions(seeds=self.seeds, only=self.variants, workers=1, replicates=self.replicates)
        return replace(config, fit=shorter), options


_HEADS = SyntheticOptions(
    groups=5,
    identities_per_group=5,
    real_clips=2,
    rtvc_clips=2,
    wav2lip_clips=3,
    rtvc_wav2lip_clips=2,
    clip_seconds=1.2,
    frame_size=128,
    picture_strength=0.9,
    sound_strength=0.9,
)

SIZES = {
    "full": TourSizes(talking_heads=_HEADS),
    "tiny": TourSizes(
        talking_heads=replace(_HEADS, groups=3, identities_per_group=2, wav2lip_clips=1, clip_seconds=0.8),
        layouts=LayoutOptions(identities=3, clips=1, clip_seconds=0.3, frame_size=64),
        clips_per_class=12,
        workers=1,
        video_steps=2,
        audio_steps=2,
        train_steps=4,
        study_steps=2,
        variants=("gated",),
        seeds=2,
        neighbours=1,
        replicates=20,
    ),
}


def chosen_sizes() -> TourSizes:
    """The sizes that the environment variable NOTEBOOK_SIZE names; ``full`` where it is not set."""
    name = os.environ.get(SIZE_VARIABLE, "full")
    if name not in SIZES:
        raise ValueError(f"unknown {SIZE_VARIABLE} {name!r}; choose from {', '.join(SIZES)}")
    return SIZES[name]


def _sized(config: Learning, work: Path, steps: int) -> Learning:
    data = replace(
        config.data,
        manifest=work / "manifest.parquet",
        split=work / "split.parquet",
        store=work / "store",
        num_workers=0,
    )
    fit = replace(config.fit, steps=steps, validate_every=max(1, steps // 4), patience=None)
    return replace(config, data=data, fit=fit)
