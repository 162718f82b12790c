"""The study of imbalance as tables, and in plain sentences: what helped, and what only moved the threshold."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from multimodal.report.pages.numbers import decimal, interval

#: measure → how it is called; the minority are the reals
MEASURES = {
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
    """A row a ratio, balance, loss and threshold, with every measure and its bounds."""
    rows = []
    for ratio, table in results["ratios"].items():
        for row in table:
            flat = {name: row[name] for name in ("balance", "loss", "threshold", "seeds")}
            for name, entry in row["measures"].items():
                flat |= {name: entry["value"], f"{name}_low": entry["low"], f"{name}_high": entry["high"]}
            rows.append({"fakes_per_real": ratio, **flat})
    return pd.DataFrame(rows)


def imbalance_markdown(results: Mapping[str, Any]) -> str:
    """The table for a README: the user's own case first, then every balance and loss at that ratio."""
    header = ["training", "threshold", *(MEASURES[name] for name in _SHORT)]
    lines = [" | ".join(header), " | ".join(["---", "---", *["---:"] * len(_SHORT)])]
    lines += [_line(row, bold) for row, bold in case_rows(results)]
    return "".join(f"| {line} |\n" for line in lines)


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
        if rows:
            lines.append(_ratio_line(ratio, rows))
    return lines


def _case_lines(case: Mapping[str, Any]) -> list[str]:
    before, tuned, after = (case[name]["measures"] for name in ("before", "before_tuned", "after"))
    half = case["after_at_half"]["measures"]
    even = case["recall_of_even_training"]
    share = after["recall"]["value"] / even if even else float("nan")
    named = f"{case['after']['balance']} with {case['after']['loss']}"
    of_threshold, of_all = (
        tuned["f1"]["value"] - before["f1"]["value"],
        after["f1"]["value"] - before["f1"]["value"],
    )
    return [
        f"10:1, before (no balancing, cross entropy, 0.5): recall of the reals {_text(before['recall'])}, F1 "
        f"{_text(before['f1'])}, accuracy {_text(before['accuracy'])}.",
        f"After ({named}, threshold tuned on validation data): recall {_text(after['recall'])}, F1 "
        f"{_text(after['f1'])}; {share:.2f} of the recall {even:.3f} that training on even classes reaches "
        "where it calls as many fakes real.",
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


def _ratio_line(ratio: str, rows: list[Mapping[str, Any]]) -> str:
    plain = {row["threshold"]: row for row in rows if (row["balance"], row["loss"]) == ("none", "cross_entropy")}
    best = max(rows, key=lambda row: (row["threshold"] == "tuned", row["measures"]["f1"]["value"]))
    at_half = max(
        (row for row in rows if row["threshold"] == "at 0.5"), key=lambda row: row["measures"]["f1"]["value"]
    )
    parts = [
        f"{ratio}:1: plain cross entropy has F1 {_text(plain['at 0.5']['measures']['f1'])} at 0.5 and "
        f"{_text(plain['tuned']['measures']['f1'])} tuned"
    ]
    parts.append(f"the highest at 0.5 is {_name(at_half)} with {_text(at_half['measures']['f1'])}")
    gain = best["measures"]["f1"]["value"] - plain["tuned"]["measures"]["f1"]["value"]
    helped = f"{_name(best)} with {_text(best['measures']['f1'])}"
    verdict = "nothing worth a word" if gain <= _WORTH_A_WORD else _overlap(best, plain["tuned"])
    parts.append(f"tuned, the best of all is {helped}, {gain:+.3f} against plain: {verdict}")
    return "; ".join(parts) + "."


def _overlap(best: Mapping[str, Any], plain: Mapping[str, Any]) -> str:
    low, high = best["measures"]["f1"]["low"], plain["measures"]["f1"]["high"]
    if low is None or high is None or low <= high:
        return "the intervals overlap, and the best of many is flattered"
    return "the intervals are apart"


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['balance']} with {row['loss']}"


def _line(row: Mapping[str, Any], role: str) -> str:
    name = f"{row['balance']}, {row['loss']}"
    cells = [_text(row["measures"][measure]) for measure in _SHORT]
    return " | ".join([f"**{role}**: {name}" if role else name, row["threshold"], *cells])


def _text(entry: Mapping[str, Any]) -> str:
    return f"{decimal(entry)} {interval(entry)}".strip()
