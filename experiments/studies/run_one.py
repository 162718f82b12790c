"""One run of a study: train, choose thresholds, score the test split, with either modality left out too."""

import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from experiments.runs.clips import Clips
from experiments.runs.feed import first_window, split_scorer, token_cache, window_shape
from experiments.runs.scoring import open_detector_run
from experiments.studies.study import Job
from experiments.train import train
from multimodal.data.options import Reading
from multimodal.data.windows import ClipWindows, EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.files import atomic_path, write_json
from multimodal.labels import MODALITIES, Modality
from multimodal.metrics.scores_table import WITHOUT_THE_OTHER
from multimodal.tokens.cache import EvaluationTokens, TokenCache


def run_job(job: Job) -> dict[str, Any]:
    """Do one run, or go on with it; returns what ``study.json`` holds.

    Only validation data choose anything: the weights, by the training. The test split is scored with them. What a
    training prints goes to the study's folder ``logs``.
    """
    log = job.folder.parent.parent / "logs" / f"{job.folder.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as text, redirect_stdout(text), redirect_stderr(text):
        return _run(job)


def _run(job: Job) -> dict[str, Any]:
    started = time.perf_counter()
    train(job.config, job.folder)
    trained = time.perf_counter()
    run = open_detector_run(job.folder)
    clips, detector, accelerator = run.read(), run.model, Accelerator()
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
