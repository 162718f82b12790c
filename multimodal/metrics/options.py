"""What can be asked of thresholds, of calibrations and of files of scores, as plain values; needs no NumPy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from multimodal.ranges import above, between, check_ranges

#: How a threshold is chosen.
RuleName = Literal[
    "f1",
    "youden",
    "eer",
    "target_fpr",
    "f_beta",
    "break_even",
    "precision_at_recall",
    "recall_at_precision",
    "least_cost",
]

#: How a probability is made to mean what it says.
CalibrationName = Literal["temperature", "platt", "isotonic"]


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """What the rules ask for.

    Args:
        fpr: largest share of reals that target_fpr may call fake.
        recall: least share of fakes that precision_at_recall must find.
        precision: least share of fakes among the alarms of recall_at_precision.
        beta: of f_beta; recall counts so many times as much as precision.
        cost_miss: of a fake called real, for least_cost.
        cost_false_alarm: of a real called fake, for least_cost.
    """

    fpr: Annotated[float, between(0, 1)] = 0.01
    recall: Annotated[float, between(0, 1)] = 0.9
    precision: Annotated[float, between(0, 1)] = 0.9
    beta: Annotated[float, above(0)] = 2.0
    cost_miss: Annotated[float, above(0)] = 1.0
    cost_false_alarm: Annotated[float, above(0)] = 1.0

    def __post_init__(self) -> None:
        check_ranges(self)

    def of(self, rule: str) -> dict[str, float]:
        """The options of one rule, by the names that it has for them."""
        return {
            "target_fpr": {"fpr": self.fpr},
            "precision_at_recall": {"recall_wanted": self.recall},
            "recall_at_precision": {"precision_wanted": self.precision},
            "f_beta": {"beta": self.beta},
            "least_cost": {"cost_of_missed": self.cost_miss, "cost_of_flagged": self.cost_false_alarm},
        }.get(rule, {})

    def for_rules(self, rules: Iterable[str]) -> dict[str, dict[str, float]]:
        """Rule → options; ``ValueError`` where an option was changed whose rule is not chosen."""
        chosen = list(dict.fromkeys(rules))
        unused = [
            rule
            for rule in get_args(RuleName)
            if rule not in chosen and self.of(rule) != DEFAULT_RULE_OPTIONS.of(rule)
        ]
        if unused:
            raise ValueError(f"an option of the rule {unused[0]} is given, which is not chosen; add it to --rules")
        return {rule: self.of(rule) for rule in chosen}


DEFAULT_RULE_OPTIONS = RuleOptions()


# Files of scores.

#: What a score claims to be: a probability of fake, a log-likelihood ratio, or a rank alone.
ScoreKind = Literal["probability", "llr", "score"]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns, or their numbers from 1; those left out are read under their usual name.

    Args:
        clip_id: names the clip.
        score: what the system says.
        label: what the clip is.
        identity: who is seen or heard; intervals come from drawing identities.
        method: how it was forged.
        split: train, val or test.
    """

    clip_id: str = "clip_id"
    score: str = "score"
    label: str = "label"
    identity: str | None = None
    method: str | None = None
    split: str | None = None


@dataclass(frozen=True, kw_only=True)
class JoinedColumns:
    """Names of the columns of the joined file, or their numbers from 1; left out: the usual names.

    Args:
        label: what the clip is; the usual names are label, and any_fake, video_fake or audio_fake by target.
        identity: who is seen or heard.
        method: how it was forged.
        split: train, val or test.
    """

    label: str | None = None
    identity: str | None = None
    method: str | None = None
    split: str | None = None
