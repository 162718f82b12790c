"""Two systems on the same clips: every difference with its interval, and whether chance explains it.

The bootstrap draws identities, and both systems are judged on the same draws: what makes a draw hard for one makes
it hard for the other, so their difference is surer than either. DeLong's test beside it needs no draws, but takes
every clip as another person's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from multimodal.catalog import unknown
from multimodal.labels import TARGETS
from multimodal.metrics.bootstrap import IdentityResampler, bootstrap, paired_difference, precision_of
from multimodal.metrics.checks import Floats, both_classes
from multimodal.metrics.options import ScoreKind
from multimodal.metrics.power import correct
from multimodal.metrics.scores_table import (
    QUESTIONS,
    BinaryTarget,
    ScoreMeaning,
    asked,
    binary_target,
    in_order,
)
from multimodal.metrics.target_metrics import BinaryMetrics

#: What two systems are compared in; a metric that a kind of score does not have is left out.
COMPARED = ("auc", "ap_fake", "ap_real", "eer", "tpr_at_fpr_1pct", "balanced_accuracy")


def compare(
    scores_a: pd.DataFrame,
    scores_b: pd.DataFrame,
    *,
    kinds: tuple[ScoreKind, ScoreKind] = ("probability", "probability"),
    replicates: int = 1000,
    seed: int = 0,
    primary: str = "auc",
) -> dict[str, Any]:
    """Paired comparison of A and B on the clips that both could judge.

    Args:
        scores_a: a scores table with ``clip_id``; see :mod:`.evaluation`.
        scores_b: the other's, of the same clips in any order; identities are taken from A.
        kinds: what the scores of A and of B claim to be.
        replicates: of the paired bootstrap over identities; 0 for no intervals.
        seed: of the bootstrap.
        primary: the metric that the comparison is made for, of the first target that the tables share; its test
            takes the full level, all others are exploratory.

    Returns:
        Target → metric → ``{"a", "b", "difference", "low", "high", "p_value", "p_holm", "detectable",
        "exploratory"}``, where ``p_holm`` takes all exploratory tests into account and ``detectable`` is the
        smallest difference that could have been seen, see :mod:`.power`; beside them ``"delong"`` (clips
        taken as independent) and ``"counts"``.

    Raises:
        ValueError: where clips or labels differ, or the tables share no target.
    """
    first, second = _aligned(in_order(scores_a), scores_b)
    report: dict[str, Any] = {}
    for name in TARGETS:
        if name in asked(first) and name in asked(second):
            report[name] = _compare_target(first, second, name, kinds, replicates, seed)
    if not report:
        raise ValueError("nothing to compare: the tables share no target with label and score")
    if primary not in COMPARED:
        raise ValueError(unknown("primary metric", primary, COMPARED))
    entries = {(name, metric): entry for name, part in report.items() for metric, entry in part["metrics"].items()}
    first_of_all = (next(iter(report)), primary)
    correct([entry for key, entry in entries.items() if key == first_of_all])
    correct([entry for key, entry in entries.items() if key != first_of_all], exploratory=True)
    return report


def _aligned(scores_a: pd.DataFrame, scores_b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = []
    for name, table in (("A", scores_a), ("B", scores_b)):
        if "clip_id" not in table:
            raise ValueError(f"scores of {name} have no clip_id; clips cannot be paired")
        repeated = table["clip_id"][table["clip_id"].duplicated()]
        if len(repeated):
            raise ValueError(f"scores of {name} repeat a clip, e.g. {repeated.iloc[0]}")
        tables.append(table.set_index("clip_id"))
    first, second = tables
    only_a, only_b = first.index.difference(second.index), second.index.difference(first.index)
    if len(only_a) or len(only_b):
        example = (only_a if len(only_a) else only_b)[0]
        raise ValueError(
            f"A has {len(only_a)} clips that B lacks and B {len(only_b)} that A lacks, e.g. {example}; "
            "compare on the same clips"
        )
    return first, second.loc[first.index]


def _compare_target(
    first: pd.DataFrame,
    second: pd.DataFrame,
    name: str,
    kinds: tuple[ScoreKind, ScoreKind],
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    question = QUESTIONS[name]
    label, score = question
    differing = (first[label].fillna(-1) != second[label].fillna(-1)).sum()
    if differing:
        raise ValueError(f"A and B disagree on {label} of {differing} clips. Is the polarity of one inverted?")
    judged = (first[label].notna() & first[score].notna() & second[score].notna()).to_numpy()
    shared = first[judged].drop(columns="method", errors="ignore")
    meanings = [ScoreMeaning(kind) for kind in kinds]
    target_a, _ = binary_target(shared, question, meanings[0])
    target_b, _ = binary_target(shared.assign(**{score: second[score][judged]}), question, meanings[1])
    if not target_a.has_both:
        raise ValueError(f"{name}: a comparison needs both fake and real clips that both systems judged")
    metrics = _paired(target_a, target_b, meanings, replicates, seed)
    return {
        "metrics": metrics,
        "delong": _delong(target_a, target_b),
        "counts": {
            "fake": target_a.num_fake,
            "real": target_a.num_real,
            "identities": target_a.num_identities,
            "not_judged_by_both": int((~judged & first[label].notna().to_numpy()).sum()),
        },
    }


def _paired(
    target_a: BinaryTarget, target_b: BinaryTarget, meanings: list[ScoreMeaning], replicates: int, seed: int
) -> dict[str, dict[str, Any]]:
    resampler = IdentityResampler(target_a.identity, target_a.labels)
    precision = precision_of(resampler)
    a, b = (
        bootstrap(BinaryMetrics(target, meaning, {}), resampler, replicates=replicates, seed=seed)
        for target, meaning in zip((target_a, target_b), meanings, strict=True)
    )
    result = {}
    for name in COMPARED:
        if (name,) in a and (name,) in b:
            ours, theirs = a[name,], b[name,]
            value, drawn = ours.value - theirs.value, ours.replicates - theirs.replicates
            found = paired_difference(value, drawn, precision)._asdict()
            result[name] = {"a": ours.value, "b": theirs.value, "difference": found.pop("value"), **found}
    return result


def _delong(target_a: BinaryTarget, target_b: BinaryTarget) -> Mapping[str, float | None]:
    fake, real = target_a.labels == 1, target_a.labels == 0
    if min(fake.sum(), real.sum()) < 2:
        return {"difference": None, "standard_error": None, "p_value": None}
    a, b = target_a.scores, target_b.scores
    return paired_test(a[fake], a[real], b[fake], b[real])._asdict()


# The difference of two ROC areas without resampling (DeLong, DeLong and Clarke-Pearson 1988), by mid-ranks.


class AreaDifference(NamedTuple):
    """Area of system A less that of B, its standard error, and the two-sided p-value of no difference.

    ``p_value`` is None where the two systems never differ in any component, so that there is nothing to test.
    """

    difference: float
    standard_error: float
    p_value: float | None


def paired_test(
    fake_scores_a: ArrayLike, real_scores_a: ArrayLike, fake_scores_b: ArrayLike, real_scores_b: ArrayLike
) -> AreaDifference:
    """Test whether two systems differ in ROC area on the same clips, given in the same order."""
    area_a, fakes_a, reals_a = _components(fake_scores_a, real_scores_a)
    area_b, fakes_b, reals_b = _components(fake_scores_b, real_scores_b)
    if (len(fakes_a), len(reals_a)) != (len(fakes_b), len(reals_b)):
        raise ValueError(
            f"A has {len(fakes_a)} fakes and {len(reals_a)} reals, B {len(fakes_b)} and {len(reals_b)}; "
            "a paired test wants the same clips"
        )
    difference = area_a - area_b
    error = float(np.sqrt(_variance(fakes_a - fakes_b, reals_a - reals_b)))
    p_value = float(2 * scipy.stats.norm.sf(abs(difference) / error)) if error > 0 else None
    return AreaDifference(difference, error, p_value)


def _variance(of_fakes: Floats, of_reals: Floats) -> float:
    return float(np.var(of_fakes, ddof=1) / len(of_fakes) + np.var(of_reals, ddof=1) / len(of_reals))


def _components(fake_scores: ArrayLike, real_scores: ArrayLike) -> tuple[float, Floats, Floats]:
    """The area; for each fake the share of reals it beats; for each real the share of fakes that beat it."""
    fake, real = both_classes(fake_scores, real_scores, "DeLong's variance")
    if len(fake) < 2 or len(real) < 2:
        raise ValueError(
            f"DeLong's variance needs two clips of each class; got {len(fake)} fake, {len(real)} real"
        )
    together = scipy.stats.rankdata(np.concatenate([fake, real]))
    of_fakes = (together[: len(fake)] - scipy.stats.rankdata(fake)) / len(real)
    of_reals = 1 - (together[len(fake) :] - scipy.stats.rankdata(real)) / len(fake)
    return float(of_fakes.mean()), of_fakes, of_reals
