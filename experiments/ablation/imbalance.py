"""The study of imbalance: every balance with every loss, at several ratios, at 0.5 and at a tuned threshold."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from experiments.ablation.imbalance_pages import write_imbalance_pages
from experiments.ablation.run_one import Job
from experiments.ablation.runs import StudyOptions, do_runs, settle_study
from experiments.ablation.study import StudyFolder, claim_study
from experiments.config import TrainConfig, to_plain
from experiments.learnt_prior import learnt_shares
from experiments.run_folder import RunFolder
from multimodal.corpora.advice import recommend
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols import Split
from multimodal.corpora.thinning import thinned
from multimodal.files import read_json, write_json
from multimodal.metrics.intervals import precision_of
from multimodal.metrics.minority import MINORITY_MEASURES, MinorityMeasures
from multimodal.metrics.resampling import IdentityResampler
from multimodal.metrics.seeds import mean_over_seeds
from multimodal.metrics.thresholds import choose_threshold
from multimodal.report.imbalance_table import imbalance_findings
from multimodal.training.losses import LossName

BALANCES = ("none", "class_weights", "weighted_sampler", "smote", "hybrid")
RATIOS = (1, 3, 10, 42)
THRESHOLDS = ("at 0.5", "tuned")
#: What a table of the user's own case begins with: its ratio, and the training without any of this.
CASE, BEFORE, BEFORE_LOSS = 10, "none", "cross_entropy"


def ablate_imbalance(
    config: TrainConfig, options: StudyOptions, ratios: Sequence[float], out: Path
) -> dict[str, Any]:
    """Every balance with every loss at several ratios: what helps, and what only moves the threshold."""
    if options.only or options.baseline:
        raise ValueError("--only and --baseline are for other studies; this one compares everything")
    folder = StudyFolder(out)
    claim_study(folder, {"study": "imbalance", "ratios": list(ratios), "training": to_plain(config)})
    jobs = plan_ratios(folder, settle_study(config, options, out), ratios, options.seeds)
    failures = do_runs(jobs, options, folder)
    results = judge_ratios(jobs, ratios, replicates=options.replicates)
    write_json(folder.results, results)
    write_imbalance_pages(folder.path, results, failures)
    print("\n".join(imbalance_findings(results)))
    for name, error in failures.items():
        print(f"failed: {name}: {error}", file=sys.stderr)
    print(folder.path / "report.html")
    return results


def plan_ratios(folder: StudyFolder, config: TrainConfig, ratios: Sequence[float], seeds: int) -> list[Job]:
    """All runs: ratio, balance, loss and seed; splits thinned to each ratio are written into the folder."""
    clips, split = Manifest.read(config.data.manifest).clips, Split.read(config.data.split)
    jobs = []
    for ratio in ratios:
        path = folder.path / "splits" / f"{ratio:g}-to-1.parquet"
        if not path.is_file():
            thinned(split, clips, ratio, seed=config.fit.seed).write(path)
        at_ratio = replace(config, data=replace(config.data, split=path))
        for seed in range(seeds):
            for balance in BALANCES:
                for loss in get_args(LossName):
                    name = name_of(ratio, balance, loss)
                    run = replace(
                        at_ratio,
                        balance=replace(config.balance, name=balance),
                        loss=replace(config.loss, name=loss),
                        fit=replace(config.fit, seed=config.fit.seed + seed, patience=None),  # equal steps
                    )
                    jobs.append(Job(name, seed, run, folder.run(name.replace(" ", "-"), seed)))
    return jobs


def name_of(ratio: float, balance: str, loss: str) -> str:
    """How a variant is called."""
    return f"{ratio:g}to1 {balance} {loss}"


def judge_ratios(
    jobs: Sequence[Job], ratios: Sequence[float], *, replicates: int, seed: int = 0
) -> dict[str, Any]:
    """The table: ratio → rows, each a balance, a loss and a threshold with its measures over seeds."""
    table: dict[str, list[dict[str, Any]]] = {}
    measured: dict[tuple, list[MinorityMeasures]] = {}
    finished = [job for job in jobs if job.result.is_file()]
    for ratio in ratios:
        rows = []
        for balance in BALANCES:
            for loss in get_args(LossName):
                done = [job for job in finished if job.variant == name_of(ratio, balance, loss)]
                for threshold in THRESHOLDS if done else ():
                    of = [_measures(job, ratio, threshold) for job in done]
                    measured[ratio, balance, loss, threshold] = of
                    rows.append({"balance": balance, "loss": loss, "threshold": threshold, "seeds": len(of)})
                    rows[-1]["measures"] = _over_seeds(of, replicates, seed)
        table[f"{ratio:g}"] = rows
    example = pd.read_parquet(finished[0].scores)
    return {
        "ratios": table,
        "case": _case(table, measured) if f"{CASE}" in table and "1" in table else None,
        "generated": any(read_json(job.result)["generated"] for job in finished),
        "steps": jobs[0].config.fit.steps,
        "counts": {
            "fake": int((example["any_fake"] == 1).sum()),
            "real": int((example["any_fake"] == 0).sum()),
            "identities": int(example["identity"].nunique()),
        },
    }


def _measures(job: Job, ratio: float, threshold: str) -> MinorityMeasures:
    """The test split at 0.5, or at the threshold of best F1 of the reals on the run's validation split."""
    run = RunFolder(job.folder)
    learnt = learnt_shares(run.read_plain_config(), run.read_provenance())
    return MinorityMeasures(
        pd.read_parquet(job.scores),
        threshold=0.5 if threshold == "at 0.5" else _tuned(run.scores),
        real_prior=1 / (1 + ratio),
        learnt_fake_prior=learnt["any"],
    )


def _tuned(scores: Path) -> float:
    validation = pd.read_parquet(scores, filters=[("split", "==", "val")]).dropna(subset=["score_any"])
    fake = validation["any_fake"] == 1
    values = validation["score_any"]
    chosen = choose_threshold("f1", values[fake], values[~fake], sought="real", replicates=0)
    return 0.5 if chosen.threshold is None else chosen.threshold


def _over_seeds(of: Sequence[MinorityMeasures], replicates: int, seed: int) -> dict[str, Any]:
    resampler = IdentityResampler(of[0].identity, of[0].labels)
    precision = precision_of(resampler)
    draws = list(resampler.draw(replicates, np.random.default_rng(seed)))
    once = [one(np.ones((resampler.num_identities, 1))) for one in of]
    drawn = [[one(draw) for draw in draws] for one in of]
    result = {}
    for name in MINORITY_MEASURES:
        values = np.concatenate([one[name] for one in once])
        replicated = np.stack([np.concatenate([chunk[name] for chunk in one]) for one in drawn])
        if name == "cllr":  # has no upper bound, so the interval's scale does not fit
            result[name] = {"value": float(values.mean()), "low": None, "high": None}
            continue
        result[name] = mean_over_seeds(values, replicated, precision).as_json()
    return result


def _case(table: dict[str, list[dict[str, Any]]], measured: dict[tuple, list[MinorityMeasures]]) -> dict[str, Any]:
    """The user's own case: before, the same with a tuned threshold, and after what ``statistics`` advises."""
    advised = recommend(real=1, fake=CASE)[0]
    rows = {(row["balance"], row["loss"], row["threshold"]): row for row in table[f"{CASE}"]}
    after = (advised.balance, advised.loss, "tuned")
    even = measured[1, BEFORE, BEFORE_LOSS, "at 0.5"]
    shared = rows[after]["measures"]["false_real"]["value"]
    return {
        "before": rows[BEFORE, BEFORE_LOSS, "at 0.5"],
        "before_tuned": rows[BEFORE, BEFORE_LOSS, "tuned"],
        "after_at_half": rows[advised.balance, advised.loss, "at 0.5"],
        "after": rows[after],
        "recall_of_even_training": float(np.mean([one.recall_at(shared) for one in even])),
    }
