"""What the study of imbalance compares: every balance with every loss, at several ratios, with several seeds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from experiments.ablation.run_one import Job
from experiments.ablation.study import StudyFolder
from experiments.runs.config import TrainConfig
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols import Split
from multimodal.corpora.thinning import thinned
from multimodal.training.losses import LossName

BALANCES = ("none", "class_weights", "weighted_sampler", "smote", "hybrid")
LOSSES: tuple[str, ...] = get_args(LossName)
RATIOS = (1, 3, 10, 42)
#: What others are compared with: training without any of this.
PLAIN = ("none", "cross_entropy")


def plan_ratios(folder: StudyFolder, config: TrainConfig, ratios: Sequence[float], seeds: int) -> list[Job]:
    """All runs: ratio, balance, loss and seed; splits thinned to each ratio are written into the folder."""
    clips, split = Manifest.read(config.data.manifest).clips, Split.read(config.data.split)
    jobs = []
    for ratio in ratios:
        path = folder.path / "splits" / f"{ratio:g}-to-1.parquet"
        if not path.is_file():
            thinned(split, clips, ratio, seed=config.fit.seed).write(path)
        at_ratio = replace(config, data=replace(config.data, split=path))
        for seed in range(seeds):
            for balance in BALANCES:
                for loss in LOSSES:
                    name = name_of(ratio, balance, loss)
                    run = replace(
                        at_ratio,
                        balance=replace(config.balance, name=balance),
                        loss=replace(config.loss, name=loss),
                        fit=replace(config.fit, seed=config.fit.seed + seed, patience=None),  # equal steps
                    )
                    jobs.append(Job(name, seed, run, folder.run(name.replace(" ", "-"), seed)))
    return jobs


def name_of(ratio: float, balance: str, loss: str) -> str:
    """How a variant is called."""
    return f"{ratio:g}to1 {balance} {loss}"
