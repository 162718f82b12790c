"""Trains a tiny detector on drawn batches, whole and in halves; test_fit.py runs it in one and two processes."""

import contextlib
import os
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from encoders import create_encoder
from fusion import create_fusion
from multimodal.data.delivery import Batch
from multimodal.data.order import SampleKey, StepBatches, shuffled
from multimodal.detector import AudioVisualDetector
from multimodal.files import write_json
from multimodal.training.checkpoints import Checkpoints
from multimodal.training.fit import fit
from multimodal.training.losses import DetectorLoss
from multimodal.training.options import FitOptions
from multimodal.training.tasks import DetectorTask

NUM_CLIPS, BATCH_SIZE, STEPS = 10, 4, 6


def build() -> AudioVisualDetector:
    torch.manual_seed(0)
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    fusion = create_fusion("gated", dims={"video": video.embed_dim, "audio": audio.embed_dim}, out_dim=8)
    return AudioVisualDetector(encoders={"video": video, "audio": audio}, fusion=fusion, dropout=0.5)


def sample(key: SampleKey) -> dict:
    generator = key.generator(seed=0)
    return {
        "video": torch.from_numpy(generator.random((2, 3, 32, 32), dtype=np.float32)),
        "audio": torch.from_numpy(generator.uniform(-1, 1, 4000).astype(np.float32)),
    }


def collate(keys: list[SampleKey]) -> Batch:
    samples = [sample(key) for key in keys]
    present = torch.ones(len(keys), dtype=torch.bool)
    classes = torch.tensor([key.clip % 4 for key in keys])
    return Batch(
        inputs={name: torch.stack([one[name] for one in samples]) for name in ("video", "audio")},
        present={"video": present, "audio": present},
        lengths={"video": torch.full((len(keys),), 2), "audio": torch.full((len(keys),), 4000)},
        labels={"class": classes, "video": classes // 2, "audio": classes % 2},
        row=torch.tensor([key.clip for key in keys]),
    )


class DrawnTask:
    criterion = DetectorLoss(name="focal")

    def __init__(self) -> None:
        self.rows: list[list[int]] = []

    def losses(self, model: torch.nn.Module, batch: Batch, parts: int) -> Iterator[dict[str, torch.Tensor]]:
        self.rows.append(batch["row"].tolist())
        yield self.criterion.in_parts(model(batch["inputs"], batch["present"]), batch["labels"])

    def validate(self, model: torch.nn.Module) -> dict[str, float | None]:
        return {"selection": next(model.parameters()).sum().item()}


def train(run: Path, stop_at: int = STEPS, *, cpu: bool = True) -> list[list[int]]:
    """Train up to a step and return the rows of the clips that this process has seen."""
    accelerator = Accelerator(cpu=cpu)
    detector, task = build(), DrawnTask()

    def batches_from(step: int):
        order = shuffled(NUM_CLIPS, seed=0).order
        keys = StepBatches(
            order,
            batch_size=BATCH_SIZE,
            start_step=step,
            end_step=min(stop_at, STEPS),
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
        )
        return map(collate, keys)

    options = FitOptions(steps=STEPS, validate_every=3, learning_rate=1e-2)
    # when the batches run out at stop_at it is as good as a kill after that step
    with contextlib.suppress(StopIteration):
        fit(detector, task, batches_from, options, accelerator=accelerator, checkpoints=Checkpoints(run))
    return task.rows


def train_whole_and_in_halves(folder: Path, *, cpu: bool = True) -> dict[str, list[list[int]]]:
    """Six steps, and three and a restart and three."""
    return {
        "whole": train(folder / "whole", cpu=cpu),
        "halves": train(folder / "halves", stop_at=3, cpu=cpu) + train(folder / "halves", cpu=cpu),
    }


def save_gradient(folder: Path) -> None:
    """Gradient of six clips of which some labels are unknown, more of one process's half than of the other's."""
    accelerator = Accelerator(cpu=True)
    model = build().eval()  # no drop-out, and fixed statistics
    batch = collate([SampleKey(number, 0, 0) for number in range(6)])
    batch["labels"]["class"] = torch.tensor([0, -1, -1, 1, 2, 3])
    batch["labels"]["video"] = torch.tensor([0, -1, -1, 0, 1, 1])
    rows = slice(3 * accelerator.process_index, 6 // accelerator.num_processes * (accelerator.process_index + 1))
    parts = {
        name: {key: value[rows] for key, value in one.items()} if isinstance(one, dict) else one[rows]
        for name, one in batch.items()
    }
    task = DetectorTask(criterion=DetectorLoss(name="focal"), score_validation=lambda _: None)
    wrapped = accelerator.prepare(model)
    accelerator.backward(next(task.losses(wrapped, parts))["loss"])
    if accelerator.is_main_process:
        learnt = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
        gradients = {name: gradient.contiguous() for name, gradient in learnt.items()}
        save_file(gradients, folder / "gradient.safetensors")


def work(folder: Path, rank: int) -> None:
    """What one process of several does; the others are reached by the environment's address and port."""
    os.environ |= {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}"}
    write_json(folder / f"rows-{rank}.json", train_whole_and_in_halves(folder))
    save_gradient(folder)


if __name__ == "__main__":
    # Forked, so that what takes seconds is imported once, and before torch has begun any thread.
    ranks = range(int(os.environ["WORLD_SIZE"]))
    processes = [get_context("fork").Process(target=work, args=(Path(sys.argv[1]), rank)) for rank in ranks]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sys.exit(any(process.exitcode for process in processes))
