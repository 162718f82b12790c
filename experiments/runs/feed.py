"""What a training is fed and judged by: windows of crops and sound, or the tokens of frozen encoders."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.utils.data import Dataset

from encoders.base import AudioSpec, Encoder, VideoSpec
from experiments.runs.balancing import DrawnLabels, drawn_labels
from experiments.runs.clips import Clips
from multimodal.data.augment import Augmentation
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import collate, to_device
from multimodal.data.options import Reading
from multimodal.data.order import shuffled
from multimodal.data.pseudo_fakes import Forge
from multimodal.data.windows import ClipWindows, EvaluationWindows, TrainingWindows
from multimodal.detector import AudioVisualDetector
from multimodal.labels import MODALITIES, Modality
from multimodal.media.store.reader import AnyStore
from multimodal.progress import progress
from multimodal.scoring import clip_batches, score_clips
from multimodal.splits.seen import find_seen, refuse_seen
from multimodal.tokens.cache import EvaluationTokens, TokenCache, TrainingTokens
from multimodal.tokens.embedding import embed
from multimodal.tokens.resampled import Resampling, resample
from multimodal.training.tasks import Scorer

#: How the training clips are drawn, from their rows and the windows that are cut from them.
DrawOf = Callable[[pd.DataFrame, "TrainingWindows | TrainingTokens"], DrawnLabels]


class Feed(NamedTuple):
    """What a model sees, and how it is judged.

    ``scorer`` makes a function that scores the clips of a split; ``cache`` is None where crops and sound are read.
    """

    windows: Dataset[Any]
    drawn: DrawnLabels
    scorer: Callable[[str], Scorer]
    cache: TokenCache | None = None


def feed_windows(
    encoders: Mapping[str, Encoder],
    clips: Clips,
    reading: Reading,
    accelerator: Accelerator,
    *,
    draw: DrawOf,
    augmentation: Augmentation,
    seed: int,
    modalities: Sequence[Modality] = MODALITIES,
    forge: Forge | None = None,
) -> Feed:
    """Crops and sound, augmented, for a whole detector or for a branch.

    Args:
        encoders: what the windows are cut for.
        clips: of the training.
        reading: how they are read.
        accelerator: whose processes share the scoring.
        draw: how training clips are drawn.
        augmentation: of training windows.
        seed: of windows and augmentation.
        modalities: what is read.
        forge: makes the windows of pseudo-fakes.
    """
    shape, rows = window_shape(encoders, clips.store, reading), clips.of("train")
    windows = TrainingWindows(
        clips.store, rows, shape, seed=seed, augmentation=augmentation, modalities=modalities, forge=forge
    )

    def scorer(split: str) -> Scorer:
        rows, count = clips.of(split), reading.windows_per_clip
        judged = EvaluationWindows(
            clips.store, rows, shape, windows_per_clip=count, modalities=modalities, forge=forge
        )
        return split_scorer(judged, rows, split, reading, accelerator)

    return Feed(windows, draw(rows, windows), scorer)


def feed_tokens(
    detector: AudioVisualDetector,
    clips: Clips,
    reading: Reading,
    accelerator: Accelerator,
    root: Path,
    *,
    draw: DrawOf,
    resampling: Resampling | None,
    seed: int,
    allow_seen: bool,
) -> Feed:
    """Tokens of every clip, computed once and kept in a folder of ``root``, for fusion and heads.

    With ``resampling`` the classes are made even in the space of the tokens; else clips are drawn by ``draw``.
    What the cache says its encoders learnt from is held against the clips too, unless ``allow_seen``.
    """
    cache, rows = token_cache(detector, clips, reading, accelerator, root), clips.of("train")
    if cache.learnt_from is not None and not allow_seen:
        seen = {part: find_seen(cache.learnt_from, clips.of(part)) for part in ("val", "test")}
        refuse_seen(seen, f"an encoder of the tokens {cache.folder}")

    def scorer(split: str) -> Scorer:
        rows = clips.of(split)
        return split_scorer(EvaluationTokens(cache, clips.store, rows), rows, split, reading, accelerator)

    if resampling is not None:
        even = resample(cache, rows, resampling)
        return Feed(even, drawn_labels(shuffled(len(even), seed=seed), even.labels), scorer, cache)
    windows = TrainingTokens(cache, rows, seed=seed)
    return Feed(windows, draw(rows, windows), scorer, cache)


def token_cache(
    detector: AudioVisualDetector, clips: Clips, reading: Reading, accelerator: Accelerator, root: Path
) -> TokenCache:
    """Tokens of all prepared clips, from the cache or computed now; any split of them shares the cache."""
    encoders = detector.encoders.to(accelerator.device)
    named: dict[str, Any] = dict(encoders.items())
    return embed(
        encoders,
        clips.store,
        clips.everything,
        window_shape(named, clips.store, reading),
        root,
        windows_per_clip=reading.windows_per_clip,
        batch_size=reading.batch_size,
        num_workers=reading.num_workers,
        device=accelerator.device,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        wait=accelerator.wait_for_everyone,
        progress=lambda shards: progress(
            shards, desc="embed", unit="shard", disable=not (shards and accelerator.is_main_process)
        ),
    )


def split_scorer(
    windows: ClipWindows,
    rows: pd.DataFrame,
    split: str,
    reading: Reading,
    accelerator: Accelerator,
    *,
    show: bool = False,
) -> Scorer:
    """A function that scores the clips ``rows``, whose windows are given, shared by all processes.

    Its workers stay for the next validation.
    """
    batches = clip_batches(
        windows,
        batch_size=reading.batch_size,
        num_workers=reading.num_workers,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
    )

    def score(model: nn.Module) -> pd.DataFrame:
        mine = score_clips(
            model,
            windows,
            rows,
            batches=progress(batches, desc=f"score {split}", unit="batch", disable=not show),
            device=accelerator.device,
        )
        everyone = gather_object([mine])
        return pd.concat([part for part in everyone if len(part)], ignore_index=True).sort_values(
            "clip_id", ignore_index=True
        )

    return score


def window_shape(encoders: Mapping[str, Encoder], store: AnyStore, reading: Reading) -> WindowShape:
    """Windows as the encoders want them, cut from the store.

    An encoder that is absent leaves its side as the store has it.
    """
    frame_size, sample_rate = store.options.crop_size, store.options.sample_rate
    for encoder in encoders.values():
        spec = encoder.input_spec
        if isinstance(spec, VideoSpec):
            frame_size = spec.frame_size
        elif isinstance(spec, AudioSpec) and spec.sample_rate != sample_rate:
            raise ValueError(
                f"the audio encoder wants {spec.sample_rate} Hz; the store has {sample_rate} Hz. "
                f"Prepare it again with --sample-rate {spec.sample_rate}"
            )
    return WindowShape(
        num_frames=reading.num_frames,
        frame_size=frame_size,
        frame_rate=store.options.frame_rate,
        sample_rate=sample_rate,
        silent_ends=reading.silent_ends,
    )


def first_window(detector: AudioVisualDetector, clips: Clips, reading: Reading) -> dict[str, Tensor]:
    """What the encoders are given of the first validation clip: a batch of one window, by modality."""
    encoders: dict[str, Any] = dict(detector.encoders.items())
    shape = window_shape(encoders, clips.store, reading)
    return to_device(collate([EvaluationWindows(clips.store, clips.of("val").head(1), shape)[0]]), "cpu")["inputs"]
