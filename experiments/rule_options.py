"""What the rules for thresholds ask for, as options of a command line."""

from collections.abc import Iterable
from dataclasses import dataclass

from multimodal.metrics.threshold_rules import RULES


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

    fpr: float = 0.01
    recall: float = 0.9
    precision: float = 0.9
    beta: float = 2.0
    cost_miss: float = 1.0
    cost_false_alarm: float = 1.0

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
        unused = [rule for rule in RULES if rule not in chosen and self.of(rule) != DEFAULT_OPTIONS.of(rule)]
        if unused:
            raise ValueError(f"an option of the rule {unused[0]} is given, which is not chosen; add it to --rules")
        return {rule: self.of(rule) for rule in chosen}


DEFAULT_OPTIONS = RuleOptions()
