"""The judged clips of one target, out of a scores table."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from jaxtyping import Bool
from numpy.typing import ArrayLike
from scipy import special

from multimodal.labels import CLASSES, MODALITIES, TARGETS, Modality, Target
from multimodal.metrics.bootstrap import identity_codes
from multimodal.metrics.checks import Floats, Ints, as_labels, as_scores
from multimodal.metrics.costs import as_probabilities, log_likelihood_ratios
from multimodal.metrics.sorted_scores import SortedScores

# What a score claims to be: a probability, a log-likelihood ratio, or only a rank.


ScoreKind = Literal["probability", "llr", "score"]


@dataclass(frozen=True)
class ScoreMeaning:
    """How to read scores.

    Args:
        kind: "probability" of fake in [0, 1]; "llr", the natural logarithm of the likelihood ratio of fake
            against real; "score", anything that is higher for fakes.
        fake_prior: share of fakes that the probabilities assume; 0.5 for a detector trained on balanced classes
            and not corrected since.
    """

    kind: ScoreKind = "probability"
    fake_prior: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in get_args(ScoreKind):
            raise ValueError(f"unknown kind of score {self.kind!r}; choose from {', '.join(get_args(ScoreKind))}")
        if not 0 < self.fake_prior < 1:
            raise ValueError(f"fake_prior must lie inside (0, 1); got {self.fake_prior}. Percent? Divide by 100")

    def check(self, scores: ArrayLike, name: str) -> Floats:
        """The scores as floats; ``ValueError`` where they cannot be what they claim."""
        return as_probabilities(scores, name) if self.kind == "probability" else as_scores(scores, name)

    def probabilities(self, scores: Floats) -> Floats | None:
        """Probability of fake at the prior, or None where scores are only ranks."""
        if self.kind == "llr":
            return special.expit(scores + special.logit(self.fake_prior))
        return scores if self.kind == "probability" else None

    def ratios(self, scores: Floats) -> Floats | None:
        """Log-likelihood ratios of fake against real, or None where scores are only ranks."""
        if self.kind == "probability":
            return log_likelihood_ratios(scores, self.fake_prior)
        return scores if self.kind == "llr" else None

    @property
    def default_threshold(self) -> float | None:
        """Score at which the probability of fake is one half, or None where scores are only ranks."""
        return {"probability": 0.5, "llr": -float(special.logit(self.fake_prior)), "score": None}[self.kind]


def constant(scores: Floats) -> bool:
    """Whether all scores are the same, so that they say nothing."""
    return len(scores) > 0 and bool(np.ptp(scores) == 0)


class BinaryTarget(NamedTuple):
    """The judged clips of one target, each field (clips,).

    ``identity`` numbers the identities from 0 without gaps, ``method`` names how each clip was forged.
    """

    scores: Floats
    labels: Ints
    identity: Ints
    method: np.ndarray

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
        return BinaryTarget(self.scores[kept], self.labels[kept], self.identity[kept], self.method[kept])

    def ranked(self) -> SortedScores:
        """The clips sorted by score."""
        fake, real = self.labels == 1, self.labels == 0
        return SortedScores(self.scores[fake], self.scores[real], self.identity[fake], self.identity[real])


class ClassTarget(NamedTuple):
    """Clips with a known class and a posterior: ``posteriors`` (clips, classes), the rest (clips,)."""

    posteriors: Floats
    labels: Ints
    identity: Ints

    @property
    def num_identities(self) -> int:
        """Distinct identities."""
        return len(np.unique(self.identity))


class Unjudged(NamedTuple):
    """Clips that have a label and no score."""

    fake: int
    real: int


def check_once(scores: pd.DataFrame) -> None:
    """Raise ``ValueError`` where a clip has several rows, and would count as often."""
    if "clip_id" not in scores:
        return
    repeated = scores["clip_id"][scores["clip_id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{len(repeated)} rows repeat a clip, e.g. {repeated.iloc[0]}. Give one row a clip")


def has_binary(scores: pd.DataFrame, name: Target) -> bool:
    """Whether the table has the label and the score of a target."""
    return {f"{name}_fake", f"score_{name}"} <= set(scores.columns)


def has_classes(scores: pd.DataFrame) -> bool:
    """Whether the table has the class and the four posteriors."""
    return {"av_class", *(f"p_{name}" for name in CLASSES)} <= set(scores.columns)


def has_own_head(scores: pd.DataFrame, modality: Modality) -> bool:
    """Whether the table has the label of a modality and the score of its own head."""
    return {f"{modality}_fake", f"head_{modality}"} <= set(scores.columns)


def own_head(scores: pd.DataFrame, modality: Modality) -> pd.DataFrame:
    """The scores table in which one modality's own head is the only score."""
    kept = [column for column in ("clip_id", "identity", "method", "split") if column in scores]
    return scores[[*kept, f"{modality}_fake"]].assign(**{f"score_{modality}": scores[f"head_{modality}"]})


def binary_target(scores: pd.DataFrame, name: Target, meaning: ScoreMeaning) -> tuple[BinaryTarget, Unjudged]:
    """Clips with a label and a score, and how many have the label alone; ``ValueError`` for wrong contents."""
    column = f"{name}_fake"
    labelled = scores[column].notna().to_numpy()
    labels = np.zeros(len(scores), dtype=np.int64)
    labels[labelled] = as_labels(scores.loc[labelled, column].to_numpy(), column)
    values = scores[f"score_{name}"].to_numpy(dtype=float, na_value=np.nan)
    judged = ~np.isnan(values)
    used, unjudged = labelled & judged, labelled & ~judged
    method = scores["method"] if "method" in scores else pd.Series("unknown", index=scores.index)
    target = BinaryTarget(
        scores=meaning.check(values[used], f"score_{name}"),
        labels=labels[used],
        identity=_identity(scores, used),
        method=method.fillna("unknown").to_numpy(dtype=object)[used],
    )
    return target, Unjudged(int((labels[unjudged] == 1).sum()), int((labels[unjudged] == 0).sum()))


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
    target = ClassTarget(posteriors[used], index[used].astype(np.int64), _identity(scores, used))
    return target, int((known & ~used).sum())


def _identity(scores: pd.DataFrame, used: np.ndarray) -> Ints:
    if "identity" not in scores:
        return np.arange(int(used.sum()))
    return identity_codes(scores["identity"].to_numpy(dtype=object)[used])


# Everything in a scores table that can have a threshold of its own, as scores and what is sought by them.


class View(NamedTuple):
    """Clips that were judged: ``scores``, ``sought`` and ``identity`` are (clips,).

    ``sought`` says whether a clip is fake; for one of the four classes, whether it is of that class. ``kinds`` are
    the names of those sought and of the others.
    """

    scores: Floats
    sought: Bool[np.ndarray, " clips"]
    identity: Ints
    kinds: tuple[str, str] = ("fake", "real")


def views(scores: pd.DataFrame, kind: ScoreKind = "probability") -> dict[str, View]:
    """What the table can be asked: any, video, audio, each class, and each modality's own head alone.

    Args:
        scores: a scores table; what has no column in it is left out.
        kind: what the scores claim to be.

    Returns:
        Name → view; ``video_alone`` and ``audio_alone`` are the modalities' own heads.
    """
    check_once(scores)
    meaning = ScoreMeaning(kind)
    found: dict[str, View] = {}
    for target in filter(lambda name: has_binary(scores, name), TARGETS):
        found[target] = _binary_view(scores, target, meaning)
    if has_classes(scores):
        classes, _ = class_target(scores)
        for index, name in enumerate(CLASSES):
            members = classes.labels == index
            found[name] = View(classes.posteriors[:, index], members, classes.identity, (name, "other"))
    for modality in filter(lambda name: has_own_head(scores, name), MODALITIES):
        found[f"{modality}_alone"] = _binary_view(own_head(scores, modality), modality, meaning)
    if not found:
        raise ValueError(f"no target to choose thresholds for; columns are {', '.join(map(str, scores.columns))}")
    return found


def _binary_view(scores: pd.DataFrame, target: Target, meaning: ScoreMeaning) -> View:
    judged, _ = binary_target(scores, target, meaning)
    return View(judged.scores, judged.labels == 1, judged.identity)
