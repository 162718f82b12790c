"""A study in a folder: its runs, what came of them, and the table that is made of their scores."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.runs.config import TrainConfig, to_plain
from experiments.studies.run_one import Job
from experiments.studies.variants import Variants
from multimodal.files import read_json, write_json
from multimodal.metrics.seeds import auc_per_method, judge_seeds
from multimodal.report.study_table import COSTS


class StudyFolder(NamedTuple):
    """Names of the files in a study."""

    path: Path

    @property
    def plan(self) -> Path:
        """What is compared; a folder holds one study."""
        return self.path / "study.json"

    @property
    def failures(self) -> Path:
        """Runs that failed, each with its error."""
        return self.path / "failures.json"

    @property
    def speed(self) -> Path:
        """Steps of training end to end, timed for comparison with runs on tokens."""
        return self.path / "speed.json"

    @property
    def results(self) -> Path:
        """Every number of the table with its seeds, intervals and comparisons."""
        return self.path / "results.json"

    def has_failures(self) -> bool:
        """Whether a run failed the last time."""
        return self.failures.is_file() and bool(read_json(self.failures))

    def run(self, variant: str, seed: int) -> Path:
        """Folder of a run."""
        return self.path / "runs" / f"{variant}-seed{seed}"


def plan_jobs(folder: StudyFolder, name: str, variants: Variants, baseline: str, seeds: int) -> list[Job]:
    """All runs of a study; ``ValueError`` if the folder holds another one."""
    jobs = [
        Job(variant, seed, _seeded(config, seed), folder.run(variant, seed))
        for seed in range(seeds)
        for variant, config in variants.items()
    ]
    plan = {
        "study": name,
        "baseline": baseline,
        "variants": {variant: to_plain(config) for variant, config in variants.items()},
    }
    claim_study(folder, plan)
    return jobs


def claim_study(folder: StudyFolder, plan: dict[str, Any]) -> None:
    """Write down what a study compares; ``ValueError`` if the folder holds another one."""
    plan = json.loads(json.dumps(plan))
    if folder.plan.is_file():
        if read_json(folder.plan) != plan:
            raise ValueError(f"{folder.path} holds a study of other settings; give a new --out")
    elif folder.path.exists() and any(folder.path.iterdir()):
        raise ValueError(f"{folder.path} is not empty and holds no study; give a new --out")
    write_json(folder.plan, plan)


def judge_study(jobs: Sequence[Job], baseline: str, *, replicates: int, seed: int = 0) -> dict[str, Any]:
    """The table of a study from the scores of its finished runs on the test split.

    Variants of which no run is finished are not in it.
    """
    finished = [job for job in jobs if job.result.is_file()]
    tables: dict[str, list[pd.DataFrame]] = {}
    costs: dict[str, list[Mapping[str, Any]]] = {}
    for job in finished:
        tables.setdefault(job.variant, []).append(pd.read_parquet(job.scores))
        costs.setdefault(job.variant, []).append(read_json(job.result))
    if baseline not in tables:
        raise ValueError(f"no run of the baseline {baseline!r} is finished, so nothing can be compared with it")
    measures = judge_seeds(tables, baseline, replicates=replicates, seed=seed)
    rows = {
        name: {
            "seeds": len(of),
            "measures": measures[name],
            "per_method": auc_per_method(of),
            **{key: costs[name][0][key] for key in ("tokens", *COSTS)},
            "seconds": sum(one["seconds_training"] for one in costs[name]) / len(of),
        }
        for name, of in tables.items()
    }
    counts = tables[baseline][0]["any_fake"].value_counts()
    return {
        "baseline": baseline,
        "generated": any(one["generated"] for of in costs.values() for one in of),
        "counts": {
            "fake": int(counts.get(1, 0)),
            "real": int(counts.get(0, 0)),
            "identities": int(tables[baseline][0]["identity"].nunique()),
        },
        "variants": rows,
    }


def _seeded(config: TrainConfig, seed: int) -> TrainConfig:
    return replace(config, fit=replace(config.fit, seed=config.fit.seed + seed))
