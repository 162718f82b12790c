"""What an experiment is: frozen dataclasses, written to ``config.json`` and read back from it.

A configuration never enters a module: :mod:`experiments.runs.build` turns it into parts.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import cattrs
from cattrs.errors import BaseValidationError
from tyro.conf import arg

from multimodal.data.augment import Augmentation
from multimodal.data.pseudo_fakes import PseudoFakes, Vocoder
from multimodal.data.silence_trim import SilentEnds
from multimodal.files import read_json, write_json
from multimodal.labels import Modality
from multimodal.training.fit import FitOptions
from multimodal.training.losses import LossName

# How rare classes are balanced, as options of a command line.


BalanceName = Literal[
    "none", "class_weights", "effective_number", "weighted_sampler", "frames_per_clip", "smote", "hybrid", "auto"
]


@dataclass(frozen=True, kw_only=True)
class BalanceConfig:
    """How rare classes of the training split are balanced.

    Args:
        name: class_weights weighs any loss by ``n_samples / (n_classes * count)``, effective_number as Cui et al.
            (2019); weighted_sampler draws every class as often as another; frames_per_clip takes more windows from
            clips of rare classes; smote makes embeddings of rare classes, hybrid cleans or thins out as well;
            both freeze the encoders; auto takes balance and loss as ``statistics`` advises.
        within: of weighted_sampler: inside a class every clip, every method or every identity is as likely.
        beta: of effective_number.
        neighbours: of smote and hybrid: clips that a new embedding may lie towards.
        oversampler: of smote and hybrid.
        cleaner: of hybrid: Tomek links, edited nearest neighbours, or random under-sampling.
        ratio: of hybrid with undersample: the rarest class grows to this share of the largest first.
    """

    name: Annotated[BalanceName, arg(name="balance")] = "none"
    within: Annotated[Literal["class", "method", "identity"], arg(name="balance-within")] = "class"
    beta: Annotated[float, arg(name="balance-beta")] = 0.999
    neighbours: Annotated[int, arg(name="balance-neighbours")] = 5
    oversampler: Annotated[Literal["smote", "borderline", "adasyn"], arg(name="balance-oversampler")] = "smote"
    cleaner: Annotated[Literal["tomek", "enn", "undersample"], arg(name="balance-cleaner")] = "tomek"
    ratio: Annotated[float, arg(name="balance-ratio")] = 0.5


# Which corpora a branch is pretrained on, as options of a command line.


@dataclass(frozen=True, kw_only=True)
class MixtureConfig:
    """Which corpora a branch is pretrained on, and how often each is drawn.

    Args:
        sources: folders that each hold manifest.parquet and split.parquet of one corpus or more, of images,
            videos or audio, and their store unless they share --store; without any, --manifest and --split.
        shares: how often each corpus is drawn, as NAME WEIGHT pairs of all corpora; without any, each as often as
            it has clips.
        fake_share: share of fakes in what is drawn of a corpus; none takes them as they come.
        pseudo_fakes: fakes made of the genuine clips while training: add to the others, only instead of them
            (then genuine clips are enough). Of pictures self-blended images (Shiohara and Yamasaki, 2022), of
            sound its copy-synthesis by a vocoder.
        vocoder: of copy-synthesis; world needs pyworld.
    """

    sources: tuple[Path, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)
    fake_share: float | None = None
    pseudo_fakes: PseudoFakes = "none"
    vocoder: Vocoder = "griffin_lim"


#: Fields of a part shown on the command line without the part's name in front: ``--store``, not ``--data.store``.
flat = arg(name="")

Option = int | float | bool | str | None
Precision = Literal["no", "bf16", "fp16"]
Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """An encoder by its name in the catalog and its options, or the folder of a pretrained one.

    Args:
        name: in the catalog; where the command line gives it, the recipe's options are left out.
        options: of its constructor.
        weights: folder of ``save_pretrained`` (what ``pretrain`` writes); name and options then come from there.
    """

    name: str
    options: dict[str, Option] = field(default_factory=dict)
    weights: Path | None = None


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """A fusion by its name in the catalog, the width of what it gives, and its options."""

    name: str = "gated"
    out_dim: int = 256
    options: dict[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """The loss, ``FL = -alpha_t (1 - p_t)^gamma log p_t``.

    Args:
        name: weighted_focal weighs by ``n_samples / (n_classes * count)`` of the training clips as they are
            drawn, so that a class is not counted twice where they are drawn evenly already.
        alpha, gamma: of the focal loss.
        head_weight: share of each modality's own loss beside the four-class one.
        synchrony_weight: share of a loss by which sound and picture of the same moment of a real clip become
            alike; for the fusions discrepancy, cross_attention, transformer and bottleneck.
    """

    name: Annotated[LossName, arg(name="loss")] = "weighted_focal"
    alpha: float = 0.25
    gamma: float = 2.0
    head_weight: float = 0.5
    synchrony_weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is learnt from, and how it is fed.

    Args:
        manifest: the file that ``scan`` wrote.
        split: the file that ``split`` wrote.
        store: the folder that ``prepare`` wrote.
        num_frames: crops of a window; the sound of the same interval goes with them.
        batch_size: windows a step, over all processes.
        windows_per_clip: windows of a clip whose scores are averaged in validation and evaluation.
        num_workers: processes that read windows; 0 reads in the training process.
        silent_ends: trim leaves silence at the ends of a clip out, with its picture; random leaves a random part
            of it out in training; keep keeps it.
        augmentation: of training windows.
    """

    manifest: Path = Path("manifest.parquet")
    split: Path = Path("split.parquet")
    store: Path = Path("store")
    num_frames: int = 16
    batch_size: int = 16
    windows_per_clip: int = 4
    num_workers: int = 2
    silent_ends: SilentEnds = "trim"
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Pretraining of one branch: real or fake by one modality alone."""

    modality: Modality
    encoder: EncoderConfig
    data: Annotated[DataConfig, flat] = field(default_factory=DataConfig)
    loss: Annotated[LossConfig, flat] = field(default_factory=LossConfig)
    mixture: Annotated[MixtureConfig, flat] = field(default_factory=MixtureConfig)
    balance: Annotated[BalanceConfig, flat] = field(default_factory=BalanceConfig)
    fit: FitOptions = field(default_factory=FitOptions)
    precision: Precision = "no"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Training of the fusion detector on the four audio-visual classes.

    Args:
        video, audio: the encoders.
        fusion: the fusion.
        modality_dropout: share of training clips of which the fusion is shown one modality only.
        freeze_encoders: train fusion and heads only.
        tokens: folder of token caches; with frozen encoders, every clip is encoded once, without augmentation, and
            fusion and heads learn from the tokens kept there, in seconds. Any number of trainings may share it.
        precision: ``bf16`` or ``fp16`` compute in mixed precision.
    """

    video: EncoderConfig
    audio: EncoderConfig
    data: Annotated[DataConfig, flat] = field(default_factory=DataConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    loss: Annotated[LossConfig, flat] = field(default_factory=LossConfig)
    balance: Annotated[BalanceConfig, flat] = field(default_factory=BalanceConfig)
    fit: FitOptions = field(default_factory=FitOptions)
    modality_dropout: float = 0.0
    freeze_encoders: bool = False
    tokens: Path | None = None
    precision: Precision = "no"


def with_weights(config: TrainConfig, *, video: Path, audio: Path) -> TrainConfig:
    """The same training from pretrained branches."""
    return replace(config, video=replace(config.video, weights=video), audio=replace(config.audio, weights=audio))


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: Path(value))
    converter.register_structure_hook(Option, lambda value, _: value)
    return converter


def to_plain(config: object) -> Any:
    """A configuration as plain dicts, lists, strings and numbers."""
    return _converter().unstructure(config)


def write_config(path: Path, config: object) -> None:
    """Write a configuration as JSON."""
    write_json(path, to_plain(config))


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read a configuration; ``ValueError`` says what does not fit."""
    try:
        return _converter().structure(read_json(path), kind)
    except BaseValidationError as error:
        verb, wrong = kind.__name__.removesuffix("Config").lower(), "; ".join(cattrs.transform_error(error))
        raise ValueError(
            f"{path} was not written by `{verb}`, or by another version of it: {wrong}. "
            f"Give a folder that `{verb}` wrote"
        ) from error
