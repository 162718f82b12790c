"""``predict FILE... --run RUN``: media files to a verdict per modality, as JSON and a page."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cattrs
import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.command_line import Positional, run_verb
from experiments.runs.config import TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.pages import stored
from experiments.runs.scoring import load_detector
from multimodal.corpora.manifest import Media
from multimodal.data.windows import WindowShape
from multimodal.detector import AudioVisualDetector
from multimodal.files import read_json, write_json, write_text
from multimodal.labels import MODALITIES, TARGETS
from multimodal.media.errors import MediaError
from multimodal.media.prepare import IsolatedPreparer
from multimodal.media.prepared import PreparedClip, PrepareOptions
from multimodal.media.store.format import differences, fingerprint_of
from multimodal.metrics.probabilities import probabilities
from multimodal.metrics.scores_table import QUESTIONS
from multimodal.report.pages import prediction_page
from multimodal.report.verdict import Evidence, FileVerdict, Judgement, ModalityVerdict, Thumbnail, WindowScores
from multimodal.scoring import POSTERIOR, score_prepared

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
NUM_THUMBNAILS = 10


@dataclass(frozen=True)
class Judge:
    """A trained detector with everything that a verdict needs: crops as in training, thresholds, provenance."""

    detector: AudioVisualDetector
    shape: WindowShape
    thresholds: dict[str, float | None]
    provenance: dict[str, Any]
    calibration: dict[str, Any] | None
    prepare: IsolatedPreparer

    @classmethod
    def load(cls, run: RunFolder, rule: str) -> "Judge":
        """Open a run; ``ValueError`` if it is none, learnt from other crops, or has no threshold by ``rule``."""
        config = run.read_config(TrainConfig)
        if not run.thresholds.is_file():
            raise ValueError(f"no thresholds in {run.path}; choose them first: thresholds {run.path}")
        chosen = read_json(run.thresholds)["thresholds"]
        if rule not in chosen["any"]:
            raise ValueError(
                f"no threshold by rule {rule!r} in {run.path}; choose from {', '.join(chosen['any'])}"
            )
        provenance = run.read_provenance()
        options = cattrs.structure(provenance["store_options"], PrepareOptions)
        if other := differences(provenance["store"], fingerprint_of(options)):
            raise ValueError(
                f"{run.path} was trained on other crops than this program makes ({'; '.join(other)}); "
                "train it again, or use the version of this program that trained it"
            )
        detector = load_detector(run, config)
        shape = WindowShape(
            num_frames=config.data.num_frames,
            frame_size=detector.encoders["video"].input_spec.frame_size,
            frame_rate=options.frame_rate,
            sample_rate=options.sample_rate,
            silent_ends=config.data.silent_ends,
        )
        thresholds = {name: rules[rule]["threshold"] for name, rules in chosen.items()}
        calibration, preparer = stored(run.calibration), IsolatedPreparer(options)
        return cls(detector, shape, thresholds, provenance, calibration, preparer)

    @property
    def trained_on(self) -> str:
        """A sentence on what the detector has learnt from."""
        clips = self.provenance["clips"]["train"]
        kind = "generated clips in the layout of" if self.provenance["generated"] else "clips of"
        return f"{clips} {kind} {', '.join(self.provenance['corpora'])}, split by {self.provenance['protocol']}."

    def file(self, path: Path) -> FileVerdict:
        """Judge one media file: every face, the main one first."""
        media: Media = "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video"
        try:
            tracks = self.prepare.tracks(path, media)
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
        lacking: list[str],
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
        generated = self.provenance["generated"]
        meaningless = ["Trained on generated media only: this verdict on a real video means nothing."]
        return FileVerdict(
            file=str(path),
            main=judgements[0],
            faces=judgements[1:],
            trained_on=self.trained_on,
            synthetic=generated,
            warnings=[*(meaningless if generated else []), *notes],
        )


def predict(
    files: Positional[tuple[Path, ...]], *, run: Path, out: Path = Path("predictions"), rule: str = "youden"
) -> int:
    """Judge media files: fake, real or cannot say, for picture, sound and either, with the evidence.

    Writes verdicts.json and verdicts.html. A file that cannot be judged gets a verdict that says why, the others
    are judged all the same, and the exit code is 1.

    Args:
        files: videos with or without sound, sound files or images.
        run: folder that `train` wrote, with thresholds chosen.
        out: folder to write.
        rule: of the thresholds, e.g. youden or f1.
    """
    if not files:
        raise ValueError("no file given; name one or more media files: predict FILE... --run RUN")
    judge = Judge.load(RunFolder(run), rule)
    verdicts = [judge.file(path) for path in tqdm(files, desc="predict", unit="file", disable=len(files) < 2)]
    write_json(out / "verdicts.json", [verdict.as_json() for verdict in verdicts])
    write_text(out / "verdicts.html", prediction_page(verdicts))
    for line in _lines(verdicts):
        print(line)
    print(f"{out / 'verdicts.json'}  {out / 'verdicts.html'}")
    not_judged = [verdict for verdict in verdicts if verdict.main.evidence is None]
    for verdict in not_judged:
        print(f"error: {verdict.file}: {verdict.warnings[-1]}", file=sys.stderr)
    return 1 if not_judged else 0


def _lines(verdicts: list[FileVerdict]) -> Iterator[str]:
    for verdict in verdicts:
        yield verdict.file
        for target, one in verdict.main.modalities.items():
            number = "" if one.score is None else f"  score {one.score:.3f}"
            number += "" if one.threshold is None else f", threshold {one.threshold:.3f}"
            number += "" if one.probability is None else f", P(fake) {one.probability:.3f}"
            yield f"  {target:<6}{one.verdict}{number}{f'  ({one.reason})' if one.reason else ''}"
        yield from (f"  note: {warning}" for warning in verdict.warnings)


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


def main(arguments: list[str]) -> int:
    """Command line of the verb."""
    return run_verb("predict", predict, arguments)
