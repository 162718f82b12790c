"""The same thresholds on other scores, and how far they are from those that would have been chosen there."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multimodal.metrics.checks import Floats
from multimodal.metrics.decisions import decisions_at
from multimodal.metrics.score_meaning import ScoreKind
from multimodal.metrics.sorted_scores import SortedScores
from multimodal.metrics.threshold_rules import find_rule
from multimodal.metrics.thresholds import choose_threshold
from multimodal.metrics.views import View, views


def transfer_thresholds(
    stored: Mapping[str, Any],
    scores: pd.DataFrame,
    *,
    kind: ScoreKind = "probability",
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Compare stored thresholds with those that their rules choose on ``scores``.

    The thresholds chosen here serve the comparison only: nobody has labels where a detector is used.

    Args:
        stored: content of ``thresholds.json``.
        scores: a scores table of other clips.
        kind: what the scores claim to be.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.

    Returns:
        Name → rule → ``{"stored", "value_at_stored", "chosen_there", "value_there", "low", "high", "offset",
        "called_differently"}``: ``value`` is what the rule reports, ``low`` and ``high`` hold 95 % of the
        thresholds chosen there, ``offset`` is stored less chosen there, ``called_differently`` the share of clips
        between the two. Null with ``"reason"`` where not defined.
    """
    found = views(scores, kind)
    shared = {name: row for name, row in stored["thresholds"].items() if name in found}
    if not shared:
        raise ValueError(
            f"thresholds are of {', '.join(stored['thresholds'])}; the scores are of {', '.join(found)} only"
        )
    rules = stored.get("rules", {})
    return {
        name: {
            rule: _compare(found[name], rule, entry, _options(rules.get(rule, {}), entry), replicates, seed)
            for rule, entry in row.items()
        }
        for name, row in shared.items()
    }


def value_at(rule: str, fake_scores: Floats, real_scores: Floats, threshold: float, **options: float) -> float:
    """What a rule reports at a given threshold; NaN where not defined.

    >>> value_at("youden", np.array([0.9, 0.4]), np.array([0.1, 0.2]), threshold=0.5)
    0.5
    """
    ranked = SortedScores(fake_scores, real_scores)
    merit = find_rule(rule, options)(decisions_at(ranked.counts()), **options)
    return float(merit.value[ranked.point_of(threshold), 0])


def _options(options: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**options, "prior": entry["prior"]} if "prior" in entry else dict(options)


def _compare(
    view: View, rule: str, entry: Mapping[str, Any], options: dict[str, Any], replicates: int, seed: int
) -> dict[str, Any]:
    fake, real = view.scores[view.sought], view.scores[~view.sought]
    there = choose_threshold(
        rule,
        fake,
        real,
        fake_identity=view.identity[view.sought],
        real_identity=view.identity[~view.sought],
        kinds=view.kinds,
        replicates=replicates,
        seed=seed,
        **options,
    )
    stored = entry["threshold"]
    reason = entry.get("reason") or there.reason
    result: dict[str, Any] = {
        "stored": stored,
        "value_at_stored": None,
        "chosen_there": there.threshold,
        "value_there": there.value,
        "low": there.low,
        "high": there.high,
        "offset": None,
        "called_differently": None,
    }
    if stored is not None and len(fake) and len(real):
        value = value_at(rule, fake, real, stored, **options)
        result["value_at_stored"] = value if np.isfinite(value) else None
    if stored is not None and there.threshold is not None:
        result["offset"] = stored - there.threshold
        result["called_differently"] = float(np.mean((view.scores >= stored) != (view.scores >= there.threshold)))
    return result if reason is None else {**result, "reason": reason}
