"""The page of thresholds: where they cut video, audio and any, what that gains, whether probabilities are true."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multimodal.labels import CLASSES, TARGETS
from multimodal.metrics.probabilities import JUDGED
from multimodal.report.pages.render import image_uri, render
from multimodal.report.pages.run import AT_THRESHOLDS, decision_tables, rule_title, threshold_rows

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
    return render(
        "thresholds.html.j2",
        title=title,
        synthetic=synthetic,
        split=metrics["split"],
        chosen_on=thresholds["chosen_on"],
        notes=list(notes),
        images={name: image_uri(image) for name, image in images.items()},
        options=rule_options(thresholds),
        decisions=decision_tables(metrics, TARGETS),
        other_decisions=decision_tables(metrics, (*_ALONE, *CLASSES)),
        decision_metrics=AT_THRESHOLDS,
        thresholds=threshold_rows(thresholds),
        calibrations=calibration_tables(metrics.get("calibration") or {}, TARGETS),
        other_calibrations=calibration_tables(metrics.get("calibration") or {}, _ALONE),
        calibration_metrics=JUDGED,
        method=_STAGES[calibration["method"]],
        shares=_share_rows(calibration["prior"]),
        share_names=(*TARGETS, *CLASSES),
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
    rules = thresholds.get("rules", {})
    tables = {
        name.replace("_", " "): [
            {
                "reason": "",
                **entry,
                "rule": rule_title(rule, rules.get(rule, {})),
                "there": {**entry, "value": entry["chosen_there"]},
            }
            for rule, entry in row.items()
        ]
        for name, row in transfer.items()
    }
    return render(
        "transfer.html.j2",
        title=title,
        source=source,
        synthetic=synthetic,
        warnings=metrics.get("warnings", ()),
        further_warnings=metrics.get("further_warnings", ()),
        tables={name: rows for name, rows in tables.items() if name in TARGETS},
        other_tables={name: rows for name, rows in tables.items() if name not in TARGETS},
        decisions=decision_tables(metrics, TARGETS),
        decision_metrics=AT_THRESHOLDS,
        image=image_uri(image),
    )


def rule_options(thresholds: Mapping[str, Any]) -> list[str]:
    """The rules that have options, with them."""
    return [rule_title(rule, options) for rule, options in thresholds.get("rules", {}).items() if options]


def calibration_tables(judged: Mapping[str, Any], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """For each of ``names`` a row a stage; or the reason why nothing can be said."""
    tables = {}
    for name in names:
        if name not in judged:
            continue
        stages, floor = judged[name], judged[name].get("floor", {})
        rows = [
            {
                "stage": title,
                "reason": stages[stage].get("reason", ""),
                "results": [stages[stage].get(metric) for metric in JUDGED],
            }
            for stage, title in _STAGES.items()
            if stage in stages
        ]
        tables[name.replace("_", " ")] = {
            "rows": rows,
            "floor": [floor.get(metric) for metric in JUDGED],
            "reason": stages.get("reason", ""),
        }
    return tables


def _share_rows(prior: Mapping[str, Any]) -> list[tuple[str, list[float]]]:
    titles = {"learnt": "what training showed", "validation": "validation split", "wanted": "stated for use"}
    return [
        (title, [prior[name][share] for share in (*TARGETS, *CLASSES)])
        for name, title in titles.items()
        if prior[name] is not None
    ]
