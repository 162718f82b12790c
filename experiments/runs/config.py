"""What an experiment is: frozen dataclasses, written to ``config.json`` and read back from it.

A configuration never enters a module: :mod:`experiments.runs.build` opens it into parts. Nothing here imports
torch or pandas, so that a command line is read, shown and refused at once.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from tyro.conf import arg

from experiments.runs.parts import EncoderConfig, FusionConfig
from multimodal.data.augment import Augmentation
from multimodal.data.options import PseudoFakes, Reading, SilentEnds, Vocoder
from multimodal.files import must_be_there
from multimodal.labels import Modality
from multimodal.ranges import above, at_least, between, check_ranges
from multimodal.training.options import FitOptions, LossName

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
        within: of weighted_sampler: inside a class every clip, every method or every identity is as likely; source
            draws real and fake of every identity alike, and each method, so that who is heard tells nothing.
        beta: of effective_number.
        neighbours: of smote and hybrid: clips that a new embedding may lie towards.
        oversampler: of smote and hybrid.
        cleaner: of hybrid: Tomek links, edited nearest neighbours, or random under-sampling.
        ratio: of hybrid with undersample: the rarest class grows to this share of the largest first.
    """

    name: Annotated[BalanceName, arg(name="balance")] = "none"
    within: Annotated[Literal["class", "method", "identity", "source"], arg(name="balance-within")] = "class"
    beta: Annotated[float, between(0, 1, open_high=True), arg(name="balance-beta")] = 0.999
    neighbours: Annotated[int, at_least(1), arg(name="balance-neighbours")] = 5
    oversampler: Annotated[Literal["smote", "borderline", "adasyn"], arg(name="balance-oversampler")] = "smote"
    cleaner: Annotated[Literal["tomek", "enn", "undersample"], arg(name="balance-cleaner")] = "tomek"
    ratio: Annotated[float, between(0, 1, open_low=True), arg(name="balance-ratio")] = 0.5

    def __post_init__(self) -> None:
        check_ranges(self)


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
        vocoder: of copy-synthesis; several draws one of griffin_lim, phases and linear_prediction for each window;
            world needs pyworld.
        lost_detail: share of self-blended images whose face has lost detail, as swaps of a low resolution have.
    """

    sources: tuple[Path, ...] = ()
    shares: Annotated[dict[str, float], above(0)] = field(default_factory=dict)
    fake_share: Annotated[float | None, between(0, 1)] = None
    pseudo_fakes: PseudoFakes = "none"
    vocoder: Vocoder = "griffin_lim"
    lost_detail: Annotated[float, between(0, 1)] = 0.0

    def __post_init__(self) -> None:
        check_ranges(self)


#: Fields of a part shown on the command line without the part's name in front: ``--store``, not ``--data.store``.
flat = arg(name="")

Precision = Literal["no", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """The loss, ``FL = -alpha_t (1 - p_t)^gamma log p_t``.

    Args:
        name: weighted_focal weighs by ``n_samples / (n_classes * count)`` of the training clips as they are
            drawn, so that a class is not counted twice where they are drawn evenly already.
        alpha: of the focal loss, a factor of all of it.
        gamma: of the focal loss; the higher, the less clips count that are told apart already.
        head_weight: share of each modality's own loss beside the four-class one.
        synchrony_weight: share of a loss by which sound and picture of the same moment of a real clip become
            alike; for the fusions discrepancy, cross_attention, transformer and bottleneck.
        frame_weight: share of the loss of every moment; above 0 a head judges them (see docs/verdicts.md).
    """

    name: Annotated[LossName, arg(name="loss")] = "weighted_focal"
    alpha: Annotated[float, above(0)] = 0.25
    gamma: Annotated[float, at_least(0)] = 2.0
    head_weight: Annotated[float, at_least(0)] = 0.5
    synchrony_weight: Annotated[float, at_least(0)] = 0.0
    frame_weight: Annotated[float, at_least(0)] = 0.0

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is learnt from, and how it is fed.

    Args:
        manifest: the file that ``scan`` wrote.
        split: the file that ``split`` wrote.
        store: the folder that ``prepare`` wrote.
        num_frames: crops of a window; the sound of the same interval goes with them.
        window_seconds: length of a window in place of --num-frames; use it where sound alone is learnt from.
        batch_size: windows a step, over all processes.
        windows_per_clip: windows of a clip whose scores are averaged in validation and evaluation.
        num_workers: processes that read windows; 0 reads in the training process.
        silent_ends: trim leaves silence at a clip's ends out, random a random part of it in training, keep none.
        allow_seen: train although encoders learnt from validation or test clips before; every result is marked.
        augmentation: of training windows.
    """

    manifest: Path = Path("manifest.parquet")
    split: Path = Path("split.parquet")
    store: Path = Path("store")
    num_frames: Annotated[int, at_least(1)] = 16
    window_seconds: Annotated[float | None, above(0)] = None
    batch_size: Annotated[int, at_least(1)] = 16
    windows_per_clip: Annotated[int, at_least(1)] = 4
    num_workers: Annotated[int, at_least(0)] = 2
    silent_ends: SilentEnds = "trim"
    allow_seen: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def source(self) -> "Source":
        """The files that are learnt from."""
        return Source(self.manifest, self.split, self.store)

    def at_rate(self, frame_rate: float) -> "DataConfig":
        """The same with as many frames as last ``window_seconds``, where these are given."""
        if self.window_seconds is None:
            return self
        frames = max(1, round(self.window_seconds * frame_rate))
        return replace(self, num_frames=frames, window_seconds=None)

    @property
    def reading(self) -> Reading:
        """How clips are read."""
        return Reading(
            num_frames=self.num_frames,
            windows_per_clip=self.windows_per_clip,
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            silent_ends=self.silent_ends,
        )


class Source(NamedTuple):
    """Files of the verbs before training: what ``scan``, ``split`` and ``prepare`` wrote."""

    manifest: Path
    split: Path
    store: Path

    def check(self) -> None:
        """Refuse a file that is not there, before anything is imported that takes seconds."""
        makers = {
            "manifest": "scan CORPUS --root DIR --out",
            "split": "split FILE --protocol NAME --out",
            "store": "prepare FILE --store",
        }
        for (name, command), path in zip(makers.items(), self, strict=True):
            must_be_there(path, name, command)


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Pretraining of one branch: real or fake by one modality alone.

    Args:
        modality: of the branch.
        precision: ``bf16`` or ``fp16`` compute in mixed precision.
    """

    modality: Modality
    encoder: EncoderConfig
    data: Annotated[DataConfig, flat] = field(default_factory=DataConfig)
    loss: Annotated[LossConfig, flat] = field(default_factory=LossConfig)
    mixture: Annotated[MixtureConfig, flat] = field(default_factory=MixtureConfig)
    balance: Annotated[BalanceConfig, flat] = field(default_factory=BalanceConfig)
    fit: FitOptions = field(default_factory=FitOptions)
    precision: Precision = "no"

    def check(self) -> None:
        """Refuse what cannot be trained, as far as that is known without opening a file."""
        self.encoder.check_folder()
        if self.balance.name in ("smote", "hybrid"):
            raise ValueError(
                f"--balance {self.balance.name} makes embeddings for a fusion head, which pretraining has not; "
                "choose weighted_sampler, and smote with `train`"
            )
        for source in self.sources():
            source.check()
        self.encoder.check_name(self.modality)

    def check_options(self) -> None:
        """Refuse options that the encoder has not, once its library may be imported."""
        self.encoder.check_options()

    def sources(self) -> list[Source]:
        """Files of every corpus of the mixture, or of ``--manifest``, ``--split`` and ``--store`` without any."""
        if not self.mixture.sources:
            return [self.data.source]
        for folder in self.mixture.sources:
            lacking = [name for name in ("manifest.parquet", "split.parquet") if not (folder / name).exists()]
            if lacking:
                raise ValueError(
                    f"the source {folder} has no {', '.join(lacking)}; write them with scan --out and split --out"
                )
        return [
            Source(
                folder / "manifest.parquet",
                folder / "split.parquet",
                folder / "store" if (folder / "store").is_dir() else self.data.store,
            )
            for folder in self.mixture.sources
        ]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Training of the fusion detector on the four audio-visual classes.

    Args:
        encoders: one for each modality.
        fusion: the fusion.
        modality_dropout: share of training clips of which the fusion is shown one modality only.
        freeze_encoders: train fusion and heads only.
        tokens: folder of token caches; with frozen encoders, every clip is encoded once, without augmentation, and
            fusion and heads learn from the tokens kept there, in seconds. Any number of trainings may share it.
        precision: ``bf16`` or ``fp16`` compute in mixed precision.
    """

    encoders: Annotated[dict[Modality, EncoderConfig], flat]
    data: Annotated[DataConfig, flat] = field(default_factory=DataConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    loss: Annotated[LossConfig, flat] = field(default_factory=LossConfig)
    balance: Annotated[BalanceConfig, flat] = field(default_factory=BalanceConfig)
    fit: FitOptions = field(default_factory=FitOptions)
    modality_dropout: Annotated[float, between(0, 1, open_high=True)] = 0.0
    freeze_encoders: bool = False
    tokens: Path | None = None
    precision: Precision = "no"

    def __post_init__(self) -> None:
        check_ranges(self)

    def check(self) -> None:
        """Refuse what cannot be trained, as far as that is known without opening a file."""
        for encoder in self.encoders.values():
            encoder.check_folder()
        if self.tokens is not None and not self.is_frozen and self.balance.name != "auto":
            raise ValueError(
                "tokens are kept of frozen encoders only; add --freeze-encoders, or leave --tokens out"
            )
        self.data.source.check()
        for modality, encoder in self.encoders.items():
            encoder.check_name(modality)
        self.fusion.check()

    def check_options(self) -> None:
        """Refuse options that an encoder or the fusion has not, once their libraries may be imported."""
        for encoder in self.encoders.values():
            encoder.check_options()
        self.fusion.check_options(compares=self.loss.synchrony_weight > 0)

    @property
    def is_frozen(self) -> bool:
        """Whether only fusion and heads learn; SMOTE works on embeddings, so its encoders are frozen too."""
        return self.freeze_encoders or self.balance.name in ("smote", "hybrid")

    @property
    def random_encoders(self) -> list[Modality]:
        """Modalities whose encoder begins with random weights."""
        return [modality for modality, encoder in self.encoders.items() if not encoder.starts_trained]

    def with_weights(self, **folders: Path) -> "TrainConfig":
        """The same training from pretrained branches: the folder of each, by modality."""
        unknown = [name for name in folders if name not in self.encoders]
        if unknown:
            raise ValueError(f"no encoder for {unknown[0]!r}; choose from {', '.join(self.encoders)}")
        trained = {
            modality: replace(encoder, weights=folders.get(modality, encoder.weights))
            for modality, encoder in self.encoders.items()
        }
        return replace(self, encoders=trained)
