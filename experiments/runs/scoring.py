"""Any run, a branch's or a detector's, on the test clips of any corpus that was prepared."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from accelerate import Accelerator

from encoders import load_encoder
from experiments.runs.build import Clips, load_clips, read_clips, rebuild_detector, require_same_data, window_shape
from experiments.runs.config import DataConfig, PretrainConfig, TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.loop import split_scorer
from experiments.runs.mixture import mixed_clips
from experiments.thresholds import validation_scores
from multimodal.data.windows import EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.files import atomic_path, read_json
from multimodal.heads import Branch
from multimodal.labels import MODALITIES, Modality
from multimodal.training.checkpoints import load_weights

# The detector of a run with its best weights, and what it says of the test split.


def load_detector(folder: RunFolder, config: TrainConfig) -> AudioVisualDetector:
    """The detector of a run with the weights that validation chose; nothing is downloaded."""
    detector = rebuild_detector(config, read_json(folder.architecture))
    if folder.frozen_encoders.is_file():  # the rest learnt from their tokens
        load_weights(detector.encoders, folder.frozen_encoders)
        load_weights(detector.classifier, folder.weights)
    else:
        load_weights(detector, folder.weights)
    return detector.eval()


def score_run(folder: RunFolder) -> tuple[pd.DataFrame, bool]:
    """The scores of validation (as training left them) and test, and whether any clip was generated."""
    config = folder.read_config(TrainConfig)
    clips = load_clips(config.data)
    require_same_data(clips, folder.read_provenance())
    detector = load_detector(folder, config)
    accelerator = Accelerator()
    shape = window_shape(config.data, clips.store, dict(detector.encoders.items()))
    rows = clips.of("test")
    windows = EvaluationWindows(clips.store, rows, shape, windows_per_clip=config.data.windows_per_clip)
    score = split_scorer(windows, rows, "test", config.data, accelerator, show=True)
    test = score(detector.to(accelerator.device)).assign(split="test")
    return pd.concat([validation_scores(folder), test], ignore_index=True), clips.generated


@dataclass(frozen=True)
class HeldOut:
    """The clips of one split of a source, under the name of its folder."""

    name: str
    clips: Clips
    split: str

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The clips that are tested."""
        return self.clips.of(self.split)


@dataclass(frozen=True)
class TrainedRun:
    """A finished run and what it was trained on."""

    folder: RunFolder
    config: PretrainConfig | TrainConfig

    @classmethod
    def open(cls, path: Path) -> "TrainedRun":
        """Open the folder that `pretrain` or `train` wrote."""
        folder = RunFolder(path)
        kind = PretrainConfig if "modality" in folder.read_plain_config() else TrainConfig
        return cls(folder, folder.read_config(kind))

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.folder.path.name

    @property
    def modalities(self) -> Sequence[Modality]:
        """What it judges."""
        return (self.config.modality,) if isinstance(self.config, PretrainConfig) else MODALITIES

    @cached_property
    def corpora(self) -> set[str]:
        """Corpora that it was trained on."""
        return set(self.folder.read_provenance()["corpora"])

    @cached_property
    def training_clips(self) -> set[str]:
        """Clips that it was trained on."""
        clips = (
            mixed_clips(self.config) if isinstance(self.config, PretrainConfig) else load_clips(self.config.data)
        )
        return set(clips.of("train")["clip_id"])

    @cached_property
    def model(self) -> AudioVisualDetector | Branch:
        """The model with the weights that validation chose."""
        if isinstance(self.config, TrainConfig):
            return load_detector(self.folder, self.config)
        branch = Branch(load_encoder(self.folder.encoder))
        load_weights(branch, self.folder.weights)
        return branch.eval()


def open_test_set(folder: Path, split: str, store: Path) -> HeldOut:
    """The test clips of a source, as ``pretrain --sources`` takes it; ``ValueError`` where it has none."""
    own = folder / "store"
    data = DataConfig(
        manifest=folder / "manifest.parquet",
        split=folder / "split.parquet",
        store=own if own.is_dir() else store,
    )
    tested = HeldOut(folder.name, read_clips(data), split)
    if tested.rows.empty:
        raise ValueError(f"no prepared clip in the split {split!r} of {folder}")
    return tested


def matrix_scores(run: TrainedRun, tested: HeldOut, kept: Path) -> pd.DataFrame:
    """Scores of a run on a test set, from the folder ``kept`` where they are there already.

    Raises:
        ValueError: clips that the run was trained on, or crops made otherwise than those it learnt from.
    """
    tested.clips.store.check_options(run.folder.read_provenance()["store"])
    seen = run.training_clips & set(tested.rows["clip_id"])
    if seen:
        raise ValueError(
            f"{len(seen)} of the {len(tested.rows)} clips of {tested.name} ({tested.split}) are training clips of "
            f"{run.name}, e.g. {min(seen)}; test with the split that it was trained with"
        )
    file = kept / f"{run.name}-{tested.name}-{_fingerprint(run, tested)}.parquet"
    if file.is_file():
        return pd.read_parquet(file)
    scores = _score(run, tested)
    with atomic_path(file) as temporary:
        scores.to_parquet(temporary, index=False)
    return scores


def _score(run: TrainedRun, tested: HeldOut) -> pd.DataFrame:
    model, data, accelerator = run.model, run.config.data, Accelerator()
    encoders = (
        {model.encoder.modality: model.encoder} if isinstance(model, Branch) else dict(model.encoders.items())
    )
    windows = EvaluationWindows(
        tested.clips.store,
        tested.rows,
        window_shape(data, tested.clips.store, encoders),
        windows_per_clip=data.windows_per_clip,
        modalities=run.modalities,
    )
    score = split_scorer(windows, tested.rows, tested.name, data, accelerator, show=True)
    return score(model.to(accelerator.device)).assign(split=tested.split)


def _fingerprint(run: TrainedRun, tested: HeldOut) -> str:
    """Of the weights and the assignment of clips: scores of others are not taken for these."""
    digest = hashlib.blake2b(run.folder.weights.read_bytes(), digest_size=6)
    digest.update(tested.clips.split.hash.encode())
    return digest.hexdigest()
