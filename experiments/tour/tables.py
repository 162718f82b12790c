"""Results as tables that a notebook shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.tour.corpora import Found
from multimodal.corpora import CORPORA
from multimodal.corpora.advice import Advice, title_of
from multimodal.labels import TARGETS
from multimodal.report.figures.text import rule_name
from multimodal.report.pages.numbers import decimal, interval


def corpora_table(found: Mapping[str, Found]) -> pd.DataFrame:
    """A row a corpus: whether it is there or a generated copy stands in, its clips, and what was said of it."""
    rows = {
        CORPORA[name].title: {
            "media": "GENERATED STAND-IN" if one.is_stand_in else "as it lies on disk",
            "clips": f"{len(one.manifest.clips):,}",
            "remark": one.remark,
        }
        for name, one in found.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def advice_table(advice: Sequence[Advice]) -> pd.DataFrame:
    """The decision table: mark, what to do first, and the options that it means."""
    rows = {
        title_of(one.corpus): {
            "real : fake": one.balance.text,
            "mark": one.mark,
            "do first": one.steps[0],
            "python -m experiments": one.commands[0] if one.commands else "",
        }
        for one in advice
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def headline_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Headline metrics of each target with their 95 % intervals, beside the floors of trivial systems."""
    shown = {"auc": "AUC", "ap_real": "AP of real", "eer": "EER", "balanced_accuracy": "balanced accuracy"}
    rows = {}
    for target in TARGETS:
        rows[target] = {title: _text(metrics[target][name]) for name, title in shown.items()}
        counts = metrics["counts"][target]
        rows[target]["real, fake, people"] = f"{counts['real']}, {counts['fake']}, {counts['identities']}"
    floors = metrics["floors"]["any"]
    for system in floors:
        rows[f"floor of any: {rule_name(system)}"] = {
            title: decimal(floors[system].get(name)) for name, title in shown.items()
        } | {"real, fake, people": ""}
    return pd.DataFrame.from_dict(rows, orient="index")


def decisions_table(metrics: Mapping[str, Any], *, rules: Sequence[str]) -> pd.DataFrame:
    """Decisions on the test split before (even odds, 0.5) and after thresholds were chosen by some rules."""
    shown = ("balanced_accuracy", "f1", "f1_real", "recall", "recall_real")
    rows = {}
    for target in TARGETS:
        stored = metrics["at_thresholds"][target]
        for rule in ("even_odds", *rules):
            when = "before" if rule == "even_odds" else "after"
            entry = stored[rule]
            values = {name.replace("_", " "): _text(entry.get(name)) for name in shown}
            rows[target, f"{when}: {rule_name(rule)}"] = {"threshold": decimal(entry["threshold"]), **values}
    return pd.DataFrame.from_dict(rows, orient="index")


def _text(entry: Mapping[str, Any] | None) -> str:
    return "not defined" if not entry or entry["value"] is None else f"{decimal(entry)} {interval(entry)}"
