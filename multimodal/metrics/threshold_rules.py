"""Rules that say how good each threshold is.

A rule takes the decisions at every possible threshold, (points, replicates), and gives what it wants as large
as possible and the value to report, both of that shape; minus infinity where a threshold does not qualify. The
class sought (``fake`` in the names below) may be real instead: the caller exchanges the classes.
"""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from multimodal.catalog import unknown
from multimodal.metrics.checks import Floats, check_share
from multimodal.metrics.costs import CostModel
from multimodal.metrics.decisions import Decisions, f_beta, precision, recall


class Merit(NamedTuple):
    """What a rule wants largest, and what it reports, each (points, replicates)."""

    objective: Floats
    value: Floats


def f1(decisions: Decisions) -> Merit:
    """Largest F1."""
    return f_beta_rule(decisions, beta=1.0)


def f_beta_rule(decisions: Decisions, *, beta: float = 2.0) -> Merit:
    """Largest F-beta."""
    score = f_beta(decisions, beta)
    return Merit(score, score)


def youden(decisions: Decisions) -> Merit:
    """Largest J = TPR - FPR (Youden 1950), which does not depend on the share of fakes."""
    index = recall(decisions) + recall(decisions.seeking_real()) - 1
    return Merit(index, index)


def break_even(decisions: Decisions) -> Merit:
    """Precision = recall: as many clips are flagged as there are fakes. Reports the mean of the two."""
    flagged = decisions.fake_called_fake + decisions.real_called_fake
    return Merit(-np.abs(flagged - decisions.num_fake), (precision(decisions) + recall(decisions)) / 2)


def precision_at_recall(decisions: Decisions, *, recall_wanted: float) -> Merit:
    """Best precision among thresholds that catch at least ``recall_wanted`` of the fakes."""
    check_share("recall_wanted", recall_wanted)
    reached = precision(decisions)
    return Merit(np.where(recall(decisions) >= recall_wanted - 1e-9, reached, -np.inf), reached)


def recall_at_precision(decisions: Decisions, *, precision_wanted: float) -> Merit:
    """Best recall among thresholds with at least ``precision_wanted``; may not exist."""
    check_share("precision_wanted", precision_wanted)
    reached = recall(decisions)
    return Merit(np.where(precision(decisions) >= precision_wanted - 1e-9, reached, -np.inf), reached)


def eer(decisions: Decisions) -> Merit:
    """Rates of missed fakes and of flagged reals nearest to each other. Reports their mean."""
    missed, flagged = 1 - recall(decisions), 1 - recall(decisions.seeking_real())
    return Merit(-np.abs(missed - flagged), (missed + flagged) / 2)


def target_fpr(decisions: Decisions, *, fpr: float = 0.01) -> Merit:
    """Best recall among thresholds that flag at most ``fpr`` of the reals."""
    check_share("fpr", fpr)
    reached, flagged = recall(decisions), 1 - recall(decisions.seeking_real())
    return Merit(np.where(flagged <= fpr + 1e-9, reached, -np.inf), reached)


def least_cost(
    decisions: Decisions, *, prior: float, cost_of_missed: float = 1.0, cost_of_flagged: float = 1.0
) -> Merit:
    """Least expected cost of a clip where a share ``prior`` of clips is fake; reports that cost."""
    CostModel(fake_prior=prior, cost_of_missed_fake=cost_of_missed, cost_of_flagged_real=cost_of_flagged)
    missed, flagged = 1 - recall(decisions), 1 - recall(decisions.seeking_real())
    cost = prior * cost_of_missed * missed + (1 - prior) * cost_of_flagged * flagged
    return Merit(-cost, cost)


#: The names of :data:`.options.RuleName` and what they stand for; figures mark the first of them.
RULES: dict[str, Callable[..., Merit]] = {
    "f1": f1,
    "youden": youden,
    "eer": eer,
    "target_fpr": target_fpr,
    "f_beta": f_beta_rule,
    "break_even": break_even,
    "precision_at_recall": precision_at_recall,
    "recall_at_precision": recall_at_precision,
    "least_cost": least_cost,
}


def find_rule(name: str, options: dict[str, float]) -> Callable[..., Merit]:
    """The rule of that name; ``ValueError`` for an unknown name or for options that are not its own."""
    if name not in RULES:
        raise ValueError(unknown("threshold rule", name, RULES))
    parameters = [p for p in inspect.signature(RULES[name]).parameters.values() if p.kind is p.KEYWORD_ONLY]
    known = ", ".join(p.name for p in parameters) or "none"
    for option in options:
        if option not in [p.name for p in parameters]:
            raise ValueError(f"threshold rule {name!r} has no option {option!r}; it has: {known}")
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.name not in options:
            raise ValueError(f"threshold rule {name!r} needs {parameter.name}=")
    return RULES[name]
