"""What the runs of a study differ in; each study is a function from a training to named variants of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from experiments.config import TrainConfig
from fusion import list_fusions
from multimodal.training.losses import LossName

#: variant → its training
Variants = dict[str, TrainConfig]

BALANCES = (
    "none",
    "class_weights",
    "effective_number",
    "weighted_sampler",
    "frames_per_clip",
    "smote",
    "hybrid",
)


def fusions(config: TrainConfig) -> Variants:
    """Every mode of fusion, on the same tokens, at the same width."""
    return {name: replace(config, fusion=replace(config.fusion, name=name, options={})) for name in list_fusions()}


def losses(config: TrainConfig) -> Variants:
    """Cross entropy, focal and weighted focal loss."""
    return {name: replace(config, loss=replace(config.loss, name=name)) for name in get_args(LossName)}


def balances(config: TrainConfig) -> Variants:
    """Every way of balancing the classes."""
    return {name: replace(config, balance=replace(config.balance, name=name)) for name in BALANCES}


def seeds_only(config: TrainConfig) -> Variants:
    """The same training twice, with other seeds: a check of the study itself, which should find no difference."""
    moved = replace(config, fit=replace(config.fit, seed=config.fit.seed + 1000))
    return {"one": config, "other": moved}


STUDIES: dict[str, Callable[[TrainConfig], Variants]] = {
    "fusion": fusions,
    "loss": losses,
    "balance": balances,
    "seeds": seeds_only,
}

BASELINES = {"fusion": "concat", "loss": "cross_entropy", "balance": "none", "seeds": "one"}
