"""A scores table: what it can be asked, what its scores mean, and the judged clips that answer.

A scores table has a row a clip. Columns, where they are there: ``clip_id``; ``identity``, who is seen or heard;
``method``, how it was forged; ``split``; the label and the score of each question of :data:`QUESTIONS` (label 1
fake, 0 real, null unknown; score NaN where the clip could not be judged); ``av_class`` with the posteriors
``p_RVRA`` ... ``p_FVFA`` of the four classes. What has no column is not asked; a clip that has a label and no
score is counted.
"""

from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from multimodal.catalog import unknown
from multimodal.labels import CLASSES, TARGETS, Modality
from multimodal.metrics.bootstrap import identity_codes
from multimodal.metrics.checks import Floats, Ints, as_labels, as_probabilities, as_scores, check_prior
from multimodal.metrics.costs import log_likelihood_ratios
from multimodal.metrics.options import ScoreKind
from multimodal.metrics.sorted_scores import SortedScores

#: Columns of a manifest that travel into a scores table.
DESCRIPTION = [
    *("clip_id", "corpus", "identity", "group", "method"),
    *("av_class", "video_fake", "audio_fake", "any_fake"),
]

# What a scores table can be asked.


class Question(NamedTuple):
    """Whether something is fake: the column with the truth, and the column with what a detector says."""

    label: str
    score: str


#: Everything with the two answers fake and real; ``_alone`` is what a modality's own head says.
QUESTIONS: dict[str, Question] = {
    "any": Question("any_fake", "score_any"),
    "video": Question("video_fake", "score_video"),
    "audio": Question("audio_fake", "score_audio"),
    "video_alone": Question("video_fake", "head_video"),
    "audio_alone": Question("audio_fake", "head_audio"),
}
#: The same of a whole detector from which the other modality was kept: asked by studies alone, for it costs a
#: second and a third pass over the clips.
WITHOUT_THE_OTHER: dict[Modality, Question] = {
    "video": Question("video_fake", "score_video_without_audio"),
    "audio": Question("audio_fake", "score_audio_without_video"),
}


def asked(scores: pd.DataFrame) -> list[str]:
    """Names of the questions whose two columns the table has."""
    return [name for name, question in QUESTIONS.items() if set(question) <= set(scores.columns)]


def has_classes(scores: pd.DataFrame) -> bool:
    """Whether the table has the class and the four posteriors."""
    return {"av_class", *(f"p_{name}" for name in CLASSES)} <= set(scores.columns)


def in_order(scores: pd.DataFrame) -> pd.DataFrame:
    """The table by the names of its clips, so that draws of identities do not depend on the order of its rows."""
    if "clip_id" not in scores:
        return scores
    return scores.sort_values("clip_id", key=lambda names: names.astype(str), kind="stable", ignore_index=True)


def check_once(scores: pd.DataFrame) -> None:
    """Raise ``ValueError`` where a clip has several rows, and would count as often."""
    if "clip_id" not in scores:
        return
    repeated = scores["clip_id"][scores["clip_id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{len(repeated)} rows repeat a clip, e.g. {repeated.iloc[0]}. Give one row a clip")


# What a score claims to be: a probability, a log-likelihood ratio, or only a rank.


@dataclass(frozen=True)
class ScoreMeaning:
    """How to read scores.

    Args:
        kind: "probability" of fake in [0, 1]; "llr", the natural logarithm of the likelihood ratio of fake
            against real; "score", anything that is higher for fakes.
        fake_prior: share of fakes that the probabilities assume; 0.5 for a detector trained on balanced classes
            and not corrected since.
        turned: whether they were higher for reals where they came from, and were turned round since.
    """

    kind: ScoreKind = "probability"
    fake_prior: float = 0.5
    turned: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(ScoreKind):
            raise ValueError(unknown("kind of score", self.kind, get_args(ScoreKind)))
        check_prior(self.fake_prior)

    def check(self, scores: ArrayLike, name: str) -> Floats:
        """The scores as floats; ``ValueError`` where they cannot be what they claim."""
        return as_probabilities(scores, name) if self.kind == "probability" else as_scores(scores, name)

    def as_given(self, score: float) -> float:
        """A score as it stood where it came from."""
        if not self.turned:
            return score
        return 1 - score if self.kind == "probability" else 0.0 - score

    def probabilities(self, scores: Floats) -> Floats | None:
        """Probability of fake at the prior, or None where scores are only ranks."""
        if self.kind == "llr":
            return special.expit(scores + special.logit(self.fake_prior))
        return scores if self.kind == "probability" else None

    def log_odds(self, scores: Floats) -> Floats | None:
        """Log odds of fake at the prior, where scores hold them without rounding; None elsewhere."""
        return scores + special.logit(self.fake_prior) if self.kind == "llr" else None

    def ratios(self, scores: Floats) -> Floats | None:
        """Log-likelihood ratios of fake against real, or None where scores are only ranks."""
        if self.kind == "probability":
            return log_likelihood_ratios(scores, self.fake_prior)
        return scores if self.kind == "llr" else None

    @property
    def default_threshold(self) -> float | None:
        """Score at which the probability of fake is one half, or None where scores are only ranks."""
        return {"probability": 0.5, "llr": -float(special.logit(self.fake_prior)), "score": None}[self.kind]


# The clips that answer a question with two answers.


class BinaryTarget(NamedTuple):
    """The judged clips of one question, each field (clips,) but the last.

    ``labels`` are 1 for what is sought (fakes, or the members of a class) and 0 for the others; ``identity``
    numbers the identities from 0 without gaps; ``method`` names how each clip was forged; ``rows`` are the clips'
    places in the table. ``kinds`` are the names of those sought and of the others.
    """

    scores: Floats
    labels: Ints
    identity: Ints
    method: np.ndarray
    rows: Ints
    kinds: tuple[str, str] = ("fake", "real")

    @property
    def num_fake(self) -> int:
        """Clips of those sought."""
        return int((self.labels == 1).sum())

    @property
    def num_real(self) -> int:
        """Clips of the others."""
        return int((self.labels == 0).sum())

    @property
    def has_both(self) -> bool:
        """Whether there are clips of both kinds, without which nothing can be ranked."""
        return min(self.num_fake, self.num_real) > 0

    @property
    def says_nothing(self) -> bool:
        """Whether all scores are the same."""
        return len(self.scores) > 0 and bool(np.ptp(self.scores) == 0)

    @property
    def num_identities(self) -> int:
        """Distinct identities."""
        return len(np.unique(self.identity))

    @property
    def fake_methods(self) -> list[str]:
        """Names of the methods of the fakes, sorted."""
        return sorted(pd.unique(self.method[self.labels == 1]))

    def of_method(self, method: str) -> "BinaryTarget":
        """The fakes of one method and all reals; identities keep their numbers."""
        kept = (self.labels == 0) | (self.method == method)
        return BinaryTarget(
            self.scores[kept],
            self.labels[kept],
            self.identity[kept],
            self.method[kept],
            self.rows[kept],
            self.kinds,
        )

    def ranked(self) -> SortedScores:
        """The clips sorted by score."""
        fake, real = self.labels == 1, self.labels == 0
        return SortedScores(self.scores[fake], self.scores[real], self.identity[fake], self.identity[real])


class Unjudged(NamedTuple):
    """Clips that have a label and no score."""

    fake: int
    real: int


def binary_target(
    scores: pd.DataFrame, question: Question, meaning: ScoreMeaning
) -> tuple[BinaryTarget, Unjudged]:
    """Clips with a label and a score, and how many have the label alone; ``ValueError`` for wrong contents."""
    labelled = scores[question.label].notna().to_numpy()
    labels = np.zeros(len(scores), dtype=np.int64)
    labels[labelled] = as_labels(scores.loc[labelled, question.label].to_numpy(), question.label)
    values = scores[question.score].to_numpy(dtype=float, na_value=np.nan)
    judged = ~np.isnan(values)
    used, unjudged = labelled & judged, labelled & ~judged
    method = scores["method"] if "method" in scores else pd.Series("unknown", index=scores.index)
    target = BinaryTarget(
        scores=meaning.check(values[used], question.score),
        labels=labels[used],
        identity=_identity(scores, used),
        method=method.fillna("unknown").to_numpy(dtype=object)[used],
        rows=np.flatnonzero(used),
    )
    return target, Unjudged(int((labels[unjudged] == 1).sum()), int((labels[unjudged] == 0).sum()))


def _identity(scores: pd.DataFrame, used: np.ndarray) -> Ints:
    if "identity" not in scores:
        return np.arange(int(used.sum()))
    return identity_codes(scores["identity"].to_numpy(dtype=object)[used])


# The clips that answer which of the four classes.


class ClassTarget(NamedTuple):
    """Clips with a known class and a posterior: ``posteriors`` (clips, classes), the rest (clips,).

    ``labels`` are indices into the classes; ``identity`` and ``rows`` are as in :class:`BinaryTarget`.
    """

    posteriors: Floats
    labels: Ints
    identity: Ints
    rows: Ints

    @property
    def num_identities(self) -> int:
        """Distinct identities."""
        return len(np.unique(self.identity))

    def against_rest(self, name: str) -> BinaryTarget:
        """The members of one class against all others, by its posterior."""
        index = CLASSES.index(name)
        members = (self.labels == index).astype(np.int64)
        unknown = np.full(len(members), "unknown", dtype=object)
        return BinaryTarget(
            self.posteriors[:, index], members, self.identity, unknown, self.rows, kinds=(name, "other")
        )


def class_target(scores: pd.DataFrame) -> tuple[ClassTarget, int]:
    """Clips with a class and all four posteriors, and how many have the class alone."""
    posteriors = scores[[f"p_{name}" for name in CLASSES]].to_numpy(dtype=float, na_value=np.nan)
    index = pd.Index(CLASSES).get_indexer(scores["av_class"].to_numpy(dtype=object))
    known = index >= 0
    unknown = set(scores["av_class"][~known & scores["av_class"].notna().to_numpy()])
    if unknown:
        shown = ", ".join(sorted(map(str, unknown))[:5])
        raise ValueError(f"av_class must be one of {', '.join(CLASSES)} or null; got {shown}")
    used = known & np.isfinite(posteriors).all(axis=1)
    target = ClassTarget(
        posteriors[used], index[used].astype(np.int64), _identity(scores, used), np.flatnonzero(used)
    )
    return target, int((known & ~used).sum())


# All of it at once.


def binary_targets(scores: pd.DataFrame, kind: ScoreKind = "probability") -> dict[str, BinaryTarget]:
    """Everything in the table that can have a threshold of its own.

    Args:
        scores: a scores table; what has no column in it is left out.
        kind: what the scores claim to be.

    Returns:
        Name → judged clips: any, video, audio, each class against the rest, and each modality's own head.
    """
    check_once(scores)
    meaning = ScoreMeaning(kind)
    found = {name: binary_target(scores, QUESTIONS[name], meaning)[0] for name in asked(scores)}
    if has_classes(scores):
        classes, _ = class_target(scores)
        found |= {name: classes.against_rest(name) for name in CLASSES}
    if not found:
        raise ValueError(f"no target to choose thresholds for; columns are {', '.join(map(str, scores.columns))}")
    order = dict.fromkeys((*TARGETS, *CLASSES, *QUESTIONS))
    return {name: found[name] for name in order if name in found}
