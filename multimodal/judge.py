"""A trained detector that is asked about files: what `predict`, a page or a server calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from multimodal.corpora.manifest import Media
from multimodal.data.windows import WindowShape
from multimodal.detector import AudioVisualDetector
from multimodal.labels import MODALITIES, TARGETS, Modality
from multimodal.media.errors import MediaError
from multimodal.media.prepare import IsolatedPreparer
from multimodal.media.prepared import PreparedClip
from multimodal.metrics.probabilities import probabilities
from multimodal.metrics.scores_table import QUESTIONS
from multimodal.report.verdict import Evidence, FileVerdict, Judgement, ModalityVerdict, Thumbnail, WindowScores
from multimodal.scoring import POSTERIOR, score_prepared

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
NUM_THUMBNAILS = 10


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A trained detector with everything that a verdict needs.

    Args:
        detector: in evaluation mode.
        shape: of the windows that it looks at.
        thresholds: of every target (``any``, ``video``, ``audio``) and of each modality's own head
            (``video_alone``, ``audio_alone``), all by one rule; None where none could be chosen.
        calibration: from scores to probabilities, as :func:`multimodal.metrics.probabilities.fit_probabilities`
            gives it; None for no probabilities.
        trained_on: a sentence on what it has learnt from, for every verdict.
        is_generated: whether that was drawn by a program, so that a verdict on a real file means nothing.
        preparer: finds the faces of a file with the crops of training, in a process that a broken file may end.
    """

    detector: AudioVisualDetector
    shape: WindowShape
    thresholds: Mapping[str, float | None]
    calibration: Mapping[str, Any] | None = None
    trained_on: str
    is_generated: bool
    preparer: IsolatedPreparer

    def file(self, path: Path) -> FileVerdict:
        """Judge one media file: every face, the main one first."""
        media: Media = "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video"
        try:
            tracks = self.preparer.tracks(path, media)
        except MediaError as error:
            return self._verdict(path, [_not_judged(str(error))], [str(error)])
        if tracks[0].num_frames == 0:
            absent = tracks[0].absent
            reason = "; ".join(dict.fromkeys(absent.values())) or "too short for one frame"
            return self._verdict(path, [_not_judged(reason, absent)], [f"nothing to judge: {reason}"])
        judgements = [self.track(clip, f"face {number}") for number, clip in enumerate(tracks, 1)]
        notes = [f"the file is damaged: {tracks[0].damage}"] if tracks[0].damage else []
        if len(tracks) > 1:
            notes.append(f"{len(tracks)} faces: the main one is judged first, the others below.")
            notes += [tracks[0].face_note] if tracks[0].face_note else []
        return self._verdict(path, judgements, notes)

    def track(self, clip: PreparedClip, name: str) -> Judgement:
        """Judge one face with the sound, or the sound alone."""
        windows = score_prepared(self.detector, clip, self.shape)
        means = windows.mean()
        lacking = [modality for modality in MODALITIES if modality in clip.absent]
        likely = self._probabilities(means)
        modalities = {target: self._judge_target(target, means, likely, clip, lacking) for target in TARGETS}
        posterior = None if lacking else {column.removeprefix("p_"): float(means[column]) for column in POSTERIOR}
        return Judgement(
            name=name if clip.frames is not None else "sound only",
            modalities=modalities,
            posterior=posterior,
            windows=[_window(row) for _, row in windows.iterrows()],
            evidence=_evidence(clip),
        )

    def _probabilities(self, means: pd.Series) -> dict[str, float | None]:
        """The scores, calibrated on validation data, for the prior that was stated there."""
        if self.calibration is None:
            return dict.fromkeys(QUESTIONS)
        said = probabilities(means.to_frame().T, self.calibration, self.calibration["method"]).iloc[0]
        return {name: None if np.isnan(said[name]) else float(said[name]) for name in QUESTIONS}

    def _judge_target(
        self,
        target: str,
        means: pd.Series,
        likely: dict[str, float | None],
        clip: PreparedClip,
        lacking: Sequence[Modality],
    ) -> ModalityVerdict:
        """A target by its threshold; where a modality is absent, the other is judged by its own head alone.

        One fake modality makes a clip fake, but one real modality does not make it real.
        """
        if target in lacking:
            return ModalityVerdict(score=None, threshold=None, reason=clip.absent[target])
        alone = (
            next(f"{modality}_alone" for modality in MODALITIES if modality not in lacking) if lacking else None
        )
        threshold = self.thresholds[alone or target]
        score = float(means[f"score_{target}"])
        reason = f"judged by {alone.replace('_', ' ')}: {clip.absent[lacking[0]]}" if alone else None
        if threshold is None:
            reason = "no threshold could be chosen on the validation data"
        elif alone and target == "any" and score < threshold:
            known = alone.removesuffix("_alone")
            reason = (
                f"the {known} alone looks real, and the {lacking[0]} cannot be judged: {clip.absent[lacking[0]]}"
            )
            return ModalityVerdict(score=None, threshold=None, reason=reason)
        return ModalityVerdict(score=score, threshold=threshold, probability=likely[target], reason=reason)

    def _verdict(self, path: Path, judgements: list[Judgement], notes: list[str]) -> FileVerdict:
        meaningless = ["Trained on generated media only: this verdict on a real video means nothing."]
        return FileVerdict(
            file=str(path),
            main=judgements[0],
            faces=judgements[1:],
            trained_on=self.trained_on,
            synthetic=self.is_generated,
            warnings=[*(meaningless if self.is_generated else []), *notes],
        )


def _not_judged(reason: str, absent: Mapping[str, str] = MappingProxyType({})) -> Judgement:
    """A judgement that says nothing and why, of a modality its own reason where there is one."""
    reasons = {target: absent.get(target, reason) for target in TARGETS}
    modalities = {
        target: ModalityVerdict(score=None, threshold=None, reason=why) for target, why in reasons.items()
    }
    return Judgement(name="not judged", modalities=modalities)


def _window(row: pd.Series) -> WindowScores:
    scores = {
        target: None if np.isnan(row[f"score_{target}"]) else float(row[f"score_{target}"]) for target in TARGETS
    }
    return WindowScores(float(row["start_seconds"]), float(row["end_seconds"]), **scores)


def _evidence(clip: PreparedClip) -> Evidence:
    thumbnails = []
    if clip.frames is not None:
        chosen = np.unique(np.linspace(0, len(clip.frames) - 1, NUM_THUMBNAILS).round().astype(int))
        thumbnails = [Thumbnail(clip.start_seconds + k / clip.frame_rate, clip.frames[k]) for k in chosen]
    return Evidence(thumbnails=thumbnails, waveform=clip.waveform, sample_rate=clip.sample_rate)
