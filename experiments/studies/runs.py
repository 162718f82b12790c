"""What all studies share: their options, the tokens that their runs share, and the runs themselves."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from experiments import engines
from experiments.runs.build import open_detector
from experiments.runs.clips import load_clips
from experiments.runs.config import TrainConfig
from experiments.runs.feed import token_cache
from experiments.runs.settings import to_plain
from experiments.studies.run_one import run_job
from experiments.studies.search import Trial, check_space, search
from experiments.studies.study import Job, StudyFolder, StudyOptions, Trainings, claim_study
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import write_json
from multimodal.progress import progress


def settle_study(config: TrainConfig, options: StudyOptions, out: Path) -> TrainConfig:
    """The training that a study's variants are made of: on tokens of frozen encoders, or end to end.

    Raises:
        ValueError: no seed, or nobody to work.
    """
    for name in ("seeds", "workers"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1; got {getattr(options, name)}")
    if options.end_to_end:
        return replace(config, freeze_encoders=False, tokens=None)
    for modality in config.random_encoders:
        print(
            f"warning: the {modality} encoder is frozen and has random weights; give --{modality}.weights FOLDER",
            file=sys.stderr,
        )
    return replace(
        config,
        freeze_encoders=True,
        tokens=config.tokens or out / "tokens",
        data=replace(config.data, num_workers=0),  # tokens need no processes to be read
    )


def search_variant(variants: Trainings, options: StudyOptions, out: Path) -> dict[str, Any]:
    """Search the settings of the one variant that ``--only`` names; prints where the search stands."""
    if len(options.only) != 1:
        raise ValueError(f"a search is for one variant; give --only one of {', '.join(variants)}")
    (name,) = options.only
    if name not in variants:
        raise ValueError(f"unknown variant {name!r}; choose from {', '.join(variants)}")
    trial = Trial(out, variants[name], check_space(variants[name], options.space))
    if importlib.util.find_spec("optuna") is None:
        raise ValueError("--search optuna needs optuna; install it with: pip install '.[search]'")
    engines.get(options.engine)  # before anything takes time
    training = to_plain(variants[name])
    claim_study(
        StudyFolder(out), {"study": "search", "variant": name, "training": training, "space": list(options.space)}
    )
    embed_all([Job(name, 0, variants[name], out)])
    found = search(trial, trials=options.trials, engine=options.engine, workers=options.workers)
    settings = ", ".join(f"{setting} {value}" for setting, value in found["settings"].items())
    print(f"{name}: best of {found['trials']} on validation data {found['value']:.3f} with {settings}")
    if load_clips(*variants[name].data.source).generated:
        print(GENERATED_NOTICE)
    print(f"{out / 'trials.csv'}  {out / 'best.json'}; the test split was not looked at")
    return found


def do_runs(jobs: Sequence[Job], options: StudyOptions, folder: StudyFolder) -> dict[str, str]:
    """Do the runs that are not finished, and note those that fail; errors by the name of the run's folder."""
    run_all = engines.get(options.engine)  # before anything takes time
    todo = [job for job in jobs if not job.result.is_file()]
    failures = embed_all(todo)
    todo = [job for job in todo if job.folder.name not in failures]
    outcomes = run_all(run_job, todo, workers=options.workers)
    for place, outcome in progress(outcomes, total=len(todo), desc="ablate", unit="run", disable=not todo):
        if isinstance(outcome, Exception):
            failures[todo[place].folder.name] = _one_line(outcome)
    write_json(folder.failures, failures)
    return failures


def embed_all(jobs: Sequence[Job]) -> dict[str, str]:
    """Compute the tokens of all runs here, once for each set of encoders, before processes share them.

    Returns:
        Errors of runs whose encoders failed, by the name of the run's folder.
    """
    outcomes: dict[tuple[str, int | None], str | None] = {}
    for job in jobs:
        parts = _encoders_of(job)
        if job.config.tokens is not None and parts not in outcomes:
            outcomes[parts] = _embed(job, job.config.tokens)
    errors = {job.folder.name: outcomes.get(_encoders_of(job)) for job in jobs}
    return {name: error for name, error in errors.items() if error is not None}


def _embed(job: Job, root: Path) -> str | None:
    """Compute the tokens of one set of encoders; the error where that fails, since other sets may do."""
    config = job.config
    torch.manual_seed(config.fit.seed)
    try:
        detector, clips = open_detector(config).build(), load_clips(*config.data.source)
        token_cache(detector, clips, config.data.reading, Accelerator(), root)
    except Exception as error:
        return _one_line(error)
    return None


def _encoders_of(job: Job) -> tuple[str, int | None]:
    """What the tokens of a run come from; random weights follow from the seed."""
    return (str(job.config.encoders), job.config.fit.seed if job.config.random_encoders else None)


def _one_line(error: Exception) -> str:
    return " ".join(f"{error}".split()) or type(error).__name__
