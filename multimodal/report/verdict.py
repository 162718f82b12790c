"""What is said of one media file, as JSON and with the evidence that a page shows.

A verdict is "fake" where the score reaches the threshold chosen on validation data, "real" below it, and
"cannot say" with a reason where a modality is absent or unreadable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from multimodal.labels import Target

Word = Literal["fake", "real", "cannot say"]


@dataclass(frozen=True, kw_only=True)
class ModalityVerdict:
    """One target's verdict. Where nothing can be said ``score`` is None and ``reason`` says why.

    Args:
        score: what the detector says, in [0, 1], higher for fakes; the threshold was chosen for it.
        threshold: from here on a clip is called fake.
        probability: the score calibrated on validation data and moved to the share of fakes that ``thresholds``
            was told, or that validation has; None where there is no calibration.
        reason: why nothing can be said, or what the verdict rests on.
    """

    score: float | None
    threshold: float | None
    probability: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        for name in ("score", "probability"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie in [0, 1]; got {value}")
        if self.verdict == "cannot say" and not self.reason:
            raise ValueError("a verdict of 'cannot say' needs a reason; give reason=")

    @property
    def verdict(self) -> Word:
        """The verdict in a word; a score without a threshold says nothing either."""
        if self.score is None or self.threshold is None:
            return "cannot say"
        return "fake" if self.score >= self.threshold else "real"

    def as_json(self) -> dict[str, Any]:
        """``verdict``, ``score``, ``threshold``, ``probability``, ``reason``."""
        return {
            "verdict": self.verdict,
            "score": self.score,
            "threshold": self.threshold,
            "probability": self.probability,
            "reason": self.reason,
        }


class WindowScores(NamedTuple):
    """Probabilities of fake in one window, None where a modality is absent there."""

    start_seconds: float
    end_seconds: float
    video: float | None = None
    audio: float | None = None
    any: float | None = None


class Thumbnail(NamedTuple):
    """A frame to look at. ``image`` is (height, width, 3) uint8."""

    seconds: float
    image: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the scores over time belong to: frames, and mono sound in [-1, 1] from the start of the file.

    Of a long sound ``waveform`` is the lowest and the highest of every so many samples, ``sample_rate`` a second.
    """

    thumbnails: Sequence[Thumbnail] = ()
    waveform: Float[np.ndarray, " samples"] | None = None
    sample_rate: float = 16_000


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is said of one face with the sound, or of the sound alone.

    ``name`` tells faces of a file apart. ``posterior`` holds the four classes' probabilities, None where a
    modality is absent. ``evidence`` is for the page and not in the JSON.
    """

    name: str
    modalities: dict[Target, ModalityVerdict]
    posterior: dict[str, float] | None = None
    windows: Sequence[WindowScores] = ()
    evidence: Evidence | None = None

    def as_json(self) -> dict[str, Any]:
        """``name``, ``modalities``, ``posterior``, ``windows``."""
        return {
            "name": self.name,
            "modalities": {target: verdict.as_json() for target, verdict in self.modalities.items()},
            "posterior": self.posterior,
            "windows": [window._asdict() for window in self.windows],
        }


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
    """

    file: str
    main: Judgement
    faces: Sequence[Judgement] = ()
    trained_on: str
    synthetic: bool
    warnings: Sequence[str] = ()

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
