"""The judged clips of one target, out of a scores table."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from multimodal.labels import CLASSES, Modality, Target
from multimodal.metrics.checks import Floats, Ints, as_labels
from multimodal.metrics.resampling import identity_codes
from multimodal.metrics.score_meaning import ScoreMeaning
from multimodal.metrics.sorted_scores import SortedScores


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
