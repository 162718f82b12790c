"""The operating points of a detector, chosen on the scores of its validation split: ``thresholds.json``."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from multimodal.metrics.score_meaning import ScoreKind
from multimodal.metrics.threshold_rules import find_rule
from multimodal.metrics.thresholds import choose_threshold
from multimodal.metrics.views import View, views

#: rule → its options
Rules = Mapping[str, Mapping[str, Any]]

DEFAULT_RULES: Rules = {"f1": {}, "youden": {}}


def choose_thresholds(
    scores: pd.DataFrame,
    rules: Rules = DEFAULT_RULES,
    *,
    fake_prior: Mapping[str, float] | None = None,
    kind: ScoreKind = "probability",
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Choose every rule's threshold for any, video, audio, each class against the rest, and each head alone.

    Args:
        scores: the scores table of the validation split; the column ``split`` must say so where it is there.
        rules: rule → options.
        fake_prior: target or class → its share where the detector will be used, for the rule ``least_cost``.
        kind: what the scores claim to be.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.

    Returns:
        ``{"chosen_on": split, "rules": rules, "thresholds": {name: {rule: {"threshold", "value", "low",
        "high"}}}}``, with ``"reason"`` where a threshold is null and ``"prior"`` where the rule asks for one.

    Raises:
        ValueError: for scores of the test split, for none at all, for an unknown rule or option.
    """
    chosen_on = _validation(scores)
    for rule, options in rules.items():
        find_rule(rule, _with_prior(rule, options, 0.5 if fake_prior else None))
    priors = fake_prior or {}
    thresholds = {
        name: {
            rule: _choose(view, rule, _with_prior(rule, options, priors.get(name)), replicates, seed)
            for rule, options in rules.items()
        }
        for name, view in views(scores, kind).items()
    }
    stated = {rule: dict(options) for rule, options in rules.items()}
    return {"chosen_on": chosen_on, "rules": stated, "thresholds": thresholds}


def _with_prior(rule: str, options: Mapping[str, Any], prior: float | None) -> dict[str, Any]:
    wants_prior = rule == "least_cost" and "prior" not in options and prior is not None
    return {**options, "prior": prior} if wants_prior else dict(options)


def _choose(view: View, rule: str, options: dict[str, Any], replicates: int, seed: int) -> dict[str, Any]:
    chosen = choose_threshold(
        rule,
        view.scores[view.sought],
        view.scores[~view.sought],
        fake_identity=view.identity[view.sought],
        real_identity=view.identity[~view.sought],
        kinds=view.kinds,
        replicates=replicates,
        seed=seed,
        **options,
    ).as_json()
    return {**chosen, "prior": options["prior"]} if "prior" in options else chosen


def _validation(scores: pd.DataFrame) -> str:
    if scores.empty:
        raise ValueError("no validation scores to choose thresholds from; evaluate the val split of the run first")
    splits = sorted(scores["split"].dropna().unique()) if "split" in scores else ["val"]
    if splits != ["val"]:
        raise ValueError(
            f"thresholds are chosen on the split val alone; got {', '.join(splits) or 'none'}. "
            "Chosen on test scores they flatter the test figures"
        )
    return "val"
