"""What is said of one media file, as JSON and with the evidence that a page shows.

A verdict is "fake" where the score reaches the threshold chosen on validation data, "real" below it, and
"cannot say" with a reason where a modality is absent or unreadable, or where another draw of the validation people
would have put the threshold on the other side of the score. How words are found: :mod:`multimodal.metrics.answer`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from multimodal.familiarity import Familiarity
from multimodal.labels import MODALITIES, Modality, Target
from multimodal.metrics.answer import DecisionPoint, Word, strongest
from multimodal.synchrony import Offset


@dataclass(frozen=True, kw_only=True)
class ModalityVerdict:
    """One target's verdict. Where nothing can be said ``reason`` says why.

    Args:
        score: what the detector says, in [0, 1], higher for fakes; the threshold was chosen for it.
        threshold: from here on a clip is called fake.
        low, high: the band of doubt about the threshold, in which nothing is said; None where there is none.
        probability: the score calibrated on validation data; None where there is no calibration.
        prior: the share of fakes for which the probability holds.
        reason: why nothing can be said, or what the verdict rests on.
        parts: of ``any``, what is said of its parts: it is never less fake than one of them.
    """

    score: float | None
    threshold: float | None
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    prior: float | None = None
    reason: str | None = None
    parts: tuple[Word, ...] = ()

    def __post_init__(self) -> None:
        for name in ("score", "probability", "prior"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie in [0, 1]; got {value}")
        if self.verdict == "cannot say" and not self.reason:
            raise ValueError("a verdict of 'cannot say' needs a reason; give reason=")

    @property
    def own(self) -> Word:
        """What the score says by itself; without a threshold it says nothing."""
        return DecisionPoint(self.threshold, self.low, self.high).word(self.score)

    @property
    def verdict(self) -> Word:
        """The verdict in a word."""
        return strongest([self.own, *self.parts])

    def as_json(self) -> dict[str, Any]:
        """``verdict``, ``score``, ``threshold``, ``low``, ``high``, ``probability``, ``prior``, ``reason``."""
        names = ("score", "threshold", "low", "high", "probability", "prior", "reason")
        return {"verdict": self.verdict, **{name: getattr(self, name) for name in names}}


def one_answer(verdicts: Mapping[Target, ModalityVerdict]) -> dict[Target, ModalityVerdict]:
    """The same verdicts, the one on ``any`` raised to the strongest of its parts, with the reason.

    A part without a threshold counts for nothing: validation had no fakes of its kind to choose one on.
    """
    whole = verdicts["any"]
    parts = {name: verdicts[name].verdict for name in MODALITIES if verdicts[name].threshold is not None}
    word = strongest([whole.own, *parts.values()])
    if whole.threshold is None or word == whole.own:
        return {**verdicts}
    named = " and ".join(name for name, said in parts.items() if said == word)
    reason = f"the {named} {'is fake' if word == 'fake' else 'cannot be told'}"
    return {**verdicts, "any": replace(whole, parts=tuple(parts.values()), reason=reason)}


def conflicts(
    verdicts: Mapping[Target, ModalityVerdict], heads: Mapping[Target, Word], segments: "Sequence[Segment]" = ()
) -> Iterator[str]:
    """Where the answers of one detector about one clip do not agree, a sentence each.

    Args:
        verdicts: of every target.
        heads: what each modality's own head says, where both modalities are there.
        segments: stretches that look forged.
    """
    whole, parts = verdicts["any"], {name: verdicts[name] for name in MODALITIES}
    if whole.own == "real" and whole.verdict == "fake":
        yield (
            f"The clip as a whole lies below its threshold, but {whole.reason} by a threshold of its own: "
            "one fake part makes it fake."
        )
    if whole.own == "fake" and all(part.own == "real" for part in parts.values()):
        yield "The clip as a whole looks fake, but neither picture nor sound does by itself: which part is open."
    for modality in {one.modality: None for one in segments}:
        if verdicts[modality].verdict == "real":
            yield f"The {modality} as a whole looks real, but a stretch of it looks forged."
    for name, said in heads.items():
        if {said, verdicts[name].own} == {"fake", "real"}:
            yield f"The {name} alone looks {said}; beside the other modality it looks {verdicts[name].own}."


class Box(NamedTuple):
    """Where a face is in the whole picture at a time, in pixels of the upright source."""

    seconds: float
    x0: float
    y0: float
    x1: float
    y1: float


class WindowScores(NamedTuple):
    """Probabilities of fake in one window, None where a modality is absent there."""

    start_seconds: float
    end_seconds: float
    video: float | None = None
    audio: float | None = None
    any: float | None = None


class Segment(NamedTuple):
    """A stretch of picture or sound that looks forged, and how sure that is, in [-1, 1]."""

    modality: Modality
    start_seconds: float
    end_seconds: float
    score: float


class Thumbnail(NamedTuple):
    """A frame to look at. ``image`` is (height, width, 3) uint8."""

    seconds: float
    image: UInt8[np.ndarray, "height width 3"]


#: How :mod:`multimodal.saliency` finds where a forgery is seen.
Method = Literal["integrated_gradients", "occlusion", "grad_cam"]


class Heat(NamedTuple):
    """A map of where one window speaks for fake, and what it is laid over.

    ``cells`` is (frames, rows, columns), from the upper left, of picture, and (bands, moments), low tones first
    and equally wide in mel up to half the sample rate, of sound: by how much each raises the log-odds of fake.
    ``seen`` are the frames (frames, size, size, 3) uint8, ``heard`` is the sound in [-1, 1].
    """

    modality: Modality
    method: Method
    cells: Float[np.ndarray, "..."]
    start_seconds: float
    end_seconds: float
    seen: UInt8[np.ndarray, "frames size size 3"] | None = None
    heard: Float[np.ndarray, " samples"] | None = None
    sample_rate: int = 16_000


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the scores over time belong to: frames, and mono sound in [-1, 1] from the start of the file.

    Of a long sound ``waveform`` is the lowest and the highest of every so many samples, ``sample_rate`` a second.
    ``heats`` are maps of the windows that look most fake, if they were asked for; ``attention`` says where the
    moments of one modality look in the other, (own, other).
    """

    thumbnails: Sequence[Thumbnail] = ()
    waveform: Float[np.ndarray, " samples"] | None = None
    sample_rate: float = 16_000
    heats: Sequence[Heat] = ()
    attention: Mapping[Modality, Float[np.ndarray, "own other"]] | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is said of one face with the sound, or of the sound alone.

    ``name`` tells faces of a file apart; it is seen, or heard, from ``start_seconds`` to ``end_seconds``, at most
    half a second apart in ``boxes``, and ``is_speaker`` says whether its mouth moves with the sound, None where
    nothing tells. ``posterior`` holds the four classes' probabilities, None where a
    modality is absent. ``segments`` are the stretches that look forged, None where the detector judges no moments.
    ``synchrony`` is by how much the sound leads the lips, None where the detector was not taught that.
    ``familiarity`` says how far each modality lies from validation clips, None where nobody measured that.
    ``conflicts`` are sentences. ``evidence`` is for the page and not in the JSON.
    """

    name: str
    modalities: dict[Target, ModalityVerdict]
    start_seconds: float = 0.0
    end_seconds: float = 0.0
    is_speaker: bool | None = None
    boxes: Sequence[Box] = ()
    posterior: dict[str, float] | None = None
    windows: Sequence[WindowScores] = ()
    segments: Sequence[Segment] | None = None
    synchrony: Offset | None = None
    familiarity: Mapping[Modality, Familiarity] | None = None
    conflicts: Sequence[str] = ()
    evidence: Evidence | None = None

    def as_json(self) -> dict[str, Any]:
        """Every field but the evidence, by its name."""
        return {
            "name": self.name,
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "is_speaker": self.is_speaker,
            "boxes": [box._asdict() for box in self.boxes],
            "modalities": {target: verdict.as_json() for target, verdict in self.modalities.items()},
            "posterior": self.posterior,
            "windows": [window._asdict() for window in self.windows],
            "segments": None if self.segments is None else [one._asdict() for one in self.segments],
            "synchrony": None if self.synchrony is None else self.synchrony.as_json(),
            "familiarity": (
                None
                if self.familiarity is None
                else {name: one.as_json() for name, one in self.familiarity.items()}
            ),
            "conflicts": list(self.conflicts),
        }


class Player(NamedTuple):
    """The media file itself for a page: an address beside the page or ``data:``, and what plays or shows it.

    ``note`` says why a file that was to be in the page is not.
    """

    uri: str
    kind: Literal["video", "audio", "image"]
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileVerdict:
    """What is said of one media file.

    Args:
        file: its name as the user gave it.
        main: the judgement of the main face with the sound, or of what there is.
        faces: judgements of further faces.
        trained_on: a sentence on what the detector has learnt from.
        synthetic: whether that was generated media, so that the verdict on a real video means nothing.
        warnings: what a reader must know, a sentence each.
        player: for the page, not in the JSON.
    """

    file: str
    main: Judgement
    faces: Sequence[Judgement] = ()
    trained_on: str
    synthetic: bool
    warnings: Sequence[str] = ()
    player: Player | None = None

    def as_json(self) -> dict[str, Any]:
        """The main judgement's fields beside ``file``, ``faces``, ``trained_on``, ``synthetic``, ``warnings``."""
        return {
            "file": self.file,
            **self.main.as_json(),
            "faces": [face.as_json() for face in self.faces],
            "trained_on": self.trained_on,
            "synthetic": self.synthetic,
            "warnings": list(self.warnings),
        }

    def as_rows(self) -> Iterator[dict[str, Any]]:
        """A row a face for a table: ``file``, ``face``, each target's word and numbers, and ``notes``."""
        for judgement in (self.main, *self.faces):
            said = {
                f"{target}_{name}": value
                for target, one in judgement.modalities.items()
                for name, value in one.as_json().items()
            }
            notes = " ".join([*judgement.conflicts, *self.warnings])
            yield {"file": self.file, "face": judgement.name, **said, "notes": notes}
