"""What a training of the detector is fed: windows of crops and sound, or the tokens of frozen encoders."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from experiments.runs.balancing import DrawnLabels, drawn_labels, training_draw
from experiments.runs.build import Clips, window_shape
from experiments.runs.config import TrainConfig
from experiments.runs.loop import split_scorer
from multimodal.data.order import shuffled
from multimodal.data.windows import EvaluationWindows, TrainingWindows, collate
from multimodal.detector import AudioVisualDetector
from multimodal.tokens.cache import EvaluationTokens, TokenCache, TrainingTokens
from multimodal.tokens.embedding import embed
from multimodal.tokens.resampled import Resampling, resample
from multimodal.training.tasks import Scorer


class Feed(NamedTuple):
    """The part of the detector that learns, what it sees, and how it is judged.

    ``scorer`` makes a function that scores the clips of a split; ``cache`` is None where crops and sound are read.
    """

    model: nn.Module
    windows: Dataset
    drawn: DrawnLabels
    scorer: Callable[[str], Scorer]
    cache: TokenCache | None = None


def feed_windows(
    detector: AudioVisualDetector, clips: Clips, config: TrainConfig, accelerator: Accelerator
) -> Feed:
    """Crops and sound, augmented, for the whole detector."""
    shape = window_shape(config.data, clips.store, dict(detector.encoders.items()))
    rows, seed = clips.of("train"), config.fit.seed
    windows = TrainingWindows(clips.store, rows, shape, seed=seed, augmentation=config.data.augmentation)
    drawn = training_draw(config.balance, rows, windows.labels, windows.num_windows, target="class", seed=seed)

    def scorer(split: str) -> Scorer:
        rows = clips.of(split)
        judged = EvaluationWindows(clips.store, rows, shape, windows_per_clip=config.data.windows_per_clip)
        return split_scorer(judged, rows, split, config.data, accelerator)

    return Feed(detector, windows, drawn, scorer)


def feed_tokens(
    detector: AudioVisualDetector, clips: Clips, config: TrainConfig, accelerator: Accelerator, root: Path
) -> Feed:
    """Tokens of every clip, computed once and kept in a folder of ``root``, for fusion and heads."""
    cache = token_cache(detector, clips, config, accelerator, root)
    rows, seed = clips.of("train"), config.fit.seed
    windows, drawn = _resampled(cache, rows, config) or _drawn(cache, rows, config, seed)

    def scorer(split: str) -> Scorer:
        rows = clips.of(split)
        return split_scorer(EvaluationTokens(cache, clips.store, rows), rows, split, config.data, accelerator)

    return Feed(detector.classifier, windows, drawn, scorer, cache)


def token_cache(
    detector: AudioVisualDetector, clips: Clips, config: TrainConfig, accelerator: Accelerator, root: Path
) -> TokenCache:
    """Tokens of all prepared clips, from the cache or computed now; any split of them shares the cache."""
    encoders = detector.encoders.to(accelerator.device)
    return embed(
        encoders,
        clips.store,
        clips.everything,
        window_shape(config.data, clips.store, dict(encoders.items())),
        root,
        windows_per_clip=config.data.windows_per_clip,
        batch_size=config.data.batch_size,
        num_workers=config.data.num_workers,
        device=accelerator.device,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        wait=accelerator.wait_for_everyone,
        progress=lambda shards: tqdm(
            shards, desc="embed", unit="shard", disable=not (shards and accelerator.is_main_process)
        ),
    )


def first_window(detector: AudioVisualDetector, clips: Clips, config: TrainConfig) -> dict[str, Tensor]:
    """What the encoders are given of the first validation clip: a batch of one window, by modality."""
    shape = window_shape(config.data, clips.store, dict(detector.encoders.items()))
    return collate([EvaluationWindows(clips.store, clips.of("val").head(1), shape)[0]])["inputs"]


def _drawn(cache: TokenCache, rows: pd.DataFrame, config: TrainConfig, seed: int) -> tuple[Dataset, DrawnLabels]:
    windows = TrainingTokens(cache, rows, seed=seed)
    return windows, training_draw(
        config.balance, rows, windows.labels, windows.num_windows, target="class", seed=seed
    )


def _resampled(cache: TokenCache, rows: pd.DataFrame, config: TrainConfig) -> tuple[Dataset, DrawnLabels] | None:
    balance, seed = config.balance, config.fit.seed
    if balance.name not in ("smote", "hybrid"):
        return None
    resampling = Resampling(
        oversampler=balance.oversampler,
        neighbours=balance.neighbours,
        cleaner=balance.cleaner if balance.name == "hybrid" else None,
        ratio=balance.ratio,
        seed=seed,
    )
    windows = resample(cache, rows, resampling)
    return windows, drawn_labels(shuffled(len(windows), seed=seed), windows.labels)
