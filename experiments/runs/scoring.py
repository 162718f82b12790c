"""A run's folder opened: its model with the weights that validation chose, and what it says of clips and files."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from torch import nn

from encoders import load_encoder, rebuild_encoder
from encoders.base import Encoder
from encoders.learnt_from import LearntFrom
from experiments.runs.build import DetectorPlan, open_detector
from experiments.runs.clips import Clips, load_clips, read_clips
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.runs.device import DeviceName, accelerator_on
from experiments.runs.feed import split_scorer, window_shape
from experiments.runs.folder import RunFolder
from experiments.runs.memory import check_seen, history_of_run
from experiments.runs.mixture import mixed_clips
from experiments.runs.settings import read_config
from multimodal.artefacts import building, read_frame
from multimodal.data.options import Reading
from multimodal.data.windows import EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.familiarity import read_familiar
from multimodal.files import JUDGE_FILE, atomic_path, read_json
from multimodal.heads import Branch
from multimodal.judge import Judge, load_detector
from multimodal.labels import MODALITIES, Modality
from multimodal.media.isolation import Limits
from multimodal.media.streamed import DEFAULT_LIMITS
from multimodal.training.checkpoints import load_weights


@dataclass(frozen=True)
class TrainedRun:
    """A finished run: what it judges, how it reads clips, and what opens its model and its clips.

    ``read`` joins the clips that it was trained on, ``load`` the model with the weights that validation chose;
    nothing is downloaded.
    """

    folder: RunFolder
    modalities: Sequence[Modality]
    reading: Reading
    read: Callable[[], Clips]
    load: Callable[[], AudioVisualDetector | Branch]

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.folder.path.name

    @cached_property
    def corpora(self) -> set[str]:
        """Corpora that it was trained on."""
        return set(self.folder.read_provenance()["corpora"])

    @cached_property
    def learnt_from(self) -> LearntFrom:
        """What it has learnt from, earlier trainings of its encoders included."""
        return history_of_run(self.folder.path)

    @cached_property
    def model(self) -> AudioVisualDetector | Branch:
        """The model, in evaluation mode."""
        return self.load().eval()

    @property
    def encoders(self) -> dict[str, Encoder]:
        """The encoders of the model, by modality."""
        if isinstance(self.model, Branch):
            return {self.model.encoder.modality: self.model.encoder}
        return dict(self.model.encoders.items())  # type: ignore[arg-type]


def open_run(path: Path) -> TrainedRun:
    """Open the folder that `pretrain` or `train` wrote."""
    folder = RunFolder(path)
    return _open_branch(folder) if folder.is_branch else open_detector_run(path)


def open_detector_run(path: Path) -> TrainedRun:
    """Open the folder that `train` wrote; ``ValueError`` where another verb did."""
    folder = RunFolder(path)
    config = read_config(folder.config, TrainConfig)

    def read() -> Clips:
        return load_clips(*config.data.source)

    def load() -> AudioVisualDetector:
        return _load_detector(folder, open_detector(config))

    return TrainedRun(folder, tuple(config.encoders), config.data.reading, read, load)


def _open_branch(folder: RunFolder) -> TrainedRun:
    config = read_config(folder.config, PretrainConfig)

    def read() -> Clips:
        return mixed_clips(config.sources(), config.modality)

    def load() -> Branch:
        branch = Branch(load_encoder(folder.encoder))
        load_weights(branch, folder.weights)
        return branch

    return TrainedRun(folder, (config.modality,), config.data.reading, read, load)


def _load_detector(folder: RunFolder, plan: DetectorPlan) -> AudioVisualDetector:
    with building(folder.config, "the config of a detector"):
        detector = plan.assemble(rebuilt_encoders(folder.architecture))
    if folder.frozen_encoders.is_file():  # the rest learnt from their tokens
        load_weights(detector.encoders, folder.frozen_encoders)
        load_weights(detector.classifier, folder.weights)
    else:
        load_weights(detector, folder.weights)
    return detector


def rebuilt_encoders(file: Path) -> dict[str, Encoder]:
    """The encoders that ``architecture.json`` describes, by modality, with random weights."""
    if not file.is_file():
        raise ValueError(f"not a finished run: {file.parent} has no {file.name}; call `train` on it again")
    described = read_json(file)
    if not isinstance(described, dict) or set(described) != set(MODALITIES):
        raise ValueError(f"{file} describes no detector: want an encoder for {', '.join(MODALITIES)}")
    encoders: dict[str, Encoder] = {}
    for modality, one in described.items():
        known = one if isinstance(one, dict) else {}
        encoder = rebuild_encoder(known.get("name"), known.get("arguments"), source=file)
        if encoder.modality != modality:
            raise ValueError(
                f"{file} gives {modality} the encoder {encoder.name!r}, which is for another modality"
            )
        encoders[modality] = encoder
    return encoders


# A run on the test clips that were held out for it.


class ScoredRun(NamedTuple):
    """Scores, what of the test clips was seen before, whether a program drew any, and the clips."""

    scores: pd.DataFrame
    seen: dict[str, Any]
    generated: bool
    clips: Clips


def score_run(path: Path, device: DeviceName = "auto", *, allow_seen: bool = False) -> ScoredRun:
    """The scores of validation, as training left them, and of test clips that the run has not learnt from.

    A branch leaves no scores of validation, for no threshold is chosen of it.
    """
    run = open_run(path)
    clips = run.read()
    clips.require_same(run.folder.read_provenance())
    histories = {f"the run {path}": run.learnt_from}
    seen = check_seen(histories, {"test": clips.of("test")}, allow_seen=allow_seen, say=print)
    test = score_rows(run, clips, clips.of("test"), title="test", device=device).assign(split="test")
    left = [run.folder.validation_scores()] if isinstance(run.model, AudioVisualDetector) else []
    scores = pd.concat([*left, test], ignore_index=True)
    return ScoredRun(scores, seen, clips.generated, clips)


def score_rows(
    run: TrainedRun, clips: Clips, rows: pd.DataFrame, *, title: str, device: DeviceName = "auto"
) -> pd.DataFrame:
    """The scores of some clips of a run's."""
    accelerator, windows = accelerator_on(device), judged_windows(run, clips, rows)
    model: nn.Module = run.model
    score = split_scorer(windows, rows, title, run.reading, accelerator, show=True)
    return score(model.to(accelerator.device))


def judged_windows(run: TrainedRun, clips: Clips, rows: pd.DataFrame) -> EvaluationWindows:
    """The windows in which a run judges some of its clips."""
    return EvaluationWindows(
        clips.store,
        rows,
        window_shape(run.encoders, clips.store, run.reading),
        windows_per_clip=run.reading.windows_per_clip,
        modalities=run.modalities,
    )


# A run asked about files.


def open_judge(name: Path, rule: str, limits: Limits = DEFAULT_LIMITS, *, doubt: float = 0.9) -> Judge:
    """A run, what `export` made of one, or a detector on the hub, ready to judge files.

    Raises:
        ValueError: none of them, one that learnt from other crops, or one without a threshold by ``rule``.
    """
    if (name / JUDGE_FILE).is_file() or not name.exists():
        return load_detector(name, rule=rule, doubt=doubt, limits=limits)
    run = open_detector_run(name)
    found = run.folder.read_thresholds()
    if found is None:
        raise ValueError(f"no thresholds in {name}; choose them first: thresholds {name}")
    provenance = run.folder.read_provenance()
    if not {"store", "store_options", "generated", "corpora", "clips", "protocol"} <= provenance.keys():
        raise ValueError(f"{run.folder.provenance} does not say what the run was trained on; train it again")
    detector: Any = run.model
    with building(name, "a run that judges files"):
        audited = None
        if run.folder.audit.is_file():
            from multimodal.report.pages.audit import notes  # imports what draws pages

            audited = notes(read_json(run.folder.audit))
        judge = Judge(
            detector,
            num_frames=run.reading.num_frames,
            silent_ends=run.reading.silent_ends,
            thresholds=found["thresholds"],
            rule=rule,
            doubt=doubt,
            calibration=run.folder.read_calibration(),
            provenance=provenance,
            metrics=run.folder.read_metrics(),
            learnt_from=run.learnt_from,
            familiar=read_familiar(run.folder.familiar),
            audit=audited,
            limits=limits,
        )
        judge.card()  # of numbers that nobody measured there could be none
    is_frozen = run.folder.frozen_encoders.is_file()
    learnt = "not trained further where fusion and heads learnt from" if is_frozen else "as part of a detector:"
    for encoder in run.encoders.values():
        encoder.trained_on, encoder.learnt_from = f"{learnt} {judge.trained_on}", run.learnt_from
    return judge


# Runs on the test clips of any corpus that was prepared.


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


def open_test_set(folder: Path, split: str, store: Path) -> HeldOut:
    """The test clips of a source, as ``pretrain --sources`` takes it; ``ValueError`` where it has none."""
    own = folder / "store"
    clips = read_clips(folder / "manifest.parquet", folder / "split.parquet", own if own.is_dir() else store)
    tested = HeldOut(folder.name, clips, split)
    if tested.rows.empty:
        raise ValueError(f"no prepared clip in the split {split!r} of {folder}")
    return tested


def matrix_scores(
    run: TrainedRun, tested: HeldOut, kept: Path, device: DeviceName = "auto", *, allow_seen: bool = False
) -> ScoredRun:
    """Scores of a run on a test set, from the folder ``kept`` where they are there already.

    Raises:
        ValueError: clips that the run has learnt from, or crops made otherwise than those it learnt from.
    """
    tested.clips.store.check_options(run.folder.read_provenance()["store"])
    of, part = f"the run {run.name}", f"{tested.name} ({tested.split})"
    seen = check_seen({of: run.learnt_from}, {part: tested.rows}, allow_seen=allow_seen, say=print)
    file = kept / f"{run.name}-{tested.name}-{_fingerprint(run, tested)}.parquet"
    if file.is_file():
        scores = read_frame(file, "scores that were kept", columns=("clip_id",))
        return ScoredRun(scores, seen, tested.clips.generated, tested.clips)
    found = score_rows(run, tested.clips, tested.rows, title=tested.name, device=device)
    scores = found.assign(split=tested.split)
    with atomic_path(file) as temporary:
        scores.to_parquet(temporary, index=False)
    return ScoredRun(scores, seen, tested.clips.generated, tested.clips)


def _fingerprint(run: TrainedRun, tested: HeldOut) -> str:
    """A hash of the weights and of the split, so that scores of another model or split are not taken for these."""
    digest = hashlib.blake2b(run.folder.weights.read_bytes(), digest_size=6)
    digest.update(tested.clips.split.hash.encode())
    return digest.hexdigest()
