"""One run of a study: train, choose thresholds, score the test split, with either modality left out too."""

import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from experiments.runs.build import Clips, load_clips, window_shape
from experiments.runs.config import TrainConfig
from experiments.runs.feed import first_window, token_cache
from experiments.runs.folder import RunFolder
from experiments.runs.loop import split_scorer
from experiments.runs.scoring import load_detector
from experiments.train import train
from multimodal.data.windows import ClipWindows, EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.files import atomic_path, write_json
from multimodal.labels import MODALITIES, Modality
from multimodal.metrics.scores_table import WITHOUT_THE_OTHER
from multimodal.tokens.cache import EvaluationTokens


@dataclass(frozen=True)
class Job:
    """A run of a study: its variant, seed and folder, and the training."""

    variant: str
    seed: int
    config: TrainConfig
    folder: Path

    @property
    def result(self) -> Path:
        """Written when the run is finished: what it took."""
        return self.folder / "study.json"

    @property
    def scores(self) -> Path:
        """Scores of the test split, with either modality left out too."""
        return self.folder / "study_scores.parquet"


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
    folder = RunFolder(job.folder)
    config = folder.read_config(TrainConfig)
    clips = load_clips(config.data)
    detector = load_detector(folder, config)
    accelerator = Accelerator()
    test = _test_scores(detector, clips, config, accelerator).assign(split="test")
    with atomic_path(job.scores) as temporary:
        test.to_parquet(temporary, index=False)
    result = {
        "variant": job.variant,
        "seed": job.seed,
        "seconds_training": trained - started,
        "seconds": time.perf_counter() - started,
        "steps": config.fit.steps,
        "generated": clips.generated,
        **cost_of(detector, clips, config),
    }
    write_json(job.result, result)
    return result


def cost_of(detector: AudioVisualDetector, clips: Clips, config: TrainConfig) -> dict[str, Any]:
    """Parameters of the fusion and of the encoders, floating-point operations for one window, and its tokens."""
    inputs = first_window(detector, clips, config)
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
    detector: AudioVisualDetector, clips: Clips, config: TrainConfig, accelerator: Accelerator
) -> pd.DataFrame:
    """Scores of the test split, and the score of each modality by the fusion without the other."""
    rows = clips.of("test")
    detector.to(accelerator.device)
    cache = None if config.tokens is None else token_cache(detector, clips, config, accelerator, config.tokens)
    model = detector if cache is None else detector.classifier

    def score(modalities: Sequence[Modality]) -> pd.DataFrame:
        windows: ClipWindows
        if cache is not None:
            windows = EvaluationTokens(cache, clips.store, rows, modalities=modalities)
        else:
            shape = window_shape(config.data, clips.store, dict(detector.encoders.items()))
            count = config.data.windows_per_clip
            windows = EvaluationWindows(clips.store, rows, shape, windows_per_clip=count, modalities=modalities)
        return split_scorer(windows, rows, "test", config.data, accelerator)(model)

    scores = score(MODALITIES)
    for name in MODALITIES:
        alone = score((name,)).set_index("clip_id")[f"fused_{name}"]
        scores[WITHOUT_THE_OTHER[name].score] = scores["clip_id"].map(alone)
    return scores
