"""A study as a table: rows for CSV and Markdown, and sentences on which differences are larger than chance."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.report.pages.render import decimal, interval, p_value, seconds

#: measure → how it is called, in the order of the table
MEASURES = {
    "auc_any": "AUC any",
    "auc_video": "AUC video",
    "auc_audio": "AUC audio",
    "macro_auc": "AUC of four classes",
    "ap_real": "AP (real)",
    "auc_video_alone": "AUC video, no sound",
    "auc_audio_alone": "AUC audio, no picture",
}
#: What a variant costs, beside the seconds of a run.
COSTS = ("parameters", "flops", "encoder_parameters", "encoder_flops")
#: A difference whose corrected p-value lies below is called larger than chance.
SIGNIFICANT = 0.05


def as_frame(results: Mapping[str, Any]) -> pd.DataFrame:
    """A row a variant: each measure with its bounds and its difference from the baseline, costs, and methods."""
    rows = []
    for name, row in results["variants"].items():
        flat = {key: row[key] for key in ("seeds", *COSTS, "seconds")}
        for measure, entry in row["measures"].items():
            flat |= {measure: entry["value"], f"{measure}_low": entry["low"], f"{measure}_high": entry["high"]}
            difference = entry.get("difference") or {}
            flat[f"{measure}_difference"] = difference.get("value")
            flat[f"{measure}_p_holm"] = difference.get("p_holm")
            flat[f"{measure}_detectable"] = difference.get("detectable")
        flat |= {f"auc_any_{method}": value for method, value in row["per_method"].items()}
        rows.append({"variant": name, **flat})
    return pd.DataFrame(rows)


def as_markdown(results: Mapping[str, Any]) -> str:
    """The table for a README: measures with their 95 % intervals; * marks a difference larger than chance."""
    measures = shown_measures(results)
    of_encoders = encoders_differ(results)
    encoders = ["encoder parameters", "encoder MFLOPs"] if of_encoders else []
    titles = [MEASURES[measure] for measure in measures]
    header = ["variant", *titles, *encoders, "parameters", "MFLOPs", "s a run"]
    lines = [" | ".join(header), " | ".join(["---", *["---:"] * (len(header) - 1)])]
    for name, row in results["variants"].items():
        cells = [_cell(row["measures"].get(measure)) for measure in measures]
        cost = [f"{row['parameters']:,}", f"{row['flops'] / 1e6:.1f}", f"{row['seconds']:.1f}"]
        if of_encoders:
            cost = [f"{row['encoder_parameters']:,}", f"{row['encoder_flops'] / 1e6:.1f}", *cost]
        shown = f"**{name}** (baseline)" if name == results["baseline"] else name
        lines.append(" | ".join([shown, *cells, *cost]))
    return "".join(f"| {line} |\n" for line in lines) + generated_note(results)


def generated_note(results: Mapping[str, Any]) -> str:
    """The last line below a table: what numbers on clips that a program drew are worth; nothing for others."""
    return f"\n{GENERATED_NOTICE}\n" if results["generated"] else ""


def findings(results: Mapping[str, Any], measures: Sequence[str] = ("auc_any", "ap_real")) -> list[str]:
    """A plain sentence for each measure: which variants differ from the baseline by more than chance."""
    return [_finding(results, measure) for measure in measures if measure in shown_measures(results)]


def costs(results: Mapping[str, Any]) -> list[str]:
    """Sentences on the tokens of a window, and on the time that computing them once saves."""
    tokens: dict[str, list[str]] = {}
    for name, row in results["variants"].items():
        tokens.setdefault(tokens_text(row["tokens"]), []).append(name)
    lines = list(tokens) if len(tokens) == 1 else [f"{', '.join(names)}: {text}" for text, names in tokens.items()]
    speed = results.get("speed")
    if speed:
        lines.append(
            f"A run on tokens took {seconds(speed['run_seconds'])}; end to end, encoders trained too, as many "
            f"steps would take about {seconds(speed['end_to_end_seconds'])} here: "
            f"{speed['times']:.1f} times as long."
        )
    return lines


def tokens_text(counts: Mapping[str, int]) -> str:
    """How many tokens a window has, and what becomes of unlike rates.

    >>> tokens_text({"audio": 16, "video": 16})
    'Tokens of a window: audio 16, video 16.'
    """
    text = f"Tokens of a window: {', '.join(f'{name} {count}' for name, count in counts.items())}"
    if len(set(counts.values())) > 1:
        text += "; where they are compared along time, the denser are averaged down to the rate of the sparser"
    return f"{text}."


def encoders_differ(results: Mapping[str, Any]) -> bool:
    """Whether variants have other encoders, so that the cost of these belongs into the table."""
    return len({(row["encoder_parameters"], row["encoder_flops"]) for row in results["variants"].values()}) > 1


def shown_measures(results: Mapping[str, Any]) -> list[str]:
    """Measures that some variant has, in the order of the table."""
    return [name for name in MEASURES if any(name in row["measures"] for row in results["variants"].values())]


def is_significant(entry: Mapping[str, Any] | None) -> bool:
    """Whether a measure differs from the baseline's by more than chance."""
    difference = (entry or {}).get("difference") or {}
    return difference.get("p_holm") is not None and difference["p_holm"] < SIGNIFICANT


def _finding(results: Mapping[str, Any], measure: str) -> str:
    baseline, title = results["baseline"], MEASURES[measure]
    if any(_exploratory(row["measures"].get(measure)) for row in results["variants"].values()):
        title = f"{title} (exploratory)"
    others = {name: row["measures"].get(measure) for name, row in results["variants"].items() if name != baseline}
    tested = {name: entry for name, entry in others.items() if entry and entry["difference"]["p_holm"] is not None}
    if not tested:
        reasons = {entry["difference"]["reason"] for entry in others.values() if entry}
        why = "; ".join(sorted(filter(None, reasons))) or "no other variant is finished"
        return f"{title}: no difference from {baseline} could be tested ({why})."
    found = [f"{name} ({_difference(entry)})" for name, entry in tested.items() if is_significant(entry)]
    rest = _not_seen({name: entry for name, entry in tested.items() if not is_significant(entry)})
    left = "".join(f"; not tested: {', '.join(names)} ({why})" for why, names in _untested(others).items())
    if not found:
        return f"{title}: against {baseline}, {rest}{left}."
    tail = f"; {rest}" if rest else ""
    return f"{title}: larger than chance against {baseline}: {', '.join(found)}{tail}{left}."


def _not_seen(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """What could not have been seen of those that do not differ: the least precise of them sets the bound."""
    if not entries:
        return ""
    seen = [entry["difference"].get("detectable") for entry in entries.values()]
    bound = max((one for one in seen if one is not None), default=None)
    could = "" if bound is None else f"; differences below ±{bound:.3f} could not be seen"
    return f"no difference was seen of {', '.join(entries)}{could}"


def _exploratory(entry: Mapping[str, Any] | None) -> bool:
    return bool(((entry or {}).get("difference") or {}).get("exploratory"))


def _untested(others: Mapping[str, Mapping[str, Any] | None]) -> dict[str, list[str]]:
    """Reason → variants whose difference could not be tested for it."""
    names: dict[str, list[str]] = {}
    for name, entry in others.items():
        if entry and entry["difference"]["p_holm"] is None:
            names.setdefault(entry["difference"]["reason"], []).append(name)
    return names


def _difference(entry: Mapping[str, Any]) -> str:
    difference = entry["difference"]
    return f"{difference['value']:+.3f} {interval(difference)}, p {p_value(difference['p_holm'])}"


def _cell(entry: Mapping[str, Any] | None) -> str:
    if entry is None or entry["value"] is None:
        return "not defined"
    return f"{decimal(entry)} {interval(entry)}{' *' if is_significant(entry) else ''}"
