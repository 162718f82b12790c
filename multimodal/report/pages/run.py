"""The page of one run: what it reaches, how sure that is, and what a trivial system would reach.

``SECTIONS`` is the table of its parts beneath the metrics; the page of thresholds shows some of them too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from multimodal.labels import TARGETS
from multimodal.metrics.target_metrics import DECISIONS, METRICS, PROBABILITIES, RANKING
from multimodal.report.figures.run import FIGURES
from multimodal.report.figures.thresholds import RunFigure
from multimodal.report.pages import tables
from multimodal.report.pages.render import Table, Written, as_number, embed, ratio, render
from multimodal.report.pages.tables import Run

# The sections: headings, the figures that name them (in the table of figures), and tables.


class Section(NamedTuple):
    """A heading, the figures whose ``section`` is ``name``, and tables; shown where it has any of these."""

    name: str
    title: str
    text: str
    tables: Callable[[Run], list[Table]] = lambda run: []


#: Every section in the order of the page. Another one is a line here, and a function if it has tables.
SECTIONS = (
    Section(
        "ranking",
        "Ranking, at every threshold",
        "How well the scores put fakes above real clips, before any threshold is chosen.",
    ),
    Section(
        "classes",
        "The four classes",
        "R real, F fake, V video, A audio: FVRA is a fake picture with a genuine voice.",
    ),
    Section(
        "methods",
        "By forgery method",
        "Each method against all real clips: the mean hides the method that the detector cannot see.",
        tables.methods,
    ),
    Section(
        "scores",
        "Scores and thresholds",
        "Where the two labels lie, where the thresholds cut them, and what another threshold would change.",
    ),
    Section("spread", "How sure the thresholds themselves are", ""),
    Section(
        "calibration",
        "Are the probabilities true?",
        "Points above the line: more clips are fake than the detector says.",
    ),
    Section(
        "moments",
        "When it is forged",
        "Stretches of time that the detector proposes, against those that the corpus says were forged.",
        tables.moments,
    ),
    Section("training", "Training", "Loss and validation metrics by optimizer step."),
    Section("thresholds", "Thresholds", "", tables.all_thresholds),
    Section("timings", "Where the time went", "", tables.timings),
    Section("configuration", "Configuration", "", tables.configuration),
)


def show_figures(
    table: Mapping[str, RunFigure], section: str, images: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """The figures of ``table`` in one section that ``images`` has, as templates take them."""
    return [
        {"image": embed(images[name]), "name": name, "caption": figure.caption}
        for name, figure in table.items()
        if figure.section == section and name in images
    ]


# The metrics themselves, headlines first.


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
    run = Run(config, metrics, thresholds, timings or {})
    shown = [
        {
            **section._asdict(),
            "tables": section.tables(run),
            "figures": show_figures(FIGURES, section.name, images),
        }
        for section in SECTIONS
    ]
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
        counts=_counts(metrics),
        comparisons=tables.comparison_tables(comparison or {}, *compared),
        compared=compared,
        level=f"{100 * intervals.get('level', 0.95):g} %",
        interval_method=intervals.get("method", "method not stated"),
        sections=[section for section in shown if section["figures"] or section["tables"]],
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


def _counts(metrics: Mapping[str, Any]) -> Table | None:
    rows = [
        [
            target,
            *(row.get(name) for name in ("real", "fake")),
            Written(ratio(row.get("real"), row.get("fake"))),
            row.get("identities"),
            *(row.get(name, 0) for name in ("not_judged", "unlabelled")),
        ]
        for target, row in (metrics.get("counts") or {}).items()
        if target in TARGETS
    ]
    headers = ("clips judged", "real", "fake", "real : fake", "identities", "not judged", "no label")
    return Table(headers, rows) if rows else None
