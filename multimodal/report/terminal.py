"""Numbers as aligned text, for who reads them in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from multimodal.artefacts import shown
from multimodal.labels import TARGETS
from multimodal.metrics.evaluation import BIAS_OF_FEW, FEW_REALS
from multimodal.metrics.scores_table import QUESTIONS
from multimodal.report.pages.render import as_number, count, decimal, interval, metric_name, p_value, smallest_seen

#: Letters of a cell at most.
_LONGEST = 60
_SHOWN_METHODS = ("auc", "eer", "tpr_at_fpr_1pct")


def metric_table(metrics: Mapping[str, Any], target: str) -> list[str]:
    """Every metric of a target with its interval, beside the floors of trivial systems."""
    counts, floors = metrics["counts"][target], metrics["floors"][target]
    header = f"{target}: " + ", ".join(
        f"{count(counts[name])} {name.replace('_', ' ')}" for name in ("real", "fake", "identities", "not_judged")
    )
    rows = [
        (
            metric_name(metric),
            decimal(result),
            interval(result),
            *(_known(floors.get(system, {}).get(metric)) for system in ("random", "always_fake")),
        )
        for metric, result in metrics[target].items()
    ]
    reasons = dict.fromkeys(result["reason"] for result in metrics[target].values() if "reason" in result)
    titles = ("metric", "value", "95 % interval", "random", "always fake")
    few = [f"  note: {BIAS_OF_FEW}"] if 0 < counts["real"] < FEW_REALS else []
    return [
        header,
        *aligned([titles, *rows]),
        *few,
        *(f"  no number or no interval: {reason}" for reason in reasons),
    ]


def method_table(metrics: Mapping[str, Any], target: str) -> list[str]:
    """Each forgery method against all reals, and the mean over methods; nothing where there is one method only."""
    methods = metrics["per_method"].get(target, {})
    if len(methods) < 2:
        return []
    macro = metrics["macro_over_methods"][target]
    rows = [(str(name), count(row["count"]), *_results(row)) for name, row in methods.items()]
    titles = ("method", "fakes", *(title for name in _SHOWN_METHODS for title in (metric_name(name), "")))
    return aligned([titles, *rows, ("mean over methods", "", *_results(macro))])


def comparison_table(comparison: Mapping[str, Any], target: str) -> list[str]:
    """Two systems on the same clips: A, B, A - B with its interval, and p-values."""
    part = comparison[target]
    rows = [
        (
            metric_name(metric),
            decimal(entry["a"]),
            decimal(entry["b"]),
            decimal(entry["difference"]),
            interval({**entry, "value": entry["difference"]}),
            p_value(entry["p_value"]),
            p_value(entry["p_holm"]),
            smallest_seen(entry),
        )
        for metric, entry in part["metrics"].items()
    ]
    titles = ("metric", "A", "B", "A - B", "95 % interval", "p", "p (Holm)", "could be seen")
    primary = [metric_name(metric) for metric, entry in part["metrics"].items() if not entry["exploratory"]]
    named = f"{', '.join(primary)} alone takes the full level; the others are" if primary else "All of them are"
    seen = (
        f"  {named} exploratory and share one (Holm). Differences below the one that could be seen (80 % power) "
        "are not ruled out."
    )
    delong = f"  DeLong's test of the ROC areas: p {p_value(part['delong']['p_value'])}"
    return [f"{target}: A against B", *aligned([titles, *rows]), seen, delong]


def threshold_table(chosen: Mapping[str, Any]) -> list[str]:
    """A row a rule, a column for any, video, audio and each head alone; then why numbers or intervals lack."""
    names = [name for name in QUESTIONS if name in chosen["thresholds"]]
    rows = [("rule", *(text for name in names for text in (name.replace("_", " "), "")))]
    for rule in chosen["rules"]:
        entries = [chosen["thresholds"][name][rule] for name in names]
        rows.append((rule, *(text for entry in entries for text in _cells(entry))))
    return [*aligned(rows), *_reasons(chosen["thresholds"])]


def _reasons(thresholds: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Each reason why there is no threshold or no interval once, after the targets and rules it holds for."""
    concerned: dict[str, list[str]] = {}
    for name, row in thresholds.items():
        rules: dict[str, list[str]] = {}
        for rule, entry in row.items():
            if "reason" in entry:
                rules.setdefault(entry["reason"], []).append(rule)
        for reason, of in rules.items():
            concerned.setdefault(reason, []).append(name if len(of) == len(row) else f"{name} {' '.join(of)}")
    return [f"  {', '.join(names)}: {reason}" for reason, names in concerned.items()]


def _cells(entry: Mapping[str, Any]) -> tuple[str, str]:
    return decimal(entry["threshold"]), interval({**entry, "value": entry["threshold"]})


def transfer_table(found: Mapping[str, Any]) -> list[str]:
    """The stored thresholds beside those chosen on other scores: a row for each target and rule."""
    rows: list[tuple[str, ...]] = [
        ("", "stored", "chosen there", "", "value at stored", "at chosen there", "called differently")
    ]
    for name in (name for name in TARGETS if name in found):
        for rule, entry in found[name].items():
            there = {**entry, "value": entry["chosen_there"]}
            numbers = (entry["value_at_stored"], entry["value_there"], entry["called_differently"])
            rows.append(
                (
                    f"{name} {rule}",
                    decimal(entry["stored"]),
                    decimal(there),
                    interval(there),
                    *map(decimal, numbers),
                )
            )
    return aligned(rows)


def warning_lines(metrics: Mapping[str, Any], place: str) -> list[str]:
    """The warnings to be seen first, and how many more there are to read in ``place``."""
    lines = [f"warning: {shown(line)}" for line in metrics["warnings"]]
    further = len(metrics["further_warnings"])
    return [*lines, f"further warnings ({further}): {place}"] if further else lines


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as lines, the first column to the left, the others to the right.

    A name is a stranger's: a line break in it begins no row, and a long one is shortened in its middle.

    >>> aligned([("metric", "value"), ("AUC", "0.5")])
    ['  metric  value', '  AUC       0.5']
    """
    rows = [[_short(shown(text)) for text in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _short(text: str) -> str:
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[: half - 1]}…{text[-half:]}"


def _known(value: Any) -> str:
    return "-" if as_number(value) is None else decimal(value)


def _results(row: Mapping[str, Any]) -> list[str]:
    return [text for name in _SHOWN_METHODS for text in (decimal(row.get(name)), interval(row.get(name)))]
