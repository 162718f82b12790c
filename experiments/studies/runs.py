"""What all studies share: their options, the tokens that their runs share, and the runs themselves."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator

from experiments import engines
from experiments.runs.build import build_detector, is_random, load_clips
from experiments.runs.config import TrainConfig, to_plain
from experiments.runs.feed import token_cache
from experiments.studies.run_one import Job, run_job
from experiments.studies.search import check_space, search
from experiments.studies.study import StudyFolder, claim_study
from experiments.studies.variants import Variants
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import write_json
from multimodal.labels import MODALITIES
from multimodal.progress import progress


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """How a study is run.

    Args:
        seeds: trainings of each variant; with one, no difference can be told from luck.
        only: these variants and the baseline; all where left out.
        encoders: for ``ablate encoder``: folders of encoders, each tried in the place of its modality's.
        baseline: the variant that others are compared with; each study has its own.
        end_to_end: train encoders too, instead of fusion and heads on tokens computed once.
        engine: where runs are done; ray and slurm need their extras.
        workers: processes of this machine, or jobs at a time.
        replicates: of the bootstrap over identities.
        search: look for better settings of one variant (``--only``) on validation data, instead of comparing.
        space: where to search, as SETTING=LOW:HIGH (whole numbers where both are written so),
            SETTING=LOW:HIGH:log or SETTING=A|B|C.
        trials: trainings of a search.
    """

    seeds: int = 3
    only: tuple[str, ...] = ()
    encoders: tuple[Path, ...] = ()
    baseline: str | None = None
    end_to_end: bool = False
    engine: Literal["local", "ray", "slurm"] = "local"
    workers: int = 2
    replicates: int = 1000
    search: Literal["optuna"] | None = None
    space: tuple[str, ...] = ()
    trials: int = 20


DEFAULT_OPTIONS = StudyOptions()


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
    for modality in _random_encoders(config):
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


def search_variant(variants: Variants, options: StudyOptions, out: Path) -> dict[str, Any]:
    """Search the settings of the one variant that ``--only`` names; prints where the search stands."""
    if len(options.only) != 1:
        raise ValueError(f"a search is for one variant; give --only one of {', '.join(variants)}")
    (name,) = options.only
    if name not in variants:
        raise ValueError(f"unknown variant {name!r}; choose from {', '.join(variants)}")
    check_space(variants[name], options.space)
    if importlib.util.find_spec("optuna") is None:
        raise ValueError("--search optuna needs optuna; install it with: pip install '.[search]'")
    engines.get(options.engine)  # before anything takes time
    training = to_plain(variants[name])
    claim_study(
        StudyFolder(out), {"study": "search", "variant": name, "training": training, "space": list(options.space)}
    )
    embed_all([Job(name, 0, variants[name], out)])
    found = search(
        variants[name],
        options.space,
        trials=options.trials,
        folder=out,
        engine=options.engine,
        workers=options.workers,
    )
    settings = ", ".join(f"{setting} {value}" for setting, value in found["settings"].items())
    print(f"{name}: best of {found['trials']} on validation data {found['value']:.3f} with {settings}")
    if load_clips(variants[name].data).generated:
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
    outcomes: dict[tuple[str, str, int | None], str | None] = {}
    for job in jobs:
        parts = _encoders_of(job.config)
        if job.config.tokens is not None and parts not in outcomes:
            outcomes[parts] = _embed(job.config, job.config.tokens)
    errors = {job.folder.name: outcomes.get(_encoders_of(job.config)) for job in jobs}
    return {name: error for name, error in errors.items() if error is not None}


def _embed(config: TrainConfig, root: Path) -> str | None:
    """Compute the tokens of one set of encoders; the error where that fails, since other sets may do."""
    torch.manual_seed(config.fit.seed)
    try:
        token_cache(build_detector(config), load_clips(config.data), config, Accelerator(), root)
    except Exception as error:
        return _one_line(error)
    return None


def _random_encoders(config: TrainConfig) -> list[str]:
    return [modality for modality in MODALITIES if is_random(getattr(config, modality))]


def _encoders_of(config: TrainConfig) -> tuple[str, str, int | None]:
    return (str(config.video), str(config.audio), config.fit.seed if _random_encoders(config) else None)


def _one_line(error: Exception) -> str:
    return " ".join(f"{error}".split()) or type(error).__name__
