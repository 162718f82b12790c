"""How near a training comes to the speed of its networks: one table, on a GPU or on this processor.

    python -m benchmarks.gpu [--folder DIR] [--recipe small|fakeavceleb] [--steps 20] [--workers N]

For a recipe's networks, with random weights, on a generated corpus: the bare step of encoders, fusion and heads on
random tensors; our step on tensors that are there, with loss, clipping and AdamW; the real training step with the
default augmentation; and what the loader reads alone. Then by parts: bytes that a window travels as, milliseconds
of a processor that a worker takes for one, and those of the main process for one, which on a GPU are the GPU's.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from benchmarks.training import make_corpora
from experiments.recipes import TRAIN
from experiments.runs.build import open_training
from experiments.runs.config import TrainConfig
from experiments.runs.loop import Parts, Training, batches_of
from multimodal.data.augment import Augmentation
from multimodal.data.delivery import Batch, collate, delivered, to_device, window_loader
from multimodal.data.order import SampleKey, StepBatches
from multimodal.training.fit import training_step
from multimodal.training.parameter_groups import make_optimizer

WARM_UP = 3


def recipe(name: str, folder: Path, workers: int) -> TrainConfig:
    """The recipe on the generated corpus, with random weights and the default augmentation."""
    config = TRAIN[name]()
    made = make_corpora(folder)
    encoders = {
        modality: replace(one, options={key: value for key, value in one.options.items() if key != "pretrained"})
        for modality, one in config.encoders.items()
    }
    data = replace(made, batch_size=config.data.batch_size, num_workers=workers, augmentation=Augmentation())
    return replace(config, encoders=encoders, data=data)


def timed(step: Callable[[], Any], count: int, device: torch.device) -> float:
    """Seconds of a step, its kernels included."""
    for _ in range(WARM_UP):
        step()
    _wait(device)
    start = time.perf_counter()
    for _ in range(count):
        step()
    _wait(device)
    return (time.perf_counter() - start) / count


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bare_step(model: torch.nn.Module, batch: Batch) -> Callable[[], None]:
    """Forward and backward of the networks, and no more."""

    def step() -> None:
        output = model(batch["inputs"], batch["present"], batch["lengths"])
        (output.class_logits.sum() + sum(one.sum() for one in output.modality_logits.values())).backward()
        model.zero_grad()

    return step


def steps_table(training: Training, parts: Parts, accelerator: Accelerator, count: int) -> list[tuple[str, str]]:
    """Milliseconds of a step, from bare to real."""
    device, model = accelerator.device, parts.model
    options = replace(training.fit, steps=10_000)
    wrapped, optimizer = accelerator.prepare(model, make_optimizer(model, options))
    wrapped.train()
    source = iter(batches_of(replace(training, fit=options), parts, accelerator)(0))
    ready = next(source)

    def ours(batch: Batch) -> None:
        training_step(wrapped, parts.task, batch, optimizer, 0, options, accelerator)

    bare = timed(bare_step(model, ready), count, device)
    there = timed(lambda: ours(ready), count, device)
    real = timed(lambda: ours(next(source)), count, device)
    rows = [
        ("bare step, ms", f"{1000 * bare:.0f}"),
        ("our step on ready tensors, ms", f"{1000 * there:.0f}"),
        ("real step, default augmentation, ms", f"{1000 * real:.0f}"),
        ("our step : bare step", f"{there / bare:.2f}"),
        ("real step : our step", f"{real / there:.2f}"),
        ("share of the time that the networks are busy", f"{bare / real:.0%}"),
    ]
    if device.type == "cuda":
        rows.append(("memory of the GPU, GB", f"{torch.cuda.max_memory_allocated() / 1e9:.1f}"))
    return rows


def parts_table(training: Training, parts: Parts, device: torch.device, count: int) -> list[tuple[str, str]]:
    """What a window costs on its way, by itself."""
    keys = [SampleKey(number % len(parts.windows), 0, number) for number in range(4 * training.batch_size)]  # type: ignore[arg-type]
    start = time.process_time()
    samples = [parts.windows[key] for key in keys]
    batches = [collate(samples[i : i + training.batch_size]) for i in range(0, len(samples), training.batch_size)]
    worker = (time.process_time() - start) / len(keys)
    start = time.process_time()
    for batch in batches:
        to_device(batch, device)
    _wait(device)
    finishing = (time.process_time() - start) / len(keys)
    size = sum(value.untyped_storage().nbytes() for value in batches[0]["inputs"].values()) / training.batch_size
    sampler = StepBatches(
        parts.drawn.draw.order, batch_size=training.batch_size, start_step=0, end_step=count + WARM_UP
    )
    loader = window_loader(parts.windows, num_workers=training.num_workers, batch_sampler=sampler)
    batches_read = iter(delivered(loader, "cpu"))
    read = training.batch_size / timed(lambda: next(batches_read), count - 1, device)
    return [
        ("windows read a second, finished on the CPU", f"{read:.0f}"),
        ("bytes that a window travels as", f"{size:,.0f}"),
        ("processor of a worker a window, ms", f"{1000 * worker:.1f}"),
        ("processor of the main process a window, ms", f"{1000 * finishing:.1f}"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="of the corpora; what is there is kept")
    parser.add_argument("--recipe", choices=sorted(TRAIN), default="small")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        config = recipe(options.recipe, options.folder or Path(temporary), options.workers)
        training = open_training(config)
        accelerator = Accelerator(mixed_precision=training.precision)
        parts = training.make(training.clips, accelerator, lambda text: None)
        device = accelerator.device
        rows = parts_table(training, parts, device, options.steps)
        rows = steps_table(training, parts, accelerator, options.steps) + rows
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"| {options.recipe}, batches of {training.batch_size}, {where} | |\n|---|---|")
    print("\n".join(f"| {name} | {value} |" for name, value in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
