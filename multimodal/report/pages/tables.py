"""Tables of a run: thresholds and the decisions at them, methods, time, settings, and two systems compared."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from multimodal.labels import TARGETS
from multimodal.metrics.target_metrics import METRICS
from multimodal.report.figures.style import rule_name
from multimodal.report.pages.render import (
    Bar,
    Code,
    Table,
    Written,
    as_number,
    count,
    metric_name,
    p_value,
    result_of,
    seconds,
    smallest_seen,
)

#: What is told of the decisions at a threshold; a class against the rest has some of them only.
_AT_THRESHOLDS = ("balanced_accuracy", "recall", "recall_real", "precision", "f1", "f1_real")


class Run(NamedTuple):
    """What the sections of a run's page are made from."""

    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    thresholds: Mapping[str, Any] | None
    timings: Mapping[str, float]


def threshold_tables(thresholds: Mapping[str, Any] | None) -> list[Table]:
    """Every threshold of ``thresholds.json``: where it lies, how sure that is, what its rule reports."""
    rules_of = (thresholds or {}).get("rules", {})
    rows = [
        [
            target.replace("_", " "),
            rule_title(rule, rules_of.get(rule, {})),
            {**chosen, "value": chosen.get("threshold")},
            as_number(chosen.get("value")),
            chosen.get("reason") or "",
        ]
        for target, rules in (thresholds or {}).get("thresholds", {}).items()
        for rule, chosen in rules.items()
    ]
    headers = ("target", "rule", "threshold", "the rule's own value there", "")
    return [Table(headers, rows)] if rows else []


def decision_tables(metrics: Mapping[str, Any], names: Iterable[str]) -> list[Table]:
    """Decisions of each of ``names`` that has thresholds, at even odds and then at each stored threshold."""
    stored = metrics.get("at_thresholds") or {}
    results = [metric_name(metric) for metric in _AT_THRESHOLDS]
    return [
        Table(
            (name.replace("_", " "), "threshold", *results),
            [_decision(rule, row) for rule, row in stored[name].items()],
        )
        for name in names
        if stored.get(name)
    ]


def _decision(rule: str, row: Mapping[str, Any]) -> list[Any]:
    return [
        rule_name(rule),
        as_number(row["threshold"]),
        *(result_of(row.get(metric)) for metric in _AT_THRESHOLDS),
    ]


def rule_title(rule: str, options: Mapping[str, Any]) -> str:
    """A rule with its options.

    >>> rule_title("target_fpr", {"fpr": 0.01}), rule_title("f1", {})
    ('limit on false alarms (fpr 0.01)', 'best F1')
    """
    stated = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in options.items())
    return f"{rule_name(rule)} ({stated})" if stated else rule_name(rule)


def all_thresholds(run: Run) -> list[Table]:
    """The thresholds, and the decisions at them beside those at even odds."""
    chosen = threshold_tables(run.thresholds)
    decisions = decision_tables(run.metrics, TARGETS)
    if decisions:
        split = run.metrics.get("split") or "all clips"
        title = f"Decisions on {split} at these thresholds, beside those at even odds"
        decisions[0] = decisions[0]._replace(title=title)
    if chosen:
        chosen_on = (run.thresholds or {}).get("chosen_on", "unknown")
        chosen[0] = chosen[0]._replace(
            note=f"Chosen on the split {chosen_on}, with the interval of each threshold."
        )
    return chosen + decisions


def methods(run: Run) -> list[Table]:
    """The fakes of each method against all real clips, with the floor of a system that guesses."""
    note = (
        "The fakes of a method against all real clips, decisions at even odds; after the interval, in round "
        "brackets, what a system that guesses at random reaches on them."
    )
    tables = []
    for target, of_method in (run.metrics.get("per_method") or {}).items():
        names = list(dict.fromkeys(name for row in of_method.values() for name in row if name in METRICS))
        rows = [
            [method, row.get("count"), *(_above_floor(row, name) for name in names)]
            for method, row in of_method.items()
        ]
        if rows:
            headers = ("method", "clips", *map(metric_name, names))
            tables.append(Table(headers, rows, note=note, folded=f"{target}: as a table, with every metric"))
    return tables


def _above_floor(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**result_of(row.get(name)), "floor": row.get("floors", {}).get("random", {}).get(name)}


def moments(run: Run) -> list[Table]:
    """How well forged stretches are found, a column a target; nothing where no head judges moments."""
    found = run.metrics.get("localisation") or {}
    if "test" not in found:
        return []
    targets = list(found["test"])
    rows = [[name, *(found["test"][target][name] for target in targets)] for name in found["test"][targets[0]]]
    rows += [
        [name.replace("_", " "), *(result_of(found["at_threshold"][target][name]) for target in targets)]
        for name in found["at_threshold"][targets[0]]
    ]
    note = (
        f"{found['clips']} clips of test. AP at an IoU and AR with so many proposals a clip, as the corpora count "
        f"them; the last rows are at thresholds, chosen on {found['chosen_on']}, at which at most "
        f"{100 * found['false_alarms']:g} % of genuine clips are to show a stretch in picture or sound."
    )
    return [Table(("measure", *targets), rows, note=note)]


def timings(run: Run) -> list[Table]:
    """Seconds of each stage, and its share of all."""
    together = sum(run.timings.values())
    shares = {name: 100 * spent / (together or 1) for name, spent in run.timings.items()}
    rows = [
        [name, Written(seconds(run.timings[name])), Written(f"{share:.0f} %"), Bar(share)]
        for name, share in shares.items()
    ]
    total = ["together", Written(seconds(together)), Written(""), Bar(0)]
    return [Table((), [*rows, total])] if rows else []


def configuration(run: Run) -> list[Table]:
    """Every option of the run, folded away."""
    rows = [[Code(name), Code(setting)] for name, setting in _flatten(run.config)]
    return [Table((), rows, folded=f"{len(rows)} options")] if rows else []


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, setting in config.items():
        if isinstance(setting, Mapping) and setting:
            yield from _flatten(setting, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting if isinstance(setting, str) else json.dumps(setting, default=str)


# Two systems on the same clips.


def comparison_tables(comparison: Mapping[str, Any], first: str, second: str) -> list[Table]:
    """A table a target of what :func:`multimodal.metrics.compare` gives on ``first`` (A) and ``second`` (B)."""
    tables = []
    for target, part in comparison.items():
        rows = [
            [
                metric_name(metric),
                as_number(entry["a"]),
                as_number(entry["b"]),
                {**entry, "value": entry["difference"]},
                Written(p_value(entry["p_value"])),
                Written(p_value(entry["p_holm"])),
                Written(smallest_seen(entry)),
                entry.get("reason") or "",
            ]
            for metric, entry in part["metrics"].items()
        ]
        clips = ", ".join(f"{count(part['counts'][name])} {name}" for name in ("real", "fake", "identities"))
        note = (
            f"A is {first}, B is {second}. Paired bootstrap over identities. ROC-AUC of the first target is "
            "what is tested at the full level; the others are exploratory and share one (Holm). Differences below "
            "those that could be seen (80 % power) are not ruled out. DeLong's test of the two ROC areas, which "
            f"takes clips as independent: p {p_value(part['delong']['p_value'])}."
        )
        headers = ("metric", "A", "B", "A - B", "p", "p (Holm)", "could be seen", "")
        tables.append(Table(headers, rows, title=f"{target}: {clips}", note=note))
    return tables
