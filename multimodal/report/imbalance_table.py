"""The study of imbalance as tables, and in plain sentences: what helped, and what only moved the threshold."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from multimodal.report.pages.render import decimal, interval, smallest_seen
from multimodal.report.study_table import SIGNIFICANT, generated_note

#: measure → how it is called; the minority are the reals
REAL_MEASURES = {
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "false_real": "fakes called real",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "auc": "AUC",
    "ap": "AP (real)",
    "cllr": "Cllr",
}
_SHORT = ("recall", "precision", "f1", "balanced_accuracy", "accuracy", "auc", "ap", "cllr")
#: Differences of F1 below this are not spoken of as gains.
_WORTH_A_WORD = 0.02


def imbalance_frame(results: Mapping[str, Any]) -> pd.DataFrame:
    """A row a ratio, balance, loss and threshold: every measure and its difference from plain training."""
    rows = []
    for ratio, table in results["ratios"].items():
        for row in table:
            flat = {name: row[name] for name in ("balance", "loss", "threshold", "seeds")}
            for name, entry in row["measures"].items():
                flat |= {name: entry["value"], f"{name}_low": entry["low"], f"{name}_high": entry["high"]}
            for name, entry in (row["differences"] or {}).items():
                of = {"": "value", "_low": "low", "_high": "high", "_p_holm": "p_holm"}
                flat |= {f"{name}_difference{ending}": entry[key] for ending, key in of.items()}
            rows.append({"fakes_per_real": ratio, **flat})
    return pd.DataFrame(rows)


def imbalance_markdown(results: Mapping[str, Any]) -> str:
    """The table for a README: the user's own case first, then every balance and loss at that ratio."""
    header = ["training", "threshold", *(REAL_MEASURES[name] for name in _SHORT)]
    lines = [" | ".join(header), " | ".join(["---", "---", *["---:"] * len(_SHORT)])]
    lines += [_line(row, bold) for row, bold in case_rows(results)]
    return "".join(f"| {line} |\n" for line in lines) + generated_note(results)


def case_rows(results: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Rows of the case, before and after first, and what they are; all rows of the first ratio without a case."""
    case = results["case"]
    if case is None:
        return [(row, "") for row in next(iter(results["ratios"].values()))]
    first = [(case["before"], "before"), (case["after"], "after")]
    return first + [(row, "") for row in results["ratios"]["10"] if row not in (case["before"], case["after"])]


def imbalance_findings(results: Mapping[str, Any]) -> list[str]:
    """Plain sentences on the case, on every ratio, and on what is due to the threshold alone."""
    lines = [] if results["case"] is None else _case_lines(results["case"])
    for ratio, rows in results["ratios"].items():
        if _plain(rows):
            lines.append(_ratio_line(ratio, rows))
    return lines + _same_lines([row for rows in results["ratios"].values() for row in rows])


def _case_lines(case: Mapping[str, Any]) -> list[str]:
    before, tuned, after = (case[name]["measures"] for name in ("before", "before_tuned", "after"))
    half, gain = case["after_at_half"]["measures"], case["gain"]
    even = {name: case[f"{name}_of_even_training"] for name in ("recall", "f1")}
    share = {name: after[name]["value"] / of if of else float("nan") for name, of in even.items()}
    named = f"{case['after']['balance']} with {case['after']['loss']}"
    of_threshold, of_all = (
        tuned["f1"]["value"] - before["f1"]["value"],
        after["f1"]["value"] - before["f1"]["value"],
    )
    return [
        f"10:1, before (no balancing, cross entropy, 0.5): recall of the reals {_text(before['recall'])}, F1 "
        f"{_text(before['f1'])}, accuracy {_text(before['accuracy'])}.",
        f"After ({named}, threshold tuned on validation data): recall {_text(after['recall'])}, F1 "
        f"{_text(after['f1'])}; {share['recall']:.2f} of the recall {even['recall']:.3f} and {share['f1']:.2f} of "
        f"the F1 {even['f1']:.3f} that training on even classes reaches where it calls as many fakes real.",
        f"After less before, in pairs: recall {_change(gain['recall'])}, F1 {_change(gain['f1'])}, AUC "
        f"{_change(gain['auc'])}.",
        f"Of the change of F1 by {of_all:+.3f}, the threshold alone brings {of_threshold:+.3f} (before, tuned: "
        f"{_text(tuned['f1'])}); balancing and loss alone, at 0.5, bring "
        f"{half['f1']['value'] - before['f1']['value']:+.3f}. AUC goes from {_text(before['auc'])} to "
        f"{_text(after['auc'])}: {_ranking(before['auc'], after['auc'], of_all)}.",
    ]


def _ranking(before: Mapping[str, Any], after: Mapping[str, Any], change_of_f1: float) -> str:
    if after["value"] - before["value"] > _WORTH_A_WORD:
        return "clips are ranked better too" + (
            "" if after["low"] is None or after["low"] > before["value"] else ", though the intervals overlap"
        )
    if change_of_f1 > _WORTH_A_WORD:
        return "clips are ranked no better, so the gain is in where the line is drawn"
    return "clips are ranked no better, and nothing is gained here"


def _plain(rows: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Plain training at each threshold; empty where it failed."""
    return {row["threshold"]: row for row in rows if (row["balance"], row["loss"]) == ("none", "cross_entropy")}


def _ratio_line(ratio: str, rows: list[Mapping[str, Any]]) -> str:
    plain = _plain(rows)
    best = max(rows, key=lambda row: (row["threshold"] == "tuned", row["measures"]["f1"]["value"]))
    at_half = max(
        (row for row in rows if row["threshold"] == "at 0.5"), key=lambda row: row["measures"]["f1"]["value"]
    )
    parts = [
        f"{ratio}:1: plain cross entropy has F1 {_text(plain['at 0.5']['measures']['f1'])} at 0.5 and "
        f"{_text(plain['tuned']['measures']['f1'])} tuned"
    ]
    parts.append(f"the highest at 0.5 is {_against_plain(at_half)}")
    parts.append(f"the highest tuned is {_against_plain(best)}")
    parts.append(_found_more(rows))
    return "; ".join(parts) + "."


def _found_more(rows: list[Mapping[str, Any]]) -> str:
    """Which rows find more of the reals than plain training at the same threshold, by more than chance."""
    found = []
    for row in rows:
        entry = (row["differences"] or {}).get("recall")
        if entry and entry["p_holm"] is not None and entry["p_holm"] < SIGNIFICANT and entry["value"] > 0:
            found.append(f"{_name(row)} {row['threshold']} ({_change(entry)})")
    if not found:
        seen = [((row["differences"] or {}).get("recall") or {}).get("detectable") for row in rows]
        bound = max((one for one in seen if one is not None), default=None)
        could = "" if bound is None else f"differences of recall below ±{bound:.3f} could not be seen, and "
        return f"{could}nothing was found to find more of the reals"
    return f"recall is higher than plain's by more than chance with {', '.join(found)}"


def _against_plain(row: Mapping[str, Any]) -> str:
    """A row with its paired difference of F1 from plain training at the same threshold, and what that is worth."""
    shown = f"{_name(row)} with {_text(row['measures']['f1'])}"
    if row["differences"] is None:
        return f"plain training itself ({shown})"
    entry = row["differences"]["f1"]
    if entry["p_holm"] is None:
        return f"{shown}, {_change(entry)} against plain in pairs ({entry['reason']})"
    verdict = "more than chance" if entry["p_holm"] < SIGNIFICANT else "no more than chance"
    if entry["p_holm"] >= SIGNIFICANT and entry.get("detectable") is not None:
        verdict += f", but differences below {smallest_seen(entry)} could not be seen"
    return f"{shown}, {_change(entry)} against plain in pairs, corrected p {entry['p_holm']:.3f}: {verdict}"


def _same_lines(rows: list[Mapping[str, Any]]) -> list[str]:
    """Which balances and losses came out as one and the same training, and why; nothing where none did."""
    cells: dict[str, list[Any]] = {}
    for row in rows:
        cells.setdefault(_name(row), []).append(row["measures"])
    groups: list[list[str]] = []
    for name, measures in cells.items():
        alike = next((group for group in groups if cells[group[0]] == measures), None)
        if alike is None:
            groups.append([name])
        else:
            alike.append(name)
    return [
        f"One and the same training, by design: {', '.join(group)}; every class weighs the same in them."
        for group in groups
        if len(group) > 1
    ]


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['balance']} with {row['loss']}"


def _line(row: Mapping[str, Any], role: str) -> str:
    name = f"{row['balance']}, {row['loss']}"
    cells = [_text(row["measures"][measure]) for measure in _SHORT]
    return " | ".join([f"**{role}**: {name}" if role else name, row["threshold"], *cells])


def _change(entry: Mapping[str, Any]) -> str:
    return f"{entry['value']:+.3f} {interval(entry)}".strip()


def _text(entry: Mapping[str, Any]) -> str:
    return f"{decimal(entry)} {interval(entry)}".strip()
