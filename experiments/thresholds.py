"""``thresholds RUN``: operating points and calibration, chosen on validation data only, without training again."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import pandas as pd
import pyarrow.parquet as pq

from experiments.command_line import Positional, flat, run_verb
from experiments.learnt_prior import learnt_shares
from experiments.rule_options import DEFAULT_OPTIONS, RuleOptions
from experiments.run_folder import RunFolder
from experiments.run_pages import write_validation_page
from experiments.transfer import transfer_to
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import write_json
from multimodal.metrics import choose_thresholds, evaluate_scores
from multimodal.metrics.probabilities import COLUMNS, Method, fit_probabilities
from multimodal.metrics.threshold_rules import RuleName
from multimodal.metrics.truthfulness import judge_probabilities
from multimodal.report.pages.numbers import decimal, interval
from multimodal.report.terminal import aligned
from multimodal.training.weights_metadata import write_metadata


def thresholds(
    run: Positional[Path],
    *,
    rules: tuple[RuleName, ...] = get_args(RuleName),
    options: Annotated[RuleOptions, flat] = DEFAULT_OPTIONS,
    fake_prior: float | None = None,
    calibration: Method = "platt",
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Choose thresholds and fit calibrations on the validation scores of a run; no test score is read.

    For video, audio and any, for each of the four classes, and for each modality's own head (`video_alone`,
    `audio_alone`), which judges clips that lack the other modality. Written into thresholds.json,
    calibration.json, thresholds.html and the weights' file. On another corpus: thresholds RUN --transfer SCORES.

    Args:
        run: folder that `train` wrote.
        rules: how to choose.
        options: of the rules.
        fake_prior: share of clips with any fake where the detector will be used; left out: as in validation.
        calibration: which one to use where one probability is wanted; all of them are fitted.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
    """
    folder = RunFolder(run)
    asked = options.for_rules(rules)
    scores = validation_scores(folder)
    learnt = learnt_shares(folder.read_plain_config(), folder.read_provenance())
    fitted = fit_probabilities(scores, learnt, fake_prior=fake_prior, method=calibration)
    prior = fitted["prior"]["wanted"] or fitted["prior"]["validation"]
    chosen = choose_thresholds(scores, asked, fake_prior=prior, replicates=replicates, seed=seed)
    _store(folder, chosen, fitted)
    metrics = evaluate_scores(
        scores, thresholds=chosen["thresholds"], fake_prior=learnt, replicates=replicates, seed=seed
    )
    metrics["calibration"] = judge_probabilities(scores, fitted, replicates=replicates, seed=seed)
    write_validation_page(folder, scores, metrics)
    print("\n".join([*summary(chosen), *(f"warning: {line}" for line in metrics["warnings"])]))
    if folder.read_provenance()["generated"]:
        print(GENERATED_NOTICE)
    print(f"{folder.thresholds_page}\nfigures on the test split: evaluate {run}")
    return chosen


def validation_scores(run: RunFolder) -> pd.DataFrame:
    """The rows of the validation split, and no other: the filter is applied while reading."""
    if not run.scores.is_file():
        raise ValueError(f"no scores in {run.path}; give the folder that `train` wrote")
    return pq.read_table(run.scores, filters=[("split", "==", "val")]).to_pandas()


def summary(chosen: dict[str, Any]) -> list[str]:
    """A row a rule, a column for any, video, audio and each head alone; then why numbers or intervals lack."""
    names = [name for name in COLUMNS if name in chosen["thresholds"]]
    rows = [("rule", *(text for name in names for text in (name.replace("_", " "), "")))]
    for rule in chosen["rules"]:
        entries = [chosen["thresholds"][name][rule] for name in names]
        rows.append((rule, *(text for entry in entries for text in _cells(entry))))
    return [*aligned(rows), *_reasons(chosen["thresholds"])]


def _reasons(thresholds: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """Each reason why there is no threshold or no interval once, after the targets and rules it holds for."""
    concerned: dict[str, list[str]] = {}
    for name, row in thresholds.items():
        rules: dict[str, list[str]] = {}
        for rule, entry in row.items():
            if "reason" in entry:
                rules.setdefault(entry["reason"], []).append(rule)
        for reason, of in rules.items():
            concerned.setdefault(reason, []).append(name if len(of) == len(row) else f"{name} {' '.join(of)}")
    return [f"  {', '.join(names)}: {reason}" for reason, names in concerned.items()]


def _cells(entry: dict[str, Any]) -> tuple[str, str]:
    return decimal(entry["threshold"]), interval({**entry, "value": entry["threshold"]})


def _store(folder: RunFolder, chosen: dict[str, Any], fitted: dict[str, Any]) -> None:
    """Write both beside the weights, and into them, so that they travel together."""
    write_json(folder.thresholds, chosen)
    write_json(folder.calibration, fitted)
    if not folder.weights.is_file():
        print(
            f"warning: no {folder.weights.name} in {folder.path}; thresholds are beside it only", file=sys.stderr
        )
        return
    write_metadata(folder.weights, {"thresholds": json.dumps(chosen), "calibration": json.dumps(fitted)})


def main(arguments: list[str]) -> None:
    """Command line of the verb: choose, or with ``--transfer`` compare what was chosen."""
    transfers = any(argument.split("=")[0] == "--transfer" for argument in arguments)
    run_verb("thresholds", transfer_to if transfers else thresholds, arguments)
