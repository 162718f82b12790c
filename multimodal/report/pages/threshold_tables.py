"""Tables of thresholds and of the decisions at them, for every page that shows them."""

from collections.abc import Iterable, Mapping
from typing import Any

from multimodal.report.figures.style import rule_name

#: What is told of the decisions at a threshold; a class against the rest has some of them only.
AT_THRESHOLDS = ("balanced_accuracy", "recall", "recall_real", "precision", "f1", "f1_real")


def threshold_rows(thresholds: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """A row for every threshold of ``thresholds.json``: where it lies, how sure that is, what its rule reports."""
    return [
        {
            "target": target.replace("_", " "),
            "rule": rule_title(rule, (thresholds or {}).get("rules", {}).get(rule, {})),
            "chosen": {**chosen, "value": chosen.get("threshold")},
            "reached": chosen.get("value"),
            "reason": chosen.get("reason") or "",
        }
        for target, rules in (thresholds or {}).get("thresholds", {}).items()
        for rule, chosen in rules.items()
    ]


def decision_tables(metrics: Mapping[str, Any], names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """For each of ``names`` that has thresholds, its decisions at even odds and then at each stored threshold."""
    stored = metrics.get("at_thresholds") or {}
    return {
        name: [
            {
                "rule": rule_name(rule),
                "threshold": row["threshold"],
                "results": [row.get(metric) for metric in AT_THRESHOLDS],
            }
            for rule, row in stored[name].items()
        ]
        for name in names
        if stored.get(name)
    }


def rule_title(rule: str, options: Mapping[str, Any]) -> str:
    """A rule with its options.

    >>> rule_title("target_fpr", {"fpr": 0.01}), rule_title("f1", {})
    ('false positive rate (fpr 0.01)', 'best F1')
    """
    stated = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in options.items())
    return f"{rule_name(rule)} ({stated})" if stated else rule_name(rule)
