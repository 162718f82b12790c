"""The runs of a study: the tokens that they share, each training with its test scores, and a search."""

import importlib.util
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from encoders.folders import errors_name
from experiments import engines
from experiments.runs.build import open_detector
from experiments.runs.clips import Clips, load_clips
from experiments.runs.device import accelerator_on
from experiments.runs.feed import first_window, split_scorer, token_cache, window_shape
from experiments.runs.scoring import open_detector_run
from experiments.runs.settings import to_plain
from experiments.studies.search import Trial, check_space, search
from experiments.studies.study import Job, StudyFolder, StudyOptions, Trainings, claim_study
from experiments.train import train
from multimodal.artefacts import shown
from multimodal.catalog import unknown
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.data.options import Reading
from multimodal.data.windows import ClipWindows, EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.files import atomic_path, held, open_itself, write_json
from multimodal.labels import MODALITIES, Modality
from multimodal.metrics.scores_table import WITHOUT_THE_OTHER
from multimodal.progress import progress
from multimodal.tokens.cache import EvaluationTokens, TokenCache


def search_variant(variants: Trainings, options: StudyOptions, out: Path) -> dict[str, Any]:
    """Search the settings of the one variant that ``--only`` names; prints where the search stands."""
    if len(options.only) != 1:
        raise ValueError(f"a search is for one variant; give --only one of {', '.join(variants)}")
    (name,) = options.only
    if name not in variants:
        raise ValueError(unknown("variant", name, variants))
    trial = Trial(out, variants[name], check_space(variants[name], options.space))
    if importlib.util.find_spec("optuna") is None:
        raise ValueError("--search optuna needs optuna; install it with: pip install '.[search]'")
    engines.get(options.engine)  # before anything takes time
    training = to_plain(variants[name])
    claim_study(
        StudyFolder(out),
        {"study": "search", "variant": name, "training": training, "space": list(options.space)},
        variants[name].data.source,
    )
    with held(out):
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
    with held(folder.path):
        return _do_runs(run_all, jobs, options, folder)


def _do_runs(
    run_all: engines.RunAll, jobs: Sequence[Job], options: StudyOptions, folder: StudyFolder
) -> dict[str, str]:
    todo = [job for job in jobs if not job.result.is_file()]
    failures = embed_all(todo)
    todo = [job for job in todo if job.folder.name not in failures]
    outcomes = run_all(run_job, todo, workers=options.workers)
    for place, outcome in progress(outcomes, total=len(todo), desc="ablate", unit="run", disable=not todo):
        if isinstance(outcome, Exception):
            failures[todo[place].folder.name] = _one_line(outcome)
    for name, error in failures.items():  # before the table, which may be impossible without them
        print(shown(f"failed: {name}: {error}"), file=sys.stderr)
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
        token_cache(detector, clips, config.data.reading, accelerator_on(), root)
    except Exception as error:
        return _one_line(error)
    return None


def _encoders_of(job: Job) -> tuple[str, int | None]:
    """What the tokens of a run come from; random weights follow from the seed."""
    return (str(job.config.encoders), job.config.fit.seed if job.config.random_encoders else None)


def _one_line(error: Exception) -> str:
    return " ".join(f"{error}".split()) or type(error).__name__


# One run: train, choose nothing by the test split, and score it, with either modality left out too.


def run_job(job: Job) -> dict[str, Any]:
    """Do one run, or go on with it; returns what ``study.json`` holds.

    Only validation data choose anything: the weights, by the training. The test split is scored with them. What a
    training prints goes to the study's folder ``logs``.
    """
    log = job.folder.parent.parent / "logs" / f"{job.folder.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with errors_name(log), open_itself(log, "a") as text, redirect_stdout(text), redirect_stderr(text):
        return _run(job)


def _run(job: Job) -> dict[str, Any]:
    started = time.perf_counter()
    train(job.config, job.folder)
    trained = time.perf_counter()
    run = open_detector_run(job.folder)
    clips, detector, accelerator = run.read(), run.model, accelerator_on()
    assert isinstance(detector, AudioVisualDetector)
    cache = None
    if job.config.tokens is not None:
        detector.to(accelerator.device)
        cache = token_cache(detector, clips, run.reading, accelerator, job.config.tokens)
    test = _test_scores(detector, clips, run.reading, accelerator, cache).assign(split="test")
    with atomic_path(job.scores) as temporary:
        test.to_parquet(temporary, index=False)
    result = {
        "variant": job.variant,
        "seed": job.seed,
        "seconds_training": trained - started,
        "seconds": time.perf_counter() - started,
        "steps": job.config.fit.steps,
        "generated": clips.generated,
        **cost_of(detector, clips, run.reading),
    }
    write_json(job.result, result)
    return result


def cost_of(detector: AudioVisualDetector, clips: Clips, reading: Reading) -> dict[str, Any]:
    """Parameters of the fusion and of the encoders, floating-point operations for one window, and its tokens."""
    inputs = first_window(detector, clips, reading)
    detector.cpu().eval().requires_grad_(False)  # the counter stumbles over weights that are inputs of a module
    with torch.no_grad():
        with FlopCounterMode(display=False) as of_encoders:
            tokens = detector.encode(inputs)
        with FlopCounterMode(display=False) as of_fusion:
            detector.classifier.fusion(tokens)
    return {
        "parameters": _num_parameters(detector.classifier.fusion),
        "flops": of_fusion.get_total_flops(),
        "encoder_parameters": _num_parameters(detector.encoders),
        "encoder_flops": of_encoders.get_total_flops(),
        "tokens": {name: value.shape[1] for name, value in sorted(tokens.items())},
    }


def _num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _test_scores(
    detector: AudioVisualDetector,
    clips: Clips,
    reading: Reading,
    accelerator: Accelerator,
    cache: TokenCache | None,
) -> pd.DataFrame:
    """Scores of the test split, and the score of each modality by the fusion without the other."""
    rows = clips.of("test")
    detector.to(accelerator.device)
    model = detector if cache is None else detector.classifier

    def score(modalities: Sequence[Modality]) -> pd.DataFrame:
        windows: ClipWindows
        if cache is not None:
            windows = EvaluationTokens(cache, clips.store, rows, modalities=modalities)
        else:
            encoders: dict[str, Any] = dict(detector.encoders.items())
            shape = window_shape(encoders, clips.store, reading)
            count = reading.windows_per_clip
            windows = EvaluationWindows(clips.store, rows, shape, windows_per_clip=count, modalities=modalities)
        return split_scorer(windows, rows, "test", reading, accelerator)(model)

    scores = score(MODALITIES)
    for name in MODALITIES:
        alone = score((name,)).set_index("clip_id")[f"fused_{name}"]
        scores[WITHOUT_THE_OTHER[name].score] = scores["clip_id"].map(alone)
    return scores
