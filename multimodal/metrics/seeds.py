"""Variants trained several times and judged on the same clips: means over seeds, and which differences count.

Two things make the number of a training uncertain: the identities that happen to be in the test split, and the
seed. The first is drawn by the bootstrap over identities, the second is seen between seeds; their variances add
(Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021), and Welch and
Satterthwaite give the degrees of freedom for Student's t. With one seed nothing tells a difference from luck, and
none is reported.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from multimodal.catalog import unknown
from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics.bootstrap import (
    Difference,
    Drawn,
    IdentityResampler,
    Interval,
    Line,
    Precision,
    bootstrap,
    identity_codes,
    interval,
    no_surer_than_parts,
    no_surer_than_perfect,
    precision_of,
    student,
)
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.perfect import AREA, MACRO_AREA, UNIT, Bounds, area_against_rest, average_precision
from multimodal.metrics.power import correct
from multimodal.metrics.ranking import average_precision_real_of, roc_auc, roc_auc_of
from multimodal.metrics.scores_table import (
    QUESTIONS,
    WITHOUT_THE_OTHER,
    BinaryTarget,
    ScoreMeaning,
    binary_target,
    class_target,
)
from multimodal.metrics.sorted_scores import SortedScores

# Variants over their seeds, and what sets each apart from the baseline.


def judge_seeds(
    tables: Mapping[str, Sequence[pd.DataFrame]],
    baseline: str,
    *,
    replicates: int = 1000,
    seed: int = 0,
    primary: str = "auc_any",
) -> dict[str, dict[str, dict[str, Any]]]:
    """Judge variants over their seeds, and compare each with the baseline.

    Args:
        tables: variant → scores tables of its seeds, all of the same clips.
        baseline: the variant that others are compared with.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
        primary: the measure that the study is made for, named before it; its tests take the full level, those of
            all other measures are exploratory.

    Returns:
        variant → measure → ``{"value", "low", "high", "seeds", "difference"}``; ``difference`` from the baseline
        has ``value``, ``low``, ``high``, ``p_value``, ``p_holm``, which takes the tests of the other variants
        into account (of an exploratory measure: all exploratory tests), and ``detectable``, the smallest
        difference that could have been seen, see :mod:`.power`. The measures are AUC of any, video and audio, the
        mean AUC of the four classes, average precision of the reals, and the AUC of each modality where the other
        was left out.

    Raises:
        ValueError: tables of different clips, or an unknown baseline.
    """
    if baseline not in tables:
        raise ValueError(unknown("variant to compare with", baseline, tables))
    aligned = _aligned(tables, baseline)
    first = aligned[baseline][0]
    identity = identity_codes(first["identity"].to_numpy(dtype=object))
    known = first["any_fake"].fillna(-1).to_numpy(int)  # clips of which it is not known are a class of their own
    resampler = IdentityResampler(identity, known + 1)
    drawn = {
        name: [bootstrap(_Measures(table, identity), resampler, replicates=replicates, seed=seed) for table in of]
        for name, of in aligned.items()
    }
    report: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in drawn}
    for measure, precision in _precisions(first, identity).items():
        there = over_seeds(drawn[baseline], measure)
        for name, seeds in drawn.items():
            here = over_seeds(seeds, measure)
            if here is not None and there is not None:
                reference = None if name == baseline else there
                report[name][measure] = _judged(measure, seeds, reference, precision)
    if not any(primary in row for row in report.values()):
        measured = ", ".join(dict.fromkeys(measure for row in report.values() for measure in row))
        raise ValueError(f"unknown primary measure {primary!r}; the tables have {measured}")
    _correct(report, primary)
    return report


def _aligned(tables: Mapping[str, Sequence[pd.DataFrame]], baseline: str) -> dict[str, list[pd.DataFrame]]:
    """The tables in the order of their clips, which must be the same in all."""
    aligned = {name: [table.sort_values("clip_id") for table in of] for name, of in tables.items()}
    clip_ids = aligned[baseline][0]["clip_id"].tolist()
    for name, of in aligned.items():
        if any(table["clip_id"].tolist() != clip_ids for table in of):
            raise ValueError(
                f"the scores of {name} are of other clips than those of {baseline}; compare like with like"
            )
    return aligned


def _judged(
    measure: str, seeds: Sequence[Mapping[str, Drawn]], reference: "OverSeeds | None", precision: Precision
) -> dict[str, Any]:
    """A measure of a variant over its seeds, and its difference from the reference where there is one."""
    here = over_seeds(seeds, measure)
    assert here is not None
    found = mean_over_seeds(here, precision, bounds=_BOUNDS.get(measure, AREA))
    if measure == "macro_auc" and found.value != 1:
        found = no_surer_than_parts(found, *_areas_of_classes(seeds, precision))
    entry = {**found.as_json(), "seeds": here.values.tolist()}
    if reference is not None:
        entry["difference"] = difference_over_seeds(here, reference, precision)._asdict()
    return entry


def _areas_of_classes(
    seeds: Sequence[Mapping[str, Drawn]], precision: Precision
) -> tuple[list[Interval], list[Floats]]:
    """The areas that a macro area is the mean of: intervals over the seeds, and the mean replicates of each."""
    parts = [over_seeds(seeds, f"auc_{name}") for name in CLASSES]
    known = {index: part for index, part in enumerate(parts) if part is not None}
    intervals = [
        mean_over_seeds(part, precision, bounds=area_against_rest(index)) for index, part in known.items()
    ]
    return intervals, [part.replicates.mean(axis=0) for part in known.values()]


#: What a value at the end of its range says; all others are ROC areas.
_BOUNDS = {"ap_real": average_precision(0), "macro_auc": MACRO_AREA}


class _Measures:
    """The measures of one training, as a function of how often each identity is counted.

    Those that its clips do not allow, for want of a class or of a column, are left out.

    Args:
        scores: its scores table. identity: (clips,) identity of each clip; the numbers are those of the whole
        table, for all measures are taken
            on the same draws.
    """

    def __init__(self, scores: pd.DataFrame, identity: Ints) -> None:
        questions = {f"auc_{name}": QUESTIONS[name] for name in TARGETS}
        questions |= {
            f"auc_{name}_alone": question
            for name, question in WITHOUT_THE_OTHER.items()
            if question.score in scores
        }
        ranks = ScoreMeaning("score")
        targets = {name: binary_target(scores, question, ranks)[0] for name, question in questions.items()}
        self._ranked = {name: _ranked(target, identity) for name, target in targets.items() if target.has_both}
        classes, _ = class_target(scores)
        of_classes = [classes.against_rest(name) for name in CLASSES]
        has_all = all(target.has_both for target in of_classes)
        self._classes = [_ranked(target, identity) for target in of_classes] if has_all else []

    def __call__(self, multiplicities: Floats) -> dict[str, Floats]:
        """Each measure, (replicates,), for multiplicities (identities, replicates)."""
        counts = {name: ranked.counts(multiplicities) for name, ranked in self._ranked.items()}
        measures = {name: roc_auc_of(counted) for name, counted in counts.items()}
        if "auc_any" in counts:
            measures["ap_real"] = average_precision_real_of(counts["auc_any"])
        if self._classes:
            areas = [roc_auc_of(ranked.counts(multiplicities)) for ranked in self._classes]
            measures |= {f"auc_{name}": area for name, area in zip(CLASSES, areas, strict=True)}
            measures["macro_auc"] = np.mean(areas, axis=0)
        return measures


def _ranked(target: BinaryTarget, identity: Ints) -> SortedScores:
    return target._replace(identity=identity[target.rows]).ranked()


def _precisions(scores: pd.DataFrame, identity: Ints) -> dict[str, Precision]:
    """What the identities allow for each measure; the class measure is as sure as that of any."""
    of = {}
    for target in TARGETS:
        known = scores[f"{target}_fake"].notna().to_numpy()
        labels = scores[f"{target}_fake"].to_numpy(float)[known].astype(int)
        codes = np.unique(identity[known], return_inverse=True)[1]
        of[target] = precision_of(IdentityResampler(codes, labels))
    names = {f"auc_{target}": target for target in TARGETS}
    names |= {"ap_real": "any", "auc_video_alone": "video", "auc_audio_alone": "audio"}
    classes, _ = class_target(scores)
    sample = precision_of(IdentityResampler(classes.identity, classes.labels), CLASSES).sample
    return {**{name: of[target] for name, target in names.items()}, "macro_auc": of["any"]._replace(sample=sample)}


def _correct(report: Mapping[str, Mapping[str, dict[str, Any]]], primary: str) -> None:
    of_primary: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for row in report.values():
        for measure, entry in row.items():
            if "difference" in entry:
                (of_primary if measure == primary else others).append(entry["difference"])
    correct(of_primary)
    correct(others, exploratory=True)


# One measure over the seeds: two sources of variance, added.


class OverSeeds(NamedTuple):
    """A measure of each seed: ``values`` (seeds,) on the clips as they are, ``replicates`` (seeds, replicates)."""

    values: Floats
    replicates: Floats


def over_seeds(seeds: Sequence[Mapping[str, Drawn]], measure: str) -> OverSeeds | None:
    """A measure of all seeds together; None where one of them lacks it."""
    if any(measure not in one for one in seeds):
        return None
    values = np.array([one[measure].value for one in seeds])
    return OverSeeds(values, np.stack([one[measure].replicates for one in seeds]))


def mean_over_seeds(
    drawn: OverSeeds, precision: Precision, *, bounds: Bounds = UNIT, level: float = 0.95
) -> Interval:
    """The mean over seeds with an interval for other identities and other seeds.

    Args:
        drawn: the measure of each seed.
        precision: what the identities allow.
        bounds: the range of the measure, and what a value at its ends says.
        level: of confidence.
    """
    values = drawn.values
    mean, replicates = float(values.mean()), drawn.replicates.mean(axis=0)
    alone = interval(mean, replicates, precision, bounds=bounds, level=level)
    if alone.low is None or len(values) < 2 or mean <= 0 or (not bounds.is_open and mean >= 1):
        return alone
    line = Line.about(mean, bounds)
    drawn_means = replicates[np.isfinite(replicates)]
    on_line = line.to(drawn_means)
    of_identities = float(np.var(on_line, ddof=1)) * precision.inflation**2
    of_seeds = float(np.var(line.to(values), ddof=1)) / len(values)
    error, degrees = _combined([(of_identities, precision.degrees), (of_seeds, len(values) - 1)])
    found = line.interval(mean, error * scipy.stats.t.ppf((1 + level) / 2, degrees))
    return no_surer_than_perfect(found, drawn_means, precision.sample, bounds, (1 - level) / 2)


def difference_over_seeds(a: OverSeeds, b: OverSeeds, precision: Precision, level: float = 0.95) -> Difference:
    """Mean of A less mean of B, paired by identities and not by seeds."""
    value = float(a.values.mean() - b.values.mean())
    if precision.reason is not None:
        return Difference(value, reason=precision.reason)
    if min(len(a.values), len(b.values)) < 2:
        return Difference(value, reason="one seed: nothing tells a difference from its luck")
    drawn = a.replicates.mean(axis=0) - b.replicates.mean(axis=0)
    if len(drawn) == 0:
        return Difference(value, reason="no bootstrap was asked for")
    drawn = drawn[np.isfinite(drawn)]
    parts = [(float(np.var(drawn, ddof=1)) * precision.inflation**2, precision.degrees)]
    parts += [(float(np.var(one.values, ddof=1)) / len(one.values), len(one.values) - 1) for one in (a, b)]
    error, degrees = _combined(parts)
    if error == 0:
        return Difference(value, reason="the same in every seed and replicate: nothing to test")
    return student(value, error, degrees, level)


def _combined(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Standard error and degrees of freedom of a sum of (variance, degrees), by Welch and Satterthwaite."""
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / degrees for variance, degrees in parts)
    return float(np.sqrt(total)), total**2 / spread if spread else min(degrees for _, degrees in parts)


# How well each forgery method is told from real clips, over several trainings.


def auc_per_method(tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Method → mean over trainings of the AUC of ``score_any`` between its fakes and all real clips."""
    first = tables[0]
    methods = sorted(first.loc[first["any_fake"] == 1, "method"].dropna().unique())
    return {method: float(np.mean([_auc(table, method) for table in tables])) for method in methods}


def _auc(table: pd.DataFrame, method: str) -> float:
    judged = table[table["score_any"].notna()]
    fake = judged.loc[(judged["any_fake"] == 1) & (judged["method"] == method), "score_any"]
    real = judged.loc[judged["any_fake"] == 0, "score_any"]
    return roc_auc(fake.to_numpy(float), real.to_numpy(float)) if len(fake) and len(real) else float("nan")
