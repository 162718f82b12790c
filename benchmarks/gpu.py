"""How near a training comes to the speed of its networks: one table, on a GPU or on this processor.

    python -m benchmarks.gpu [--folder DIR] [--recipe small|fakeavceleb] [--steps 20] [--workers N]
                           [--compile] [--parts N]
    python -m benchmarks.gpu --estimates [RECIPE ...] [--precision no] [--workers N] [--folder DIR]

The second form tells what `--estimate` says of recipes for real corpora, of all where none is named. The first,
for a recipe's networks with random weights, on a generated corpus:

- the bare step: encoders, fusion and heads in a loop as a tutorial has it (autocast, forward, backward, AdamW), on
  tensors that are there;
- our step on the same tensors: the loop of a training as it is, with loss, clipping and averages of weights;
- the real step: the same loop on windows that are read, with the default augmentation;
- what is read alone, and what a window costs on its way.

On a GPU also the share of the time that it computes (of a few steps under a profiler, which slows them), its
memory, and how often a step waits for it.
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.training import CROPS, make_corpora
from experiments.recipes import PRETRAIN, TRAIN
from experiments.runs.build import open_pretraining, open_training
from experiments.runs.config import TrainConfig
from experiments.runs.device import accelerator_on
from experiments.runs.estimate import duration, estimate
from experiments.runs.loop import Parts, Training, batches_of
from experiments.runs.parts import EncoderConfig
from multimodal.data.augment import Augmentation
from multimodal.data.delivery import Batch, collate, delivered, to_device, window_loader
from multimodal.data.order import SampleKey, StepBatches
from multimodal.media.prepared import PrepareOptions
from multimodal.training.checkpoints import Checkpoints
from multimodal.training.fit import fit

#: Steps before the clock begins: kernels are chosen and memory is taken.
WARM_UP = 6
PROFILED = 5
#: Crops of the store by recipe: as a real preparation makes them for it.
STORES = {"small": (CROPS, 6), "fakeavceleb": (PrepareOptions(frame_rate=25, crop_size=224), 16)}


def recipe(name: str, folder: Path, workers: int, *, compiles: bool, parts: int | None) -> TrainConfig:
    """The recipe on the generated corpus, with random weights and the default augmentation."""
    config = TRAIN[name]()
    accumulate = config.fit.accumulate if parts is None else parts
    crops, num_frames = STORES[name]
    made = make_corpora(folder, {}, crops, num_frames)
    encoders = {modality: _with_random_weights(one) for modality, one in config.encoders.items()}
    data = replace(made, batch_size=config.data.batch_size, num_workers=workers, augmentation=Augmentation())
    return replace(
        config, encoders=encoders, data=data, fit=replace(config.fit, compile=compiles, accumulate=accumulate)
    )


def _with_random_weights(encoder: EncoderConfig) -> EncoderConfig:
    options = {key: value for key, value in encoder.options.items() if key != "pretrained"}
    if "checkpoint" in options:  # transformers' own defaults are the base model
        options["checkpoint"] = {"model_type": "wavlm" if "wavlm" in options["checkpoint"] else "wav2vec2"}
    return replace(encoder, options=options)


class EnoughStepsError(Exception):
    """So many steps were taken."""


class Clock:
    """Hands batches over and takes the time between them, once the first steps are through.

    Args:
        count: steps that are timed.
        device: whose kernels belong to the time.
        before, after: called at the begin and at the end of what is timed.
        warm_up: steps before that.
    """

    def __init__(
        self,
        count: int,
        device: torch.device,
        before: Callable[[], Any] = lambda: None,
        after: Callable[[], Any] = lambda: None,
        warm_up: int = WARM_UP,
    ) -> None:
        self.count, self.device, self.before, self.after, self.warm_up = count, device, before, after, warm_up
        self.seconds = float("nan")

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches; raises :class:`EnoughStepsError` in place of one more."""
        start = 0.0
        for number, batch in enumerate(batches):
            if number == self.warm_up:
                self._wait()
                self.before()
                start = time.perf_counter()
            if number == self.warm_up + self.count:
                self._wait()
                self.seconds = (time.perf_counter() - start) / self.count
                self.after()
                raise EnoughStepsError
            yield batch

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def bare_step(parts: Parts, batch: Batch, training: Training, clock: Clock) -> float:
    """Seconds of a step of the networks alone."""
    model = parts.model.to(clock.device).train()
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-6)
    rows = len(batch["row"]) // training.fit.accumulate
    halves = [slice(start, start + rows) for start in range(0, rows * training.fit.accumulate, rows)]

    def taken(part: slice) -> torch.Tensor:
        output = model(*({name: one[part] for name, one in batch[of].items()} for of in ("inputs", "present")))  # type: ignore[literal-required]
        return output.class_logits.sum() + sum(one.sum() for one in output.modality_logits.values())

    try:
        for _ in clock.over(itertools.repeat(batch)):
            for part in halves:
                with torch.autocast(clock.device.type, torch.bfloat16, enabled=training.precision == "bf16"):
                    loss = taken(part)
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    except EnoughStepsError:
        return clock.seconds
    raise AssertionError("batches that repeat have no end")


def our_step(
    parts: Parts, batches: Iterable[Batch], training: Training, accelerator: Accelerator, clock: Clock
) -> float:
    """Seconds of a step of the training's own loop."""
    options = replace(training.fit, steps=1_000_000, validate_every=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder))
        try:
            fit(
                parts.model,
                parts.task,
                lambda step: clock.over(batches),
                options,
                accelerator=accelerator,
                checkpoints=checkpoints,
            )
        except EnoughStepsError:
            return clock.seconds
    raise AssertionError("a million steps were taken")


def step_rows(training: Training, accelerator: Accelerator, count: int) -> Iterator[tuple[str, str]]:
    """Milliseconds of a step, from bare to real; each by networks built anew."""
    device = accelerator.device

    def parts() -> Parts:
        return training.make(training.clips, accelerator, lambda text: None)

    def read(one: Parts) -> Iterable[Batch]:
        return batches_of(replace(training, fit=replace(training.fit, steps=10_000)), one, accelerator)(0)

    source = delivered(read(parts()), device)
    ready = next(source)
    source.close()
    bare, there = [], []
    for _ in range(2):  # in turns, so that whatever else the machine does falls upon both
        bare.append(bare_step(parts(), ready, training, Clock(count, device)))
        there.append(our_step(parts(), itertools.repeat(ready), training, accelerator, Clock(count, device)))
    yield "bare step, ms (two rounds)", " and ".join(f"{1000 * one:.1f}" for one in bare)
    yield "our step on ready tensors, ms (two rounds)", " and ".join(f"{1000 * one:.1f}" for one in there)
    yield "our step : bare step", f"{min(there) / min(bare):.2f}"
    fed = parts()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    # until their queues are full, workers take every core
    settled = Clock(count, device, warm_up=WARM_UP + 2 * training.num_workers)
    real = our_step(fed, read(fed), training, accelerator, settled)
    yield "real step, default augmentation, ms", f"{1000 * real:.1f}"
    yield "real step : our step", f"{real / min(there):.2f}"
    if device.type == "cuda":
        yield "memory of the GPU, GB", f"{torch.cuda.max_memory_allocated() / 1e9:.1f}"
        yield "waits for the GPU in a step", f"{waits(parts(), ready, training, accelerator):.1f}"
        fed = parts()
        share = busy_share(fed, read(fed), training, accelerator)
        yield "share of the real step that the GPU computes", f"{share:.0%}"


def busy_share(parts: Parts, batches: Iterable[Batch], training: Training, accelerator: Accelerator) -> float:
    """Share of the time in which at least one kernel runs."""
    recorded = profile(activities=[ProfilerActivity.CUDA])
    clock = Clock(PROFILED, accelerator.device, recorded.start, recorded.stop)
    seconds = our_step(parts, batches, training, accelerator, clock)
    spans = sorted(
        (one.time_range.start, one.time_range.end)
        for one in recorded.events()
        if one.device_type == torch.autograd.DeviceType.CUDA
    )
    busy, end = 0.0, float("-inf")
    for first, last in spans:
        busy += max(last - max(first, end), 0)
        end = max(end, last)
    return busy / 1e6 / (PROFILED * seconds)


def waits(parts: Parts, batch: Batch, training: Training, accelerator: Accelerator) -> float:
    """How often the host waits for the GPU in a step on ready tensors, as torch tells; where, goes to stderr."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        clock = Clock(
            PROFILED,
            accelerator.device,
            lambda: torch.cuda.set_sync_debug_mode("warn"),
            lambda: torch.cuda.set_sync_debug_mode("default"),
        )
        our_step(parts, itertools.repeat(batch), training, accelerator, clock)
    found = [one for one in told if "synchroniz" in str(one.message)]
    for place in sorted({f"{one.filename}:{one.lineno}" for one in found}):
        print(f"waits: {place}", file=sys.stderr)
    return len(found) / PROFILED


class Sent(TorchDispatchMode):
    """Counts the operators that Python sends, views among them."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def window_rows(training: Training, device: torch.device, count: int) -> Iterator[tuple[str, str]]:
    """What a window costs on its way, by itself."""
    parts = training.make(training.clips, accelerator_on(), lambda text: None)
    keys = [SampleKey(number % len(parts.windows), 0, number) for number in range(4 * training.batch_size)]  # type: ignore[arg-type]
    start = time.process_time()
    samples = [parts.windows[key] for key in keys]
    batches = [collate(samples[i : i + training.batch_size]) for i in range(0, len(samples), training.batch_size)]
    worker = (time.process_time() - start) / len(keys)
    to_device(batches[0], device)  # whatever a first call loads
    with Sent() as sent:
        to_device(batches[0], device)
    start, begun = time.process_time(), time.perf_counter()
    for batch in batches:
        to_device(batch, device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    finishing, lasts = (time.process_time() - start) / len(keys), (time.perf_counter() - begun) / len(batches)
    size = sum(value.untyped_storage().nbytes() for value in batches[0]["inputs"].values()) / training.batch_size

    def read(handed: Callable[[Iterable[Batch]], Iterable[Batch]]) -> float:
        batches = max(count, 4 * training.num_workers)  # two of each worker may lie ready when the clock begins
        sampler = StepBatches(
            parts.drawn.draw.order, batch_size=training.batch_size, start_step=0, end_step=batches + WARM_UP + 1
        )
        loader = window_loader(parts.windows, num_workers=training.num_workers, batch_sampler=sampler)
        clock = Clock(batches, device)
        try:
            for _ in clock.over(handed(loader)):
                pass
        except EnoughStepsError:
            pass
        return training.batch_size / clock.seconds

    yield f"windows read a second by {training.num_workers} workers", f"{read(iter):.0f}"
    yield "the same, brought to the device and finished there", f"{read(lambda one: delivered(one, device)):.0f}"
    yield "bytes that a window travels as", f"{size:,.0f}"
    yield "processor of a worker a window, ms", f"{1000 * worker:.1f}"
    yield "processor of the main process a window, ms", f"{1000 * finishing:.2f}"
    yield "a batch brought to the device and finished, ms", f"{1000 * lasts:.1f}"
    yield "operators sent to finish a batch", f"{sent.count}"


def estimates(folder: Path, names: Sequence[str], precision: str | None, workers: int) -> None:
    """A row for each recipe of real corpora: time of a step, and of the whole training as it stands."""
    crops, num_frames = STORES["fakeavceleb"]
    made = make_corpora(folder, {}, crops, num_frames)
    print("| recipe | windows a step | ms a step | waiting | GB | a validation, s | whole training |")
    print("|---|---|---|---|---|---|---|", flush=True)
    cases = {"train fakeavceleb": TRAIN["fakeavceleb"]} | {
        f"pretrain {modality} {name}": make
        for modality, recipes in PRETRAIN.items()
        for name, make in recipes.items()
        if name not in ("small", "trial")
    }
    for name in names or cases:
        config: Any = cases[name]()
        read_by = min(config.data.num_workers, workers)
        config = replace(config, precision=precision or config.precision)
        places = {field: getattr(made, field) for field in ("manifest", "split", "store")}
        config = replace(config, data=replace(config.data, num_workers=read_by, **places))
        if isinstance(config, TrainConfig):
            encoders = {modality: _with_random_weights(one) for modality, one in config.encoders.items()}
            training = open_training(replace(config, encoders=encoders))
        else:
            training = open_pretraining(replace(config, encoder=_with_random_weights(config.encoder)))
        told = estimate(training)
        memory = told.device_gigabytes if told.device_gigabytes is not None else told.host_gigabytes
        cells = [name, str(training.batch_size), f"{1000 * told.step_seconds:.0f}", f"{told.waiting_share:.0%}"]
        cells += [f"{memory:.1f}", f"{told.validation_seconds:.1f}", duration(told.total_seconds)]
        print(f"| {' | '.join(cells)} |", flush=True)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="of the corpora; what is there is kept")
    parser.add_argument("--recipe", choices=sorted(STORES), default="small")
    parser.add_argument("--steps", type=int, default=20, help="that are timed in each row")
    parser.add_argument("--workers", type=int, default=max((os.cpu_count() or 2) - 1, 1), help="that read")
    parser.add_argument("--compile", action="store_true", help="the encoders, in every row")
    parser.add_argument("--parts", type=int, help="that a batch is computed in (default: the recipe's)")
    parser.add_argument("--estimates", nargs="*", help="of these recipes, or of all, in place of the table")
    parser.add_argument("--precision", choices=["no", "bf16", "fp16"], help="of the estimates, not the recipe's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if options.estimates is not None:
            estimates(folder, options.estimates, options.precision, options.workers)
            return 0
        training = open_training(
            recipe(options.recipe, folder, options.workers, compiles=options.compile, parts=options.parts)
        )
        accelerator = accelerator_on(precision=training.precision)
        device = accelerator.device
        gpu = torch.cuda.get_device_name() if device.type == "cuda" else None
        where = gpu or f"CPU, {torch.get_num_threads()} threads"
        size = f"batches of {training.batch_size} in {training.fit.accumulate}"
        size += ", compiled" if options.compile else ""
        print(f"| {options.recipe}, {size}, {where} | |\n|---|---|", flush=True)
        rows = step_rows(training, accelerator, options.steps), window_rows(training, device, options.steps)
        for name, value in itertools.chain(*rows):
            print(f"| {name} | {value} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
