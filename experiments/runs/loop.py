"""What pretraining and training share: data loaders, validation scores, the loop, the files of the run."""

import sys
from collections.abc import Callable, Iterable, Sequence

import pandas as pd
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

from experiments.runs.build import Clips
from experiments.runs.config import DataConfig, PretrainConfig, TrainConfig
from experiments.runs.folder import RunFolder
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.data.order import Draw, StepBatches
from multimodal.data.windows import Batch, collate, taken_ahead
from multimodal.files import write_json
from multimodal.progress import progress
from multimodal.scoring import ClipWindows, score_clips
from multimodal.training.checkpoints import Checkpoints, FitState, load_weights
from multimodal.training.fit import Task, fit
from multimodal.training.tasks import Scorer


def start_accelerator(config: PretrainConfig | TrainConfig, run: RunFolder) -> Accelerator:
    """Device, precision and processes, by Accelerate; the weights' first values follow from the seed."""
    set_seed(config.fit.seed)
    accelerator = Accelerator(mixed_precision=config.precision, log_with="tensorboard", project_dir=str(run.path))
    accelerator.init_trackers("tensorboard")
    return accelerator


def training_batches(
    windows: Dataset, draw: Draw, config: PretrainConfig | TrainConfig, accelerator: Accelerator
) -> Callable[[int], Iterable[Batch]]:
    """Batches of this process from any step on."""

    def batches_from(step: int) -> Iterable[Batch]:
        sampler = StepBatches(
            draw.order,
            batch_size=config.data.batch_size,
            start_step=step,
            end_step=config.fit.steps,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
        )
        loader = DataLoader(
            windows, batch_sampler=sampler, num_workers=config.data.num_workers, collate_fn=collate
        )
        return taken_ahead(loader)

    return batches_from


def split_scorer(
    windows: ClipWindows,
    rows: pd.DataFrame,
    split: str,
    data: DataConfig,
    accelerator: Accelerator,
    *,
    show: bool = False,
) -> Scorer:
    """A function that scores the clips ``rows``, whose windows are given, shared by all processes."""

    def score(model: nn.Module) -> pd.DataFrame:
        mine = score_clips(
            model,
            windows,
            rows,
            batch_size=data.batch_size,
            num_workers=data.num_workers if show else 0,
            device=accelerator.device,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
            progress=lambda loader: progress(loader, desc=f"score {split}", unit="batch", disable=not show),
        )
        everyone = gather_object([mine])
        return pd.concat([part for part in everyone if len(part)], ignore_index=True).sort_values(
            "clip_id", ignore_index=True
        )

    return score


def learn(
    model: nn.Module,
    task: Task,
    batches_from: Callable[[int], Iterable[Batch]],
    config: PretrainConfig | TrainConfig,
    run: RunFolder,
    accelerator: Accelerator,
    title: str,
    *,
    clip_ids: Sequence[str] | None = None,
) -> FitState:
    """Fit, keep the history, and leave the model with the weights that validation chose."""
    checkpoints = Checkpoints(run.path)
    state = fit(
        model,
        task,
        batches_from,
        config.fit,
        accelerator=accelerator,
        checkpoints=checkpoints,
        title=title,
        clip_ids=clip_ids,
    )
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        write_json(run.history, state.history)
    load_weights(model, checkpoints.best)
    best = "not defined" if state.best_value is None else f"{state.best_value:.3f}"
    accelerator.print(f"{title}: best validation value {best} at step {state.best_step} of {state.step}")
    return state


def describe(clips: Clips, data: DataConfig) -> None:
    """Print how many clips there are, and say which are missing."""
    counts = clips.table["split"].value_counts()
    print(f"clips: {', '.join(f'{name} {counts.get(name, 0)}' for name in ('train', 'val', 'test'))}")
    if clips.generated:
        print(GENERATED_NOTICE)
    if clips.unprepared:
        missing = ", ".join(f"{name} {count}" for name, count in clips.unprepared.items())
        print(f"warning: not in {data.store}, so left out: {missing}; see its failures", file=sys.stderr)
