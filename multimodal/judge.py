"""A trained detector that is asked about files: what `predict`, a page or a server calls."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from torch import nn

from encoders.hub import find_folder, upload
from encoders.learnt_from import LEARNT_FILE, LearntFrom
from encoders.temporary import temporary_folder
from multimodal import __version__
from multimodal.artefacts import building, is_number
from multimodal.catalog import unknown
from multimodal.corpora import CORPORA
from multimodal.data.cutting import WindowShape, judged_spans
from multimodal.data.options import SilentEnds
from multimodal.deciding import Decider, Thresholds
from multimodal.detector import CARD_FILE, FILES, AudioVisualDetector, DetectorOutput, Inputs, Lengths, Present
from multimodal.face import Face, Watch, file_notes, unlike, window_scores
from multimodal.familiarity import FAMILIAR_FILE, Familiar, read_familiar, write_familiar
from multimodal.files import IMAGE_SUFFIXES, JUDGE_FILE, read_json, readable, write_json, write_text
from multimodal.labels import MODALITIES, TARGETS, Media, Modality, Target
from multimodal.media.errors import MediaError
from multimodal.media.isolation import Limits
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.format import differences, fingerprint_of, options_from
from multimodal.media.streamed import DEFAULT_LIMITS, Asked, FaceFound, IsolatedPreparer, Looks, Piece
from multimodal.onnx_graph import OnnxDetector
from multimodal.processes import give_memory_back
from multimodal.report.model_card import model_card
from multimodal.report.verdict import (
    FileVerdict,
    Judgement,
    Method,
    ModalityVerdict,
    conflicts,
)
from multimodal.saliency import crossmodal_attention, explain
from multimodal.scoring import POSTERIOR, RunningScores
from multimodal.splits.seen import MARK, known_as
from multimodal.synchrony import Synchrony

NUM_THUMBNAILS = 10
#: Windows of a face that are judged together. Of a crowd each face has some waiting, 2 MB each.
_TOGETHER = 4


class Judge(nn.Module):
    """A trained detector with everything that a verdict needs; called with tensors, it answers as the detector.

    Args:
        detector: is put into evaluation mode, and so is this.
        num_frames: crops of the windows that it looks at.
        silent_ends: whether windows are cut from silence at the ends of a file too.
        thresholds: of every target (``any``, ``video``, ``audio``) and of each modality's own head
            (``video_alone``, ``audio_alone``), each by the rules that chose them, as ``thresholds.json`` has them.
        rule: whose thresholds judge, e.g. ``youden``.
        doubt: share of the thresholds of other draws of the validation people that the band of doubt holds; 0 for
            no band.
        calibration: from scores to probabilities, as :func:`multimodal.metrics.probabilities.fit_probabilities`
            gives it; None for no probabilities.
        provenance: what it has learnt from, as a run's ``provenance.json`` says it.
        metrics: on clips that were held out, as ``evaluate`` writes them; None before that.
        learnt_from: hashes of the clips and people that it, or an encoder before it, has learnt from.
        familiar: what clips of validation are like, by modality; nothing before ``evaluate``.
        audit: sentences on shortcuts, corruptions and who pays, as ``audit`` found them; None before that.
        limits: of one file, whose faces are found in a process that a broken file may end.

    Raises:
        ValueError: no threshold by that rule, or a training on other crops than this program makes.
    """

    def __init__(
        self,
        detector: AudioVisualDetector,
        *,
        num_frames: int,
        silent_ends: SilentEnds,
        thresholds: Thresholds,
        rule: str = "youden",
        doubt: float = 0.9,
        calibration: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any],
        metrics: Mapping[str, Any] | None = None,
        learnt_from: LearntFrom | None = None,
        familiar: Mapping[Modality, Familiar] = MappingProxyType({}),
        audit: Sequence[str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__()
        if rule not in thresholds["any"]:
            raise ValueError(unknown("rule of the stored thresholds", rule, thresholds["any"]))
        self.crops = crops = _crops(provenance)
        self.detector = detector
        #: How windows that look fake are explained on a page; None for no maps.
        self.explain_by: Method | None = None
        #: What judges files in the detector's place, where somebody gave its graph.
        self.graph: OnnxDetector | None = None
        self.shape = WindowShape(
            num_frames=num_frames,
            frame_size=detector.encoders["video"].input_spec.frame_size,  # type: ignore[union-attr, arg-type]
            frame_rate=crops.frame_rate,
            sample_rate=crops.sample_rate,
            silent_ends=silent_ends,
        )
        self.thresholds_by_rule = thresholds
        self.decider = Decider(thresholds, rule=rule, doubt=doubt, calibration=calibration)
        self.by_hand: Mapping[Target, float] = {}
        self.calibration, self.provenance, self.metrics = calibration, provenance, metrics
        taught = ((metrics or {}).get("synchrony") or {}).get("learnt")
        self.lips = None if taught is None else Synchrony(**taught)
        self.moments = _moments((metrics or {}).get("localisation"))
        self.is_generated: bool = provenance["generated"]
        self.trained_on = _trained_on(provenance)
        self.learnt_from, self.familiar, self.audit = learnt_from, familiar, audit
        self.preparer = IsolatedPreparer(crops, limits)
        self.eval()

    def set_thresholds(self, by_hand: Mapping[Target, float]) -> None:
        """Judge by thresholds that somebody chose; every verdict then says so."""
        self.decider.set_by_hand(by_hand)
        self.by_hand = by_hand

    def forward(
        self, inputs: Inputs, present: Present | None = None, lengths: Lengths | None = None
    ) -> DetectorOutput:
        """What the detector says of a batch of tensors; see :meth:`AudioVisualDetector.forward`."""
        return self.detector(inputs, present, lengths)

    def file(self, path: str | Path, watch: Watch = lambda name, windows: None) -> FileVerdict:
        """Judge one media file of any length: every face, the main one first.

        ``watch`` is called with each face's name and scores of its next windows as they come.
        """
        path = Path(path)
        media: Media = "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video"
        try:
            with _plain_name(path) as plain:
                cut = partial(judged_spans, shape=self.shape, moments=self.detector.localises)
                asked = Asked(plain, media, cut, NUM_THUMBNAILS)
                return self._judged(path, self.preparer.pieces(asked), watch)
        except MediaError as error:
            return self.cannot_judge(path, str(error))

    def _judged(self, path: Path, pieces: Iterator[Piece], watch: Watch) -> FileVerdict:
        """A verdict from the faces of a file, their windows and what there is to see of them, as they come."""
        faces: list[Face] = []
        for piece in pieces:
            if isinstance(piece, list):
                faces = [self._face(number, found) for number, found in enumerate(piece, 1)]
            elif isinstance(piece, Looks):
                faces[piece.face].looks = piece.crops
                if faces[piece.face].scores.finish():  # a film has hundreds of faces, and none of them may wait
                    faces[piece.face].tell(watch)
                give_memory_back()  # of its windows
            else:
                faces[piece.face].look(piece.clip)
                if faces[piece.face].scores.add(piece.clip):
                    faces[piece.face].tell(watch)
        absent = faces[0].found.clip.absent
        if faces[0].found.num_frames == 0:
            reason = "; ".join(dict.fromkeys(absent.values())) or "too short for one frame"
            return self._verdict(path, [_not_judged(reason, absent)], [f"nothing to judge: {reason}"])
        for face in faces:
            if face.scores.finish():
                face.tell(watch)
        judged = [self._judge_face(face) for face in faces]
        notes = file_notes([face.found.clip for face in faces])
        return self._verdict(path, judged, [*unlike(judged), *notes])

    def _face(self, number: int, found: FaceFound) -> Face:
        """A face before its first window."""
        model = self.graph or self.detector
        return Face(
            number,
            found,
            RunningScores(model, self.shape, batch_size=_TOGETHER),
            thresholds=self.moments if self.detector.localises else None,
            lips=self.lips,
            familiar=self.familiar,
            **self._maps(),
        )

    def _maps(self) -> dict[str, Any]:
        """What makes maps of a face's windows, by the detector itself: a graph has no gradient."""
        if self.explain_by is None:
            return {}
        asked = partial(explain, self.detector, shape=self.shape, method=self.explain_by)
        look = partial(crossmodal_attention, self.detector, shape=self.shape)
        return {"explain": lambda window, name: asked(window, modality=name), "attend": look}

    def cannot_judge(self, path: Path, reason: str) -> FileVerdict:
        """The verdict on a file of which nothing can be said, and why."""
        return self._verdict(path, [_not_judged(reason)], [reason])

    def _judge_face(self, face: Face) -> Judgement:
        """Judge one face with the sound, or the sound alone."""
        windows, clip = pd.concat(face.scores.parts, ignore_index=True), face.found.clip
        means = windows.mean()
        modalities = self.decider.verdicts(means, clip.absent)
        heads = self.decider.heads(means, clip.absent)
        segments = face.segments()
        return Judgement(
            name=face.name,
            modalities=modalities,
            start_seconds=clip.start_seconds,
            end_seconds=clip.start_seconds + face.found.num_frames / clip.frame_rate,
            is_speaker=face.is_speaker,
            boxes=sorted(set(face.boxes)),
            posterior={column.removeprefix("p_"): float(means[column]) for column in POSTERIOR} if heads else None,
            windows=[window_scores(row) for _, row in windows.iterrows()],
            segments=segments,
            synchrony=face.offset(),
            familiarity=face.familiarity(),
            conflicts=list(conflicts(modalities, heads, segments or ())),
            evidence=face.evidence(),
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the detector and all that judging needs, with a model card; :func:`load_detector` reads it.

        Safetensors and JSON only. Nothing of the run or of the media is needed to read it again.
        """
        folder = Path(folder)
        (folder / JUDGE_FILE).unlink(missing_ok=True)  # a folder that is half written judges nothing
        self.detector.save_pretrained(folder)
        write_text(folder / CARD_FILE, self.card())
        if self.learnt_from is not None:
            self.learnt_from.write(folder)
        if self.familiar:
            write_familiar(self.familiar, folder / FAMILIAR_FILE)
        write_json(
            folder / JUDGE_FILE,
            {
                "version": __version__,
                "num_frames": self.shape.num_frames,
                "silent_ends": self.shape.silent_ends,
                "thresholds": self.thresholds_by_rule,
                "calibration": self.calibration,
                "provenance": self.provenance,
                "metrics": self.metrics,
                "audit": None if self.audit is None else list(self.audit),
            },
        )

    def card(self) -> str:
        """The model card, as Markdown."""
        return model_card(
            encoders={name: encoder.name for name, encoder in self.detector.encoders.items()},  # type: ignore[misc]
            fusion=type(self.detector.classifier.fusion).__name__,
            trained_on=self.trained_on,
            provenance=self.provenance,
            thresholds=self.thresholds_by_rule,
            is_calibrated=self.calibration is not None,
            metrics=self.metrics,
            audit=self.audit,
        )

    def push_to_hub(
        self,
        repo_id: str,
        *,
        token: str | None = None,
        private: bool | None = None,
        commit_message: str = "Upload the detector",
    ) -> str:
        """Put what :meth:`save_pretrained` writes on the Hugging Face hub, as ``owner/name``; its address."""
        return upload(self.save_pretrained, repo_id, token=token, private=private, message=commit_message)

    def known_as(self, path: str | Path) -> str:
        """Whether a file is one of the clips learnt from; see :func:`multimodal.splits.seen.known_as`."""
        return known_as(self.learnt_from, path, {*self.provenance["corpora"], *CORPORA})

    def _verdict(self, path: Path, judgements: list[Judgement], notes: list[str]) -> FileVerdict:
        marked = [MARK] if (self.provenance.get("seen") or {}).get("marked") else []
        meaningless = ["Trained on generated media only: this verdict on a real video means nothing."]
        chosen = ", ".join(f"{name} {value:.3f}" for name, value in self.by_hand.items())
        by_hand = [f"Thresholds that were set by hand, and not on validation data: {chosen}."] if chosen else []
        return FileVerdict(
            file=readable(path),
            main=judgements[0],
            faces=judgements[1:],
            trained_on=self.trained_on,
            synthetic=self.is_generated,
            warnings=[*(meaningless if self.is_generated else []), *marked, *by_hand, *notes],
        )


@contextmanager
def _plain_name(path: Path) -> Iterator[Path]:
    """The file under a name that is UTF-8: libraries that read media take no other."""
    if readable(path) == str(path):
        yield path
        return
    with temporary_folder("multimodal-name-") as folder:
        link = folder / f"file{readable(path.suffix)}"
        link.symlink_to(path.absolute())
        yield link


def _not_judged(reason: str, absent: Mapping[str, str] = MappingProxyType({})) -> Judgement:
    """A judgement that says nothing and why, of a modality its own reason where there is one."""
    reasons = {target: absent.get(target, reason) for target in TARGETS}
    modalities = {
        target: ModalityVerdict(score=None, threshold=None, reason=why) for target, why in reasons.items()
    }
    return Judgement(name="not judged", modalities=modalities)


# A detector that was kept or shared.


def load_detector(
    name: str | Path,
    *,
    rule: str = "youden",
    doubt: float = 0.9,
    limits: Limits = DEFAULT_LIMITS,
    **options: Any,
) -> Judge:
    """A trained detector from a folder or from the Hugging Face hub: it judges files, and takes tensors.

    Nothing in the folder is run, and no path or address in it is followed.

    >>> judge = load_detector("someone/detector")                            # doctest: +SKIP
    >>> judge.file("clip.mp4").main.modalities["video"].verdict              # doctest: +SKIP
    'fake'

    Args:
        name: what ``export`` or :meth:`Judge.save_pretrained` wrote, or ``owner/name`` on the hub.
        rule: whose thresholds judge.
        doubt: share of the thresholds of other draws of the validation people within the band of doubt.
        limits: of one file.
        options: of the download, as :func:`encoders.hub.find_folder` takes them, e.g. ``revision="v1"``.

    Raises:
        ValueError: no such folder or repository, one that holds no detector or none that can judge, or weights
            that do not fit.
    """
    folder = find_folder(name, (*FILES, JUDGE_FILE, LEARNT_FILE, FAMILIAR_FILE), **options).absolute()
    if not (folder / JUDGE_FILE).is_file():
        raise ValueError(
            f"no detector that judges files: {name} has no {JUDGE_FILE}; "
            "make one of a run by: export RUN --out DIR"
        )
    kept = read_json(folder / JUDGE_FILE)
    with building(folder / JUDGE_FILE, "a detector that judges files"):
        named = ("num_frames", "silent_ends", "thresholds", "calibration", "provenance", "metrics", "audit")
        facts = {one: kept[one] for one in named}
        facts["learnt_from"] = LearntFrom.read(folder)
        facts["familiar"] = read_familiar(folder / FAMILIAR_FILE)
        detector = AudioVisualDetector.from_pretrained(folder)
        judge = Judge(detector, rule=rule, doubt=doubt, limits=limits, **facts)
        judge.card()  # of numbers and words that nobody wrote there could be none
    return judge


def _crops(provenance: Mapping[str, Any]) -> PrepareOptions:
    """The crops that the training saw; ``ValueError`` where this program makes others."""
    options = options_from(provenance["store_options"])
    if other := differences(provenance["store"], fingerprint_of(options)):
        raise ValueError(
            f"the detector was trained on other crops than this program makes ({'; '.join(other)}); "
            "train it again, or use the version of this program that trained it"
        )
    return options


def _moments(localisation: Mapping[str, Any] | None) -> dict[str, float | None] | None:
    """From where on a stretch is shown, by modality; ``ValueError`` before any file where that cannot be."""
    if not localisation or localisation.get("thresholds") is None:
        return None
    if "any" in localisation["thresholds"]:  # of contrasts of probabilities, before log-odds
        raise ValueError("the thresholds of moments are for other scores than these; evaluate the run again")
    found: dict[str, float | None] = {name: localisation["thresholds"][name] for name in MODALITIES}
    if not all(value is None or is_number(value) for value in found.values()):
        raise ValueError(f"the thresholds of moments are no numbers: {found!r:.200}; evaluate the run again")
    return found


def _trained_on(provenance: Mapping[str, Any]) -> str:
    kind = "generated clips in the layout of" if provenance["generated"] else "clips of"
    corpora = ", ".join(provenance["corpora"])
    return f"{provenance['clips']['train']} {kind} {corpora}, split by {provenance['protocol']}."
