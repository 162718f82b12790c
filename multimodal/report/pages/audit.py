"""The page of ``audit``: what a detector may have learnt in place of forgery, how it breaks, and who pays."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from multimodal.artefacts import shown_text
from multimodal.data.corruptions import CORRUPTIONS
from multimodal.labels import MODALITIES, TARGETS
from multimodal.metrics.shortcut_floors import TOGETHER
from multimodal.report.figures.audit import robustness_figure
from multimodal.report.figures.style import png_bytes
from multimodal.report.pages.render import Table, Written, decimal, embed, interval, render

_FLOORS = (
    "A small classifier that sees neither face nor voice, judged on people it has not seen. What it reaches is a "
    "floor: a detector near it may have learnt the corpus and not the forgery."
)
_MARKED = "! marks a shortcut: more than chance (5 % shared by all rows of the page) and an AUC of 0.6 or more."
_EXPLAINED = (
    " The last columns say which share of the detector's score follows from the row on people held out: over all "
    "clips, and among clips of one label, where it is no merit."
)
_ROBUSTNESS = (
    "The same clips, changed as they are on their way to a viewer. Differences are paired on the same draws of "
    "people; the threshold is the one that was chosen before, so false alarms and fakes found show its drift."
)
_GROUPS = "All groups at one threshold. A share has an interval where several people are in it."
_WHAT = {"auc": "ROC-AUC", "false_alarms": "reals called fake", "found": "fakes found"}


def audit_page(audit: Mapping[str, Any], *, title: str) -> str:
    """A self-contained HTML page of what ``audit.json`` holds."""
    return render(
        "audit.html.j2",
        title=title,
        synthetic=audit["generated"],
        about=audit["about"],
        notes=notes(audit),
        headlines=list(_headlines(audit)),
        sections=[one for one in _sections(audit) if one["tables"] or one["figures"]],
    )


def notes(audit: Mapping[str, Any]) -> list[str]:
    """What to see first: leaks, shortcuts, the group that pays, and the corruption that does the most harm."""
    return [*audit["warnings"], *_shortcut_notes(audit), *_group_notes(audit), *_robustness_notes(audit)]


def _shortcut_notes(audit: Mapping[str, Any]) -> Iterator[str]:
    for target, floors in audit["floors"].items():
        for name, one in _judged(floors):
            if one["alarm"]:
                area = f"{decimal(one['auc'])} {interval(one['auc'])}"
                yield f"{target}: {name} alone reach{'' if name == TOGETHER else 'es'} an AUC of {area}"


def _group_notes(audit: Mapping[str, Any]) -> Iterator[str]:
    for column, of in audit.get("groups", {}).items():
        worst = of.get("any", {}).get("worst")
        if worst and column != "identity":
            told = f"{worst['false_alarms']['value']:.1%} {_percent(worst['false_alarms'])}"
            more = (
                f"{'clearly' if worst['is_clear'] else 'not clearly'} more than the {worst['overall']:.1%} of all"
            )
            yield f"worst {column}: of the reals of {worst['group']} {told} are called fake, {more}"


def _robustness_notes(audit: Mapping[str, Any]) -> Iterator[str]:
    changes = audit.get("robustness", {}).get("changes", {})
    told = [
        (f"{name} ({row['strength']:g} {CORRUPTIONS[name].unit})", one)
        for name, rows in changes.items()
        for row in rows
        if (one := row["targets"].get("any") or next((o for o in row["targets"].values() if o), None))
    ]
    if told:
        what, one = min(told, key=lambda each: each[1]["auc"]["change"]["value"])
        change = one["auc"]["change"]
        chance = "" if change["high"] is None or change["high"] < 0 else ", which may be chance"
        yield f"most harm is done by {what}: AUC {change['value']:+.3f} {interval(change)}{chance}"
    yield from _drift_notes(told)


def _drift_notes(told: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Where the threshold of before loses its meaning most, by either of its errors."""
    drifts = [
        (abs(one[measure]["change"]["value"]), what, one[measure], called)
        for what, one in told
        for measure, called in (
            ("false_alarms", "of the reals are called fake"),
            ("found", "of the fakes are found"),
        )
        if measure in one
    ]
    if drifts:
        _, what, shares, called = max(drifts, key=lambda drift: drift[0])
        yield (
            f"the threshold drifts most under {what}: {shares['after']:.1%} {called}, "
            f"{shares['before']:.1%} of the clips as they are"
        )


def _headlines(audit: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for target in (name for name in TARGETS if name in audit.get("metrics", {})):
        entry = audit["metrics"][target]
        floor = audit["floors"].get(target, {}).get(TOGETHER)
        beneath = (
            f"shortcuts together {decimal(floor['auc'])}" if isinstance(floor, Mapping) else "no floor judged"
        )
        yield f"{target}: ROC-AUC", decimal(entry), f"{interval(entry)} · {beneath}"


def _sections(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    tables = [_floor_table(target, floors, audit) for target, floors in audit["floors"].items()]
    yield _section("Without looking or listening", _FLOORS, tables)
    changes = audit.get("robustness", {}).get("changes", {})
    yield _section("How it breaks", _ROBUSTNESS, list(_change_tables(changes)), _curves(changes))
    yield _section("Who pays", _GROUPS, list(_group_tables(audit.get("groups", {}))))
    yield _section("By method", "Fakes of one method against all reals.", list(_method_tables(audit)))


def _section(
    title: str, text: str, tables: Sequence[Table], figures: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {"title": title, "text": text, "tables": tables, "figures": figures}


def _judged(floors: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, one) for name, one in floors.items() if isinstance(one, Mapping)]


def _floor_table(target: str, floors: Mapping[str, Any], audit: Mapping[str, Any]) -> Table:
    if "reason" in floors:
        return Table((), [], title=target, note=floors["reason"])
    has_scores = any("explained" in one for _, one in _judged(floors))
    rows: list[list[Any]] = []
    if target in audit.get("metrics", {}):
        rows.append(["the detector", audit["metrics"][target], *([Written("")] * 2 if has_scores else [])])
    for name, one in _judged(floors):
        shares = [_share(one.get(key)) for key in ("explained", "explained_within_label")] if has_scores else []
        rows.append([name, {**one["auc"], "mark": " !" * one["alarm"]}, *shares])
    explained = ("of the score", "within a label") if has_scores else ()
    return Table((target, "ROC-AUC", *explained), rows, note=_MARKED + (_EXPLAINED if has_scores else ""))


def _change_tables(changes: Mapping[str, Any]) -> Iterator[Table]:
    targets = dict.fromkeys(target for rows in changes.values() for row in rows for target in row["targets"])
    for target in targets:
        table: list[list[Any]] = []
        for name, strengths in changes.items():
            for row in strengths:
                found = row["targets"].get(target)
                if found:
                    strength = f"{row['strength']:g} {CORRUPTIONS[name].unit}"
                    table.append([name, strength, *_changed(found)])
        measures = [title for name in _WHAT.values() for title in (name, "change")]
        headers = ("corruption", "strength", *measures)
        if table:
            folded = "" if target == "any" or len(targets) == 1 else f"The same for {target}"
            yield Table(headers[: len(table[0])], table, folded=folded)


def _changed(found: Mapping[str, Any]) -> Iterator[Any]:
    for measure in (name for name in _WHAT if name in found):
        yield Written(decimal(found[measure]["after"]))
        yield found[measure]["change"]


def _curves(changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown = []
    for modality in MODALITIES:
        own = {name: rows for name, rows in changes.items() if CORRUPTIONS[name].modality == modality}
        targets = {
            target for rows in own.values() for row in rows for target, one in row["targets"].items() if one
        }
        if own and targets:
            target = "any" if "any" in targets else modality
            figure = robustness_figure(f"Corruptions of {modality}, judged for {target}", own, target)
            caption = "Above the ROC area, beneath the share of reals called fake at the threshold of before."
            shown.append({"name": f"robustness-{modality}", "image": embed(png_bytes(figure)), "caption": caption})
    return shown


def _group_tables(groups: Mapping[str, Any]) -> Iterator[Table]:
    for column, of in groups.items():
        for target, judged in of.items():
            rows = [
                [
                    _breakable(name),
                    one["real"],
                    one["fake"],
                    one["identities"],
                    *(one.get(measure) for measure in _WHAT),
                ]
                for name, one in judged["groups"].items()
            ]
            what = "person" if column == "identity" else column
            headers = (what, "real", "fake", "people", *_WHAT.values())
            is_first = column != "identity" and target == "any"
            folded = "" if is_first else f"By {what}, {target} ({len(rows)})"
            if rows:
                yield Table(headers, rows, folded=folded)


def _breakable(name: str) -> Markup:
    """A name that a narrow screen breaks between its parts (Caucasian_American/women) and not inside a word."""
    return escape(shown_text(name)).replace("/", Markup("/<wbr>")).replace("_", Markup("_<wbr>"))


def _method_tables(audit: Mapping[str, Any]) -> Iterator[Table]:
    for target, methods in audit.get("methods", {}).items():
        rows = [[name, one["count"], one.get("auc"), one.get("eer")] for name, one in methods.items()]
        if rows:
            yield Table((target, "fakes", "ROC-AUC", "equal error rate"), rows)


def _share(value: float | None) -> Written:
    return Written("" if value is None else f"{value:.0%}")


def _percent(entry: Mapping[str, Any]) -> str:
    return "" if entry["low"] is None else f"[{entry['low']:.1%}, {entry['high']:.1%}]"
