"""Operating points: one threshold by one rule, all those of a detector (``thresholds.json``), and how they travel.

Give :func:`choose_threshold` and :func:`choose_thresholds` **validation** scores only: a threshold chosen on test
scores flatters the test figures. :func:`transfer_thresholds` then says how far the chosen ones are from those that
other clips would have asked for.

Conventions: a clip is fake when its score is at or above the threshold. Thresholds lie halfway between
neighbouring scores, so that they do not hang on one clip's last digit. Among equally good thresholds the one with
the highest TPR - FPR is taken, and among those the highest. For one of the four classes, the posteriors of its
members are the ``fake_scores`` and those of the rest the ``real_scores``.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multimodal.metrics.bootstrap import IdentityResampler, bootstrap, identity_codes, precision_of
from multimodal.metrics.checks import Floats, Ints, as_scores
from multimodal.metrics.decisions import Decisions, decisions_at
from multimodal.metrics.options import ScoreKind
from multimodal.metrics.scores_table import BinaryTarget, binary_targets, in_order
from multimodal.metrics.sorted_scores import Counts, SortedScores
from multimodal.metrics.threshold_rules import Merit, find_rule, youden

_LEVELS = (0.025, 0.975)
#: How many evenly spaced quantiles of the thresholds of the replicates are kept: steps of 2.5 %.
_NUM_DRAWS = 41

# One threshold.


class Threshold(NamedTuple):
    """A chosen threshold; None where not defined, and then ``reason`` says why.

    ``value`` is what the rule reports at the threshold, on the scores that it was chosen from. ``low`` and
    ``high`` hold 95 % of the thresholds that the rule chooses when identities are drawn again; ``draws`` are
    evenly spaced quantiles of those, from the lowest to the highest.
    """

    threshold: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    draws: tuple[float, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields as a dict, ``reason`` and ``draws`` only where there are any."""
        fields = self._asdict()
        without = [name for name in ("reason", "draws") if fields[name] is None]
        kept = {name: value for name, value in fields.items() if name not in without}
        return kept if self.draws is None else {**kept, "draws": list(self.draws)}


def choose_threshold(
    rule: str,
    *,
    fake_scores: ArrayLike,
    real_scores: ArrayLike,
    fake_identity: ArrayLike | None = None,
    real_identity: ArrayLike | None = None,
    sought: Literal["fake", "real"] = "fake",
    kinds: tuple[str, str] = ("fake", "real"),
    replicates: int = 1000,
    seed: int = 0,
    **options: float,
) -> Threshold:
    """Choose a threshold by one of the rules in :data:`~.threshold_rules.RULES`.

    Scores are given by name, since scikit-learn's order of labels and scores would give a wrong number unseen.

    Args:
        rule: its name, e.g. "f1", "youden", "target_fpr".
        fake_scores: (num_fake,) validation scores, higher = more likely fake.
        real_scores: (num_real,)
        fake_identity: (num_fake,) who is seen or heard; None: every clip is of another person.
        real_identity: (num_real,)
        sought: class whose recall, precision and F the rule speaks of; a clip is real below the threshold.
        kinds: what the first scores' clips and the others are called where a reason speaks of them.
        replicates: of the bootstrap over identities; 0 for none.
        seed: of the bootstrap.
        options: of the rule, e.g. ``fpr=0.01``.

    >>> choose_threshold("youden", fake_scores=[0.9, 0.8], real_scores=[0.2, 0.3], replicates=0)[:2]
    (0.55, 1.0)
    """
    merit_of = find_rule(rule, options)
    fake, real = as_scores(fake_scores, "fake_scores"), as_scores(real_scores, "real_scores")
    for name, scores in zip(kinds, (fake, real), strict=True):
        if len(scores) == 0:
            return Threshold(None, reason=f"no {name} clip to choose from")
    identity = _identities(fake, real, fake_identity, real_identity)
    ranked = SortedScores(fake, real, identity[: len(fake)], identity[len(fake) :])
    if len(ranked.distinct) == 1:
        return Threshold(None, reason=f"all scores are {ranked.distinct[0]:.4g}: no threshold separates anything")

    def apply(counts: Counts) -> tuple[Floats, Floats]:
        decisions = decisions_at(counts)
        return _best(ranked, counts, merit_of(_seek(decisions, sought), **options), decisions)

    threshold, value = (float(result[0]) for result in apply(ranked.counts()))
    if np.isnan(threshold):
        return Threshold(None, reason="no threshold on these scores reaches what was asked for")
    resampler = IdentityResampler(identity, np.repeat([1, 0], [len(fake), len(real)]))
    reason = precision_of(resampler, kinds[::-1]).reason
    if replicates == 0 or reason is not None:
        return Threshold(threshold, value, reason=reason)
    found = bootstrap(
        lambda draw: {"threshold": apply(ranked.counts(draw))[0]}, resampler, replicates=replicates, seed=seed
    )
    replicated = found["threshold"].replicates
    low, high = np.nanquantile(replicated, _LEVELS)
    draws = np.nanquantile(replicated, np.linspace(0, 1, _NUM_DRAWS))
    return Threshold(threshold, value, float(low), float(high), draws=tuple(draws.tolist()))


def _identities(fake: Floats, real: Floats, of_fake: ArrayLike | None, of_real: ArrayLike | None) -> Ints:
    if (of_fake is None) != (of_real is None):
        raise ValueError("give the identities of both fake and real clips, or of neither")
    if of_fake is None or of_real is None:
        return np.arange(len(fake) + len(real))
    names = [np.asarray(of_fake, dtype=object), np.asarray(of_real, dtype=object)]
    if (len(names[0]), len(names[1])) != (len(fake), len(real)):
        raise ValueError(
            f"{len(names[0])} and {len(names[1])} identities for {len(fake)} fake and {len(real)} real scores"
        )
    return identity_codes(np.concatenate(names))


def _seek(decisions: Decisions, sought: str) -> Decisions:
    if sought not in ("fake", "real"):
        raise ValueError(f"sought must be 'fake' or 'real'; got {sought!r}")
    return decisions if sought == "fake" else decisions.seeking_real()


def _best(ranked: SortedScores, counts: Counts, merit: Merit, decisions: Decisions) -> tuple[Floats, Floats]:
    """Threshold and value, each (replicates,), of the best point; NaN where no point qualifies."""
    objective = np.where(np.isnan(merit.objective), -np.inf, merit.objective)
    best = objective.max(axis=0)
    second = np.where(objective >= best - 1e-12, youden(decisions).objective, -np.inf)
    point = np.nan_to_num(second, nan=-np.inf).argmax(axis=0)
    here = np.arange(len(point))
    # clips of weight 0 flag nothing: the points that count alike are one gap
    fake, real = counts.each(point)
    alike = (counts.fake() == fake) & (counts.real() == real)
    threshold = ranked.cut(point, point + alike.sum(axis=0) - 1)
    defined = np.isfinite(best)
    return np.where(defined, threshold, np.nan), np.where(defined, merit.value[point, here], np.nan)


# The operating points of a detector, chosen on the scores of its validation split: ``thresholds.json``.

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
        Plain values: ``{"chosen_on": split, "rules": rules, "thresholds": {name: {rule: {"threshold", "value",
        "low", "high"}}}}``, with ``"reason"`` where a threshold is null and ``"prior"`` where the rule asks for
        one.

    Raises:
        ValueError: for scores of the test split, for none at all, for an unknown rule or option.
    """
    chosen_on = _validation(scores)
    for rule, options in rules.items():
        find_rule(rule, _with_prior(rule, options, 0.5 if fake_prior else None))
    thresholds: dict[str, dict[str, Any]] = {}
    for name, target in binary_targets(in_order(scores), kind).items():
        thresholds[name] = {}
        for rule, stated in rules.items():
            options = _with_prior(rule, stated, (fake_prior or {}).get(name))
            chosen = _choose(target, rule, options, replicates, seed).as_json()
            thresholds[name][rule] = {**chosen, "prior": options["prior"]} if "prior" in options else chosen
    as_stated = {rule: dict(options) for rule, options in rules.items()}
    return {"chosen_on": chosen_on, "rules": as_stated, "thresholds": thresholds}


def _with_prior(rule: str, options: Mapping[str, Any], prior: float | None) -> dict[str, Any]:
    wants_prior = rule == "least_cost" and "prior" not in options and prior is not None
    return {**options, "prior": prior} if wants_prior else dict(options)


def _choose(target: BinaryTarget, rule: str, options: Mapping[str, Any], replicates: int, seed: int) -> Threshold:
    fake = target.labels == 1
    return choose_threshold(
        rule,
        fake_scores=target.scores[fake],
        real_scores=target.scores[~fake],
        fake_identity=target.identity[fake],
        real_identity=target.identity[~fake],
        kinds=target.kinds,
        replicates=replicates,
        seed=seed,
        **options,
    )


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


# The same thresholds on other scores, and how far they are from those that would have been chosen there.


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
    found = binary_targets(in_order(scores), kind)
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
    target: BinaryTarget, rule: str, entry: Mapping[str, Any], options: dict[str, Any], replicates: int, seed: int
) -> dict[str, Any]:
    there = _choose(target, rule, options, replicates, seed)
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
    if stored is not None and target.has_both:
        fake = target.labels == 1
        value = value_at(rule, target.scores[fake], target.scores[~fake], stored, **options)
        result["value_at_stored"] = value if np.isfinite(value) else None
    if stored is not None and there.threshold is not None:
        result["offset"] = stored - there.threshold
        differs = (target.scores >= stored) != (target.scores >= there.threshold)
        result["called_differently"] = float(np.mean(differs))
    return result if reason is None else {**result, "reason": reason}
