"""Results as tables that a notebook shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from experiments.notebooks.corpora import Found
from multimodal.audit.advice import Advice, title_of
from multimodal.corpora import CORPORA
from multimodal.corpora.manifest import Manifest
from multimodal.labels import CLASSES, FAKE, REAL, TARGETS
from multimodal.report.figures.style import rule_name
from multimodal.report.pages.render import decimal, interval, metric_name
from multimodal.splits import SPLITS, Split
from multimodal.splits.leakage import measure_leakage
from multimodal.training.losses import class_weights


def corpora_table(found: Mapping[str, Found]) -> pd.DataFrame:
    """A row a corpus: whether it is there or a generated copy stands in, what its manifest holds, and a remark."""
    return pd.DataFrame.from_dict({CORPORA[name].title: _corpus_row(one) for name, one in found.items()}, "index")


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


def class_weights_table(counts: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Clips of each class as training draws them, and what one of them counts in the loss by ``class_weights``.

    ``counts`` has ``class``, the counts of the four classes; ``n_samples / (n_classes * count)`` is the weight.
    """
    drawn = np.asarray(counts["class"])
    weights = class_weights(drawn).numpy()
    columns = {"drawn": [f"{count:,.0f}" for count in drawn], "weight": [f"{weight:.3f}" for weight in weights]}
    return pd.DataFrame(columns, index=list(CLASSES))


def leakage_table(manifest: Manifest, splits: Sequence[Split]) -> pd.DataFrame:
    """A row a split: its clips, and how many test clips have something in common with the training clips."""
    shared = {
        "identity": "same person on screen",
        "donor": "same donor",
        "source_clip": "same genuine clip beneath",
    }
    rows = {}
    for leakage in (measure_leakage(manifest, one) for one in splits):
        counts = [f"{leakage.counts.loc[part, 'clips']:.0f}" for part in SPLITS]
        shares = {
            f"test clips in train: {title}": leakage.text("test", "train", name, decimals=0)
            for name, title in shared.items()
        }
        rows[leakage.protocol] = {"clips in train, val, test": ", ".join(counts), **shares}
    return pd.DataFrame.from_dict(rows, orient="index")


def thresholds_table(chosen: Mapping[str, Any]) -> pd.DataFrame:
    """A row a rule, a column a target: the threshold that was chosen, with its 95 % interval."""
    rows = {
        rule_name(rule): {target: _text(_as_value(chosen["thresholds"][target][rule])) for target in TARGETS}
        for rule in chosen["rules"]
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def headline_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Headline metrics of each target with their 95 % intervals, beside the floors of trivial systems.

    ``above chance`` is whether the whole interval of the AUC is.
    """
    shown = {"auc": "AUC", "ap_real": "AP of real", "eer": "EER", "balanced_accuracy": "balanced accuracy"}
    rows: dict[str, dict[str, str]] = {}
    for target in TARGETS:
        rows[target] = {title: _text(metrics[target][name]) for name, title in shown.items()}
        counts = metrics["counts"][target]
        rows[target]["above chance"] = "yes" if (metrics[target]["auc"]["low"] or 0) > 0.5 else "not clearly"
        rows[target]["real, fake, people"] = f"{counts['real']}, {counts['fake']}, {counts['identities']}"
    floors = metrics["floors"]["any"]
    for system in floors:
        rows[f"floor of any: {rule_name(system)}"] = {
            title: decimal(floors[system].get(name)) for name, title in shown.items()
        } | {"above chance": "", "real, fake, people": ""}
    return pd.DataFrame.from_dict(rows, orient="index")


def decisions_table(metrics: Mapping[str, Any], *, rules: Sequence[str]) -> pd.DataFrame:
    """Decisions on the test split before (even odds, 0.5) and after thresholds were chosen by some rules."""
    shown = ("balanced_accuracy", "f1", "f1_real", "recall", "recall_real")
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for target in TARGETS:
        stored = metrics["at_thresholds"][target]
        for rule in ("even_odds", *rules):
            when = "before" if rule == "even_odds" else "after"
            entry = stored[rule]
            values = {metric_name(name): _text(entry.get(name)) for name in shown}
            rows[target, f"{when}: {rule_name(rule)}"] = {"threshold": decimal(entry["threshold"]), **values}
    return pd.DataFrame.from_dict(rows, orient="index")


def _corpus_row(found: Found) -> dict[str, str]:
    clips = found.manifest.clips
    forged = clips["any_fake"]
    return {
        "media": "GENERATED STAND-IN" if found.is_stand_in else "as it lies on disk",
        "kind": ", ".join(sorted(clips["media"].unique())),
        "clips": f"{len(clips):,}",
        "real": f"{(forged == REAL).sum():,}",
        "fake": f"{(forged == FAKE).sum():,}",
        "people": f"{clips['identity'].nunique():,}",
        "remark": found.remark,
    }


def _as_value(threshold: Mapping[str, Any]) -> dict[str, Any]:
    return {**threshold, "value": threshold["threshold"]}


def _text(entry: Mapping[str, Any] | None) -> str:
    return "not defined" if not entry or entry["value"] is None else f"{decimal(entry)} {interval(entry)}"
