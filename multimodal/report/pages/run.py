"""The page of one run: what it reaches, how sure that is, and what a trivial system would reach."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from multimodal.labels import TARGETS
from multimodal.metrics.target_metrics import DECISIONS, METRICS, PROBABILITIES, RANKING
from multimodal.report.figures.style import rule_name
from multimodal.report.pages.render import as_number, image_uri, render

# Two systems on the same clips, as rows of a table.


def comparison_tables(comparison: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For each target the rows, DeLong's test and the counts of :func:`multimodal.metrics.compare`."""
    return {
        target: {
            "rows": [
                {
                    "metric": metric,
                    "a": entry["a"],
                    "b": entry["b"],
                    "difference": {**entry, "value": entry["difference"]},
                    "p_value": entry["p_value"],
                    "p_holm": entry["p_holm"],
                    "reason": entry.get("reason") or "",
                }
                for metric, entry in part["metrics"].items()
            ],
            "delong": part["delong"],
            "counts": part["counts"],
        }
        for target, part in comparison.items()
    }


# What a run's figures are called on its page, and how to read them.


class Section(NamedTuple):
    """A heading with the figures beneath it, ``images`` from a figure's name to its caption."""

    name: str
    title: str
    text: str
    images: dict[str, str]
    pair: bool = False


SECTIONS = (
    Section(
        "ranking",
        "Ranking, at every threshold",
        "How well the scores put fakes above real clips, before any threshold is chosen.",
        {
            "roc": "The cross marks the equal error rate, the other marks the chosen thresholds.",
            "precision_recall": "Read it against the dashed line: where fakes are common, guesses are right.",
            "det": "The same errors on axes that spread the corner where good detectors live.",
        },
    ),
    Section(
        "classes",
        "The four classes",
        "R real, F fake, V video, A audio: FVRA is a fake picture with a genuine voice.",
        {
            "confusion": "Shares are of each row, so that rare classes count as much as common ones.",
            "score_scatter": "Each class belongs in a corner of its own; lines are the first threshold of each.",
        },
        pair=True,
    ),
    Section(
        "methods",
        "By forgery method",
        "Each method against all real clips: the mean hides the method that the detector cannot see.",
        {"methods": "Number of clips in parentheses; few clips give wide intervals."},
    ),
    Section(
        "scores",
        "Scores and thresholds",
        "Where the two labels lie, where the thresholds cut them, and what another threshold would change.",
        {
            "label_histograms": "Heights are shares of each label's own clips. The band is the uncertainty of the "
            "first threshold.",
            "class_histograms": "A score for one modality should not move with the label of the other.",
            "threshold_confusions": "Shares are of each row: false alarms at the upper right, misses at the "
            "lower left.",
            "f1_by_threshold": "No training is needed to move along these curves.",
            "threshold_spread": "The bar holds 95 % of what the rule chooses when identities are drawn again.",
        },
    ),
    Section(
        "calibration",
        "Are the probabilities true?",
        "Points above the line: more clips are fake than the detector says.",
        {"reliability": "Bars are Wilson intervals for independent clips; calibration was fitted on validation."},
    ),
    Section("training", "Training", "Loss and validation metrics by optimizer step.", {"training": ""}),
)


# Tables of thresholds and of the decisions at them, for every page that shows them.


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


_GROUPS = (
    ("ranking, without a threshold", RANKING),
    ("decisions at 0.5", DECISIONS),
    ("probabilities", PROBABILITIES),
)
_HEADLINES = (("any", "auc"), ("video", "auc"), ("audio", "auc"), ("class", "balanced_accuracy"))


def run_report(
    *,
    title: str,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    thresholds: Mapping[str, Any] | None,
    images: Mapping[str, bytes],
    synthetic: bool,
    timings: Mapping[str, float] | None = None,
    split_summary: str = "",
    warnings: Sequence[str] = (),
    comparison: Mapping[str, Any] | None = None,
    compared: tuple[str, str] = ("A", "B"),
) -> str:
    """A self-contained HTML page about one run.

    Args:
        title: heading of the page.
        config: the run's configuration, nested or flat.
        metrics: content of ``metrics.json``.
        thresholds: content of ``thresholds.json``, or None where no threshold was chosen.
        images: PNG files of :func:`~multimodal.report.figures.run_figures` by name.
        synthetic: whether the clips were generated; the page then says that its numbers mean nothing beyond.
        timings: seconds of each stage, in order.
        split_summary: a sentence on how the clips were split and what leakage remains.
        warnings: further lines that a reader must see first.
        comparison: of this system (A) and another (B), as :func:`multimodal.metrics.compare` gives it.
        compared: names of the two.
    """
    targets = [target for target in (*TARGETS, "class") if metrics.get(target)]
    intervals = metrics.get("intervals") or {}
    return render(
        "run.html.j2",
        title=title,
        synthetic=synthetic,
        split=metrics.get("split"),
        split_summary=split_summary,
        warnings=[*warnings, *metrics.get("warnings", ())],
        further_warnings=metrics.get("further_warnings", ()),
        headlines=[headline(metrics, *place) for place in _HEADLINES if place[0] in targets],
        results={target: _results(metrics, target) for target in targets},
        counts={name: row for name, row in (metrics.get("counts") or {}).items() if name in TARGETS},
        comparisons=comparison_tables(comparison or {}),
        compared=compared,
        level=f"{100 * intervals.get('level', 0.95):g} %",
        interval_method=intervals.get("method", "method not stated"),
        sections=[
            _section(section, images, is_narrow=len(metrics.get("counts") or {}) == 1)
            for section in SECTIONS
            if any(name in images for name in section.images)
        ],
        methods=_method_tables(metrics),
        thresholds=threshold_rows(thresholds),
        decisions=decision_tables(metrics, TARGETS),
        decision_metrics=AT_THRESHOLDS,
        chosen_on=(thresholds or {}).get("chosen_on", "unknown"),
        timings=_timing_rows(timings or {}),
        total_seconds=sum((timings or {}).values()),
        config=list(_flatten(config)),
    )


def headline(metrics: Mapping[str, Any], target: str, metric: str) -> dict[str, Any]:
    """One figure with the harder of its floors, and whether its interval reaches down to it."""
    result = metrics[target].get(metric)
    floors = {name: as_number(row.get(metric)) for name, row in _floors(metrics, target).items()}
    known = {name: floor for name, floor in floors.items() if floor is not None}
    hardest = (min if _is_lower_better(metric) else max)(known, key=lambda name: known[name], default=None)
    floor = None if hardest is None else known[hardest]
    return {
        "target": target,
        "metric": metric,
        "result": result,
        "floor": floor,
        "floor_of": "none known" if hardest is None else hardest.replace("_", " "),
        "at_floor": _is_at_floor(result, floor, metric),
    }


def _is_lower_better(metric: str) -> bool:
    return metric in METRICS and not METRICS[metric].higher_is_better


def _is_at_floor(result: Any, floor: float | None, metric: str) -> bool:
    bound = "high" if _is_lower_better(metric) else "low"
    worst = as_number(result.get(bound)) if isinstance(result, Mapping) else None
    worst = as_number(result) if worst is None else worst
    if worst is None or floor is None:
        return False
    return worst >= floor if _is_lower_better(metric) else worst <= floor


def _floors(metrics: Mapping[str, Any], target: str) -> Mapping[str, Mapping[str, Any]]:
    return (metrics.get("floors") or {}).get(target) or {}


def _results(metrics: Mapping[str, Any], target: str) -> dict[str, Any]:
    floors = _floors(metrics, target)
    rows = [
        {
            "group": next((title for title, names in _GROUPS if target in TARGETS and metric in names), ""),
            "metric": metric,
            "result": result,
            "random": floors.get("random", {}).get(metric),
            "always_fake": floors.get("always_fake", {}).get(metric),
        }
        for metric, result in metrics[target].items()
    ]
    return {"rows": rows, "reasons": _reasons(metrics[target].values())}


def _reasons(results: Iterable[Any]) -> list[str]:
    """Why numbers or intervals are missing, each reason once."""
    reasons = [result.get("reason") for result in results if isinstance(result, Mapping)]
    return list(dict.fromkeys(reason for reason in reasons if reason))


def _section(section: Section, images: Mapping[str, bytes], *, is_narrow: bool) -> dict[str, Any]:
    """A section for the template; narrow figures, of one target alone, stand side by side."""
    shown = [
        {"uri": image_uri(images[name]), "name": name, "caption": caption}
        for name, caption in section.images.items()
        if name in images
    ]
    return {**section._asdict(), "images": shown, "pair": section.pair or is_narrow}


def _method_tables(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tables = {}
    for target, methods in (metrics.get("per_method") or {}).items():
        names = list(dict.fromkeys(name for row in methods.values() for name in row if name in METRICS))
        rows = [
            {"method": method, "count": row.get("count"), "results": [_with_floor(row, name) for name in names]}
            for method, row in methods.items()
        ]
        if rows:
            tables[target] = {"metrics": names, "rows": rows}
    return tables


def _with_floor(row: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    return row.get(name), row.get("floors", {}).get("random", {}).get(name)


def _timing_rows(timings: Mapping[str, float]) -> list[dict[str, Any]]:
    total = sum(timings.values()) or 1.0
    return [{"stage": name, "seconds": spent, "percent": 100 * spent / total} for name, spent in timings.items()]


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, setting in config.items():
        if isinstance(setting, Mapping) and setting:
            yield from _flatten(setting, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting if isinstance(setting, str) else json.dumps(setting, default=str)
