"""The page of thresholds: where they cut video, audio and any, what that gains, whether probabilities are true."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics.probabilities import JUDGED
from multimodal.report.figures.thresholds import FIGURES
from multimodal.report.pages.render import Table, as_number, embed, metric_name, render, result_of
from multimodal.report.pages.run import SECTIONS, show_figures
from multimodal.report.pages.tables import decision_tables, rule_title, threshold_tables

_STAGES = {
    "raw": "the scores as they are",
    "prior": "prior corrected",
    "temperature": "temperature",
    "platt": "Platt",
    "isotonic": "isotonic",
}
_ALONE = ("video_alone", "audio_alone")


def thresholds_page(
    *,
    title: str,
    metrics: Mapping[str, Any],
    thresholds: Mapping[str, Any],
    calibration: Mapping[str, Any],
    images: Mapping[str, bytes],
    synthetic: bool,
    notes: Sequence[str] = (),
) -> str:
    """A self-contained HTML page about the operating points of one run on one split.

    Args:
        title: heading of the page.
        metrics: content of ``metrics.json``, of the split to show, with ``"calibration"``.
        thresholds: content of ``thresholds.json``.
        calibration: content of ``calibration.json``.
        images: PNG files of :func:`~multimodal.report.figures.thresholds.threshold_figures` by name.
        synthetic: whether the clips were generated.
        notes: lines that a reader must see first.
    """
    judged = metrics.get("calibration") or {}
    figures = {section: show_figures(FIGURES, section.name, images) for section in SECTIONS}
    return render(
        "thresholds.html.j2",
        title=title,
        synthetic=synthetic,
        split=metrics["split"],
        chosen_on=thresholds["chosen_on"],
        notes=list(notes),
        sections=[
            {**section._asdict(), "figures": shown, "tables": ()} for section, shown in figures.items() if shown
        ],
        options=rule_options(thresholds),
        decisions=decision_tables(metrics, TARGETS),
        other_decisions=decision_tables(metrics, (*_ALONE, *CLASSES)),
        thresholds=[table._replace(folded="All thresholds as a table") for table in threshold_tables(thresholds)],
        calibrations=calibration_tables(judged, TARGETS),
        other_calibrations=calibration_tables(judged, _ALONE),
        method=_STAGES[calibration["method"]],
        shares=_share_table(calibration["prior"]),
    )


def transfer_page(
    *,
    title: str,
    source: str,
    transfer: Mapping[str, Any],
    metrics: Mapping[str, Any],
    thresholds: Mapping[str, Any],
    image: bytes,
    synthetic: bool,
) -> str:
    """A self-contained HTML page about stored thresholds on other scores.

    Args:
        title: heading of the page.
        source: what the other scores are.
        transfer: what :func:`multimodal.metrics.thresholds.transfer_thresholds` gives.
        metrics: of the other scores at the stored thresholds.
        thresholds: content of ``thresholds.json``.
        image: PNG of :func:`~multimodal.report.figures.thresholds.transfer_figure`.
        synthetic: whether the thresholds were chosen on generated clips.
    """
    tables = {name: _transfer_table(name, row, thresholds.get("rules", {})) for name, row in transfer.items()}
    return render(
        "transfer.html.j2",
        title=title,
        source=source,
        synthetic=synthetic,
        warnings=metrics.get("warnings", ()),
        further_warnings=metrics.get("further_warnings", ()),
        tables=[table for name, table in tables.items() if name in TARGETS],
        other_tables=[table for name, table in tables.items() if name not in TARGETS],
        decisions=decision_tables(metrics, TARGETS),
        image=embed(image),
    )


def rule_options(thresholds: Mapping[str, Any]) -> list[str]:
    """The rules that have options, with them."""
    return [rule_title(rule, options) for rule, options in thresholds.get("rules", {}).items() if options]


def calibration_tables(judged: Mapping[str, Any], names: Iterable[str]) -> list[Table]:
    """A row a stage for each of ``names``, and the floor beneath; a table without rows says why there are none."""
    tables = []
    for name in names:
        if name not in judged:
            continue
        stages, floor = judged[name], judged[name].get("floor", {})
        rows = [
            [title, *(result_of(stages[stage].get(metric)) for metric in JUDGED), stages[stage].get("reason", "")]
            for stage, title in _STAGES.items()
            if stage in stages
        ]
        rows.append(["floor", *(result_of(floor.get(metric)) for metric in JUDGED), ""])
        shown, reason = name.replace("_", " "), stages.get("reason", "")
        headers = (shown, *map(metric_name, JUDGED), "")
        tables.append(Table((), [], note=f"{shown}: {reason}.") if reason else Table(headers, rows))
    return tables


def _transfer_table(name: str, moved: Mapping[str, Any], rules: Mapping[str, Any]) -> Table:
    rows = [
        [
            rule_title(rule, rules.get(rule, {})),
            as_number(entry["stored"]),
            {**entry, "value": entry["chosen_there"]},
            *(as_number(entry[key]) for key in ("offset", "value_at_stored", "value_there", "called_differently")),
            entry.get("reason") or "",
        ]
        for rule, entry in moved.items()
    ]
    values = ("the rule's value at stored", "at chosen there", "share called differently")
    return Table((name.replace("_", " "), "stored", "chosen there", "offset", *values, ""), rows)


def _share_table(prior: Mapping[str, Any]) -> Table:
    titles = {"learnt": "what training showed", "validation": "validation split", "wanted": "stated for use"}
    names = (*TARGETS, *CLASSES)
    rows = [
        [title, *(as_number(prior[name][share]) for share in names)]
        for name, title in titles.items()
        if prior[name] is not None
    ]
    return Table(("shares assumed", *names), rows)
