"""A system at the threshold that was chosen before: of whole corpora that are changed, and of groups of people.

What is asked is always the same: the ROC area, which share of the reals is called fake (false alarms) and which
share of the fakes is found. :func:`paired_change` compares clips with themselves, changed; :func:`by_group` parts
of a table with each other, at one threshold for all.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multimodal.metrics.bootstrap import (
    Drawn,
    IdentityResampler,
    Precision,
    bootstrap,
    interval,
    paired_difference,
    precision_of,
)
from multimodal.metrics.checks import Floats
from multimodal.metrics.decisions import decisions_at
from multimodal.metrics.perfect import AREA, UNIT
from multimodal.metrics.ranking import roc_auc_of
from multimodal.metrics.scores_table import QUESTIONS, BinaryTarget, ScoreMeaning, binary_target, in_order
from multimodal.metrics.sorted_scores import SortedScores

AUC, ALARMS, FOUND = "auc", "false_alarms", "found"


class AtThreshold:
    """Area, false alarms and fakes found of one target, for many draws of identities.

    Args:
        target: the judged clips; both labels must be there for the area.
        threshold: chosen before; None leaves false alarms and fakes found out.
    """

    def __init__(self, target: BinaryTarget, threshold: float | None) -> None:
        fake = target.labels == 1
        scores, who = target.scores, target.identity
        self.ranked = SortedScores(scores[fake], scores[~fake], who[fake], who[~fake])
        self.point = None if threshold is None else self.ranked.point_of(threshold)

    def __call__(self, multiplicities: Floats) -> Mapping[str, Floats]:
        """Measures by name, (replicates,); NaN where a label was not drawn."""
        counts = self.ranked.counts(multiplicities)
        found = {AUC: roc_auc_of(counts)}
        if self.point is not None:
            made = decisions_at(counts, self.point)
            with np.errstate(invalid="ignore", divide="ignore"):
                found[ALARMS] = made.real_called_fake / made.num_real
                found[FOUND] = made.fake_called_fake / made.num_fake
        return found


def paired_change(
    before: pd.DataFrame,
    after: pd.DataFrame,
    name: str,
    *,
    threshold: float | None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any] | None:
    """How area and operating point of one target change, on the same clips and the same draws of identities.

    Args:
        before: scores table of the clips as they are.
        after: of the same clips, changed.
        name: of the target: any, video or audio.
        threshold: chosen before, on clips as they are.
        replicates: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        measure → ``"before"``, ``"after"`` and ``"change"`` with ``value``, ``low``, ``high``; None where one of
        the labels has no clip.

    Raises:
        ValueError: the two tables are of different clips.
    """
    tables = [table.sort_values("clip_id", ignore_index=True) for table in (before, after)]
    if list(tables[0]["clip_id"]) != list(tables[1]["clip_id"]):
        raise ValueError("the changed scores are of other clips; score the same clips twice")
    score = QUESTIONS[name].score
    judged = (tables[0][score].notna() & tables[1][score].notna()).to_numpy()
    one, other = (_target(table[judged].reset_index(drop=True), name) for table in tables)
    if not one.num_fake or not one.num_real:
        return None
    systems = {"before": AtThreshold(one, threshold), "after": AtThreshold(other, threshold)}

    def both(multiplicities: Floats) -> Mapping[tuple[str, str], Floats]:
        measured = {when: system(multiplicities) for when, system in systems.items()}
        return {(measure, when): values for when, of in measured.items() for measure, values in of.items()}

    resampler = IdentityResampler(one.identity, one.labels)
    drawn, precision = bootstrap(both, resampler, replicates=replicates, seed=seed), precision_of(resampler)
    measures = dict.fromkeys(measure for measure, _ in drawn)
    return {measure: _change(drawn[measure, "before"], drawn[measure, "after"], precision) for measure in measures}


def _change(before: Drawn, after: Drawn, precision: Precision) -> dict[str, Any]:
    found = paired_difference(after.value - before.value, after.replicates - before.replicates, precision)
    # no two shares, nor two areas, are further apart than 1
    low, high = (limit if limit is None else float(np.clip(limit, -1, 1)) for limit in (found.low, found.high))
    change: dict[str, Any] = {"value": found.value, "low": low, "high": high}
    if found.reason is not None:
        change["reason"] = found.reason
    return {"before": before.value, "after": after.value, "change": change}


#: Reals of a group below which it is not called the worst.
FEWEST_REALS = 10


def by_group(
    scores: pd.DataFrame,
    column: str,
    name: str,
    *,
    threshold: float | None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Every measure of each value of a column, at one threshold for all, with intervals over identities.

    Args:
        scores: scores table.
        column: of it, e.g. group, corpus, method or identity; rows without a value are left out.
        name: of the target: any, video or audio.
        threshold: chosen before.
        replicates: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        ``"groups"``: value → counts and ``"auc"``, ``"false_alarms"``, ``"found"``, each with its interval;
        ``"worst"``: the group of at least :data:`FEWEST_REALS` reals with the most false alarms, and whether its
        interval lies above the false alarms of all; None where there is none.
    """
    groups, scores = {}, in_order(scores)
    for value, rows in scores[scores[column].notna()].groupby(column, observed=True):
        target = _target(rows.reset_index(drop=True), name)
        if len(target.scores):
            groups[str(value)] = _measures(target, threshold, replicates, seed)
    return {"groups": groups, "worst": _worst(groups, _measures(_target(scores, name), threshold, 0, seed))}


def _measures(target: BinaryTarget, threshold: float | None, replicates: int, seed: int) -> dict[str, Any]:
    resampler = IdentityResampler(target.identity, target.labels)
    drawn = bootstrap(AtThreshold(target, threshold), resampler, replicates=replicates, seed=seed)
    counts = {"real": target.num_real, "fake": target.num_fake, "identities": target.num_identities}
    of_label = {ALARMS: 0, FOUND: 1}
    told = {}
    for measure, found in drawn.items():
        precision = precision_of(resampler)
        if measure in of_label:  # people of the other label say nothing of a share of one label
            mine = target.labels == of_label[measure]
            precision = precision_of(IdentityResampler(_codes(target.identity[mine]), target.labels[mine] * 0))
        told[measure] = interval(
            found.value, found.replicates, precision, bounds=AREA if measure == AUC else UNIT
        ).as_json()
    return {**counts, **told}


def _worst(groups: Mapping[str, Mapping[str, Any]], overall: Mapping[str, Any]) -> dict[str, Any] | None:
    judged = {
        name: of[ALARMS]
        for name, of in groups.items()
        if ALARMS in of and of["real"] >= FEWEST_REALS and of[ALARMS]["value"] is not None
    }
    if len(judged) < 2:
        return None
    worst = max(judged, key=lambda name: judged[name]["value"])
    low, everybody = judged[worst]["low"], overall[ALARMS]["value"]
    return {
        "group": worst,
        ALARMS: judged[worst],
        "overall": everybody,
        "is_clear": low is not None and low > everybody,
    }


def _target(scores: pd.DataFrame, name: str) -> BinaryTarget:
    return binary_target(scores, QUESTIONS[name], ScoreMeaning("probability", 0.5))[0]


def _codes(identity: np.ndarray) -> np.ndarray:
    return np.unique(identity, return_inverse=True)[1]
