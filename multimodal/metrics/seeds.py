"""Variants trained several times and judged on the same clips: means over seeds, and which differences count.

Two things make the number of a training uncertain: the identities that happen to be in the test split, and the
seed. The first is drawn by the bootstrap over identities, the second is seen between seeds; their variances add
(Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021), and Welch and
Satterthwaite give the degrees of freedom for Student's t. With one seed nothing tells a difference from luck, and
none is reported.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics import sorted_scores
from multimodal.metrics.bootstrap import (
    Difference,
    IdentityResampler,
    Interval,
    Precision,
    Range,
    holm,
    identity_codes,
    interval,
    precision_of,
)
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.ranking import roc_auc
from multimodal.metrics.sorted_scores import Counts, SortedScores

#: multiplicities (identities, replicates) → the measure in each replicate
Measure = Callable[[Floats], Floats]

#: Scores of a detector that was given one modality only, where a table has them.
WITHOUT = {"video": "score_video_without_audio", "audio": "score_audio_without_video"}


class Drawn(NamedTuple):
    """A measure of each seed, on the clips as they are and in each replicate (seeds, replicates)."""

    values: Floats
    replicates: Floats


def judge_seeds(
    tables: Mapping[str, Sequence[pd.DataFrame]], baseline: str, *, replicates: int = 1000, seed: int = 0
) -> dict[str, dict[str, dict[str, Any]]]:
    """Judge variants over their seeds, and compare each with the baseline.

    Args:
        tables: variant → scores tables of its seeds, all of the same clips.
        baseline: the variant that others are compared with.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.

    Returns:
        variant → measure → ``{"value", "low", "high", "seeds", "difference"}``; ``difference`` from the baseline
        has ``value``, ``low``, ``high``, ``p_value`` and ``p_holm``, which takes all tests of the study into
        account. The measures are AUC of any, video and audio, the mean AUC of the four classes, average precision
        of the reals, and the AUC of each modality where the other was left out.

    Raises:
        ValueError: tables of different clips, or an unknown baseline.
    """
    if baseline not in tables:
        raise ValueError(f"no variant {baseline!r} to compare with; choose from {', '.join(tables)}")
    aligned = {name: [table.sort_values("clip_id") for table in of] for name, of in tables.items()}
    first = aligned[baseline][0]
    for name, of in aligned.items():
        if any(table["clip_id"].tolist() != first["clip_id"].tolist() for table in of):
            raise ValueError(
                f"the scores of {name} are of other clips than those of {baseline}; compare like with like"
            )
    identity = identity_codes(first["identity"].to_numpy(dtype=object))
    resampler = IdentityResampler(identity, first["any_fake"].to_numpy(int))
    draws = list(resampler.draw(replicates, np.random.default_rng(seed)))
    once = np.ones((resampler.num_identities, 1))
    drawn = {
        name: [_drawn(_measures(table, identity), draws, once) for table in of] for name, of in aligned.items()
    }
    precisions = _precisions(first, identity)
    report: dict[str, dict[str, dict[str, Any]]] = {}
    for name, seeds in drawn.items():
        report[name] = {}
        for measure, precision in precisions.items():
            here, there = _stacked(seeds, measure), _stacked(drawn[baseline], measure)
            if here is None or there is None:
                continue
            entry: dict[str, Any] = {**mean_over_seeds(*here, precision).as_json(), "seeds": here.values.tolist()}
            if name != baseline:
                entry["difference"] = difference_over_seeds(here, there, precision)._asdict()
            report[name][measure] = entry
    _correct(report)
    return report


def mean_over_seeds(
    values: Floats,
    replicates: Floats,
    precision: Precision,
    *,
    bounds: Range = "unit",
    level: float = 0.95,
) -> Interval:
    """The mean over seeds with an interval for other identities and other seeds.

    Args:
        values: (seeds,) the measure of each seed on the clips as they are.
        replicates: (seeds, replicates) the measure of each in each replicate.
        precision: what the identities allow.
        bounds: "unit" for measures in [0, 1], "positive" for costs without an upper bound.
        level: of confidence.
    """
    mean, drawn = float(values.mean()), replicates.mean(axis=0)
    alone = interval(mean, drawn, precision, bounds=bounds, level=level)
    if alone.low is None or len(values) < 2 or mean <= 0 or (bounds == "unit" and mean >= 1):
        return alone
    to_line, from_line = (special.logit, special.expit) if bounds == "unit" else (np.log, np.exp)
    nearest = 0.1 * (min(mean, 1 - mean) if bounds == "unit" else mean)
    farthest = 1 - nearest if bounds == "unit" else None
    on_line = to_line(np.clip(drawn[np.isfinite(drawn)], nearest, farthest))
    of_identities = float(np.var(on_line, ddof=1)) * precision.inflation**2
    spread = to_line(np.clip(values, nearest, farthest))
    of_seeds = float(np.var(spread, ddof=1)) / len(values)
    error, degrees = _combined([(of_identities, precision.degrees), (of_seeds, len(values) - 1)])
    half = error * stats.t.ppf((1 + level) / 2, degrees)
    centre = to_line(mean)
    return Interval(mean, float(from_line(centre - half)), float(from_line(centre + half)))


def difference_over_seeds(a: Drawn, b: Drawn, precision: Precision, level: float = 0.95) -> Difference:
    """Mean of A less mean of B, paired by identities and not by seeds."""
    value = float(a.values.mean() - b.values.mean())
    if precision.reason is not None:
        return Difference(value, reason=precision.reason)
    if min(len(a.values), len(b.values)) < 2:
        return Difference(value, reason="one seed: nothing tells a difference from its luck")
    drawn = a.replicates.mean(axis=0) - b.replicates.mean(axis=0)
    drawn = drawn[np.isfinite(drawn)]
    parts = [(float(np.var(drawn, ddof=1)) * precision.inflation**2, precision.degrees)]
    parts += [(float(np.var(one.values, ddof=1)) / len(one.values), len(one.values) - 1) for one in (a, b)]
    error, degrees = _combined(parts)
    if error == 0:
        return Difference(value, reason="the same in every seed and replicate: nothing to test")
    half = error * float(stats.t.ppf((1 + level) / 2, degrees))
    return Difference(value, value - half, value + half, float(2 * stats.t.sf(abs(value) / error, degrees)))


def _combined(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Standard error and degrees of freedom of a sum of (variance, degrees)."""
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / degrees for variance, degrees in parts)
    return float(np.sqrt(total)), total**2 / spread if spread else min(degrees for _, degrees in parts)


def _measures(scores: pd.DataFrame, identity: Ints) -> dict[str, Measure]:
    columns = {f"auc_{name}": (f"{name}_fake", f"score_{name}") for name in TARGETS}
    columns |= {
        f"auc_{name}_alone": (f"{name}_fake", column) for name, column in WITHOUT.items() if column in scores
    }
    ranked = {name: _ranked(scores, identity, *pair) for name, pair in columns.items()}
    measures = {name: _of(one, sorted_scores.roc_auc) for name, one in ranked.items() if one is not None}
    if ranked["auc_any"] is not None:
        measures["ap_real"] = _of(ranked["auc_any"], sorted_scores.average_precision_real)
    of_classes = [_ranked_class(scores, identity, name) for name in CLASSES]
    if all(one is not None for one in of_classes):
        each = [_of(one, sorted_scores.roc_auc) for one in of_classes if one is not None]
        measures["macro_auc"] = lambda draw: np.mean([measure(draw) for measure in each], axis=0)
    return measures


def _of(ranked: SortedScores, metric: Callable[[Counts], Floats]) -> Measure:
    return lambda draw: metric(ranked.counts(draw))


def _ranked(scores: pd.DataFrame, identity: Ints, label: str, score: str) -> SortedScores | None:
    judged = (scores[label].notna() & scores[score].notna()).to_numpy()
    labels, values = scores[label].to_numpy(float)[judged], scores[score].to_numpy(float)[judged]
    return _split(values, labels == 1, identity[judged])


def _ranked_class(scores: pd.DataFrame, identity: Ints, name: str) -> SortedScores | None:
    judged = (scores["av_class"].notna() & scores[f"p_{name}"].notna()).to_numpy()
    members = (scores["av_class"] == name).to_numpy()[judged]
    return _split(scores[f"p_{name}"].to_numpy(float)[judged], members, identity[judged])


def _split(values: Floats, positive: np.ndarray, identity: Ints) -> SortedScores | None:
    if not 0 < positive.sum() < len(positive):
        return None
    return SortedScores(values[positive], values[~positive], identity[positive], identity[~positive])


def _precisions(scores: pd.DataFrame, identity: Ints) -> dict[str, Precision]:
    """What the identities allow for each measure; the class measure is as sure as that of any."""
    of = {}
    for target in TARGETS:
        known = scores[f"{target}_fake"].notna().to_numpy()
        labels = scores[f"{target}_fake"].to_numpy(float)[known].astype(int)
        codes = np.unique(identity[known], return_inverse=True)[1]
        of[target] = precision_of(IdentityResampler(codes, labels))
    names = {f"auc_{target}": target for target in TARGETS}
    names |= {"macro_auc": "any", "ap_real": "any", "auc_video_alone": "video", "auc_audio_alone": "audio"}
    return {name: of[target] for name, target in names.items()}


def _drawn(measures: Mapping[str, Measure], draws: Sequence[Floats], once: Floats) -> dict[str, Drawn]:
    return {
        name: Drawn(measure(once), np.concatenate([measure(draw) for draw in draws]))
        for name, measure in measures.items()
    }


def _stacked(seeds: Sequence[Mapping[str, Drawn]], measure: str) -> Drawn | None:
    if any(measure not in one for one in seeds):
        return None
    return Drawn(
        np.concatenate([one[measure].values for one in seeds]),
        np.stack([one[measure].replicates for one in seeds]),
    )


def _correct(report: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    entries = [entry["difference"] for row in report.values() for entry in row.values() if "difference" in entry]
    for entry, p_value in zip(entries, holm([entry["p_value"] for entry in entries]), strict=True):
        entry["p_holm"] = p_value


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
