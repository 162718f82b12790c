"""What balancing and losses do, measured on the batches that training sees."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from experiments.runs.balancing import build_loss
from experiments.runs.build import build_detector, load_clips
from experiments.runs.config import BalanceConfig, BalanceName, TrainConfig
from experiments.runs.feed import Feed, feed_tokens
from experiments.runs.loop import training_batches
from multimodal.labels import CLASSES, UNKNOWN
from multimodal.report.figures.training import LossPoints
from multimodal.training.losses import class_weights, focal_loss


class ClassCounts(NamedTuple):
    """Windows of each class by strategy, as they are drawn and as they count in the loss; each ``(4,)``."""

    drawn: dict[str, np.ndarray]
    weighted: dict[str, np.ndarray]


def token_feed(config: TrainConfig) -> Feed:
    """What a training of ``config`` is fed from its token cache, which is made here where it is not there."""
    assert config.tokens is not None
    clips = load_clips(config.data)
    torch.manual_seed(config.fit.seed)
    return feed_tokens(build_detector(config), clips, config, Accelerator(), config.tokens)


def count_classes(
    config: TrainConfig, balances: Sequence[BalanceName], *, neighbours: int = 5, num_batches: int = 30
) -> ClassCounts:
    """Classes in the first batches of a training with cross entropy, for each way of balancing.

    Weighted focal loss would give classes weights of its own, whatever the balancing. ``neighbours`` are SMOTE's.
    A way that too few clips rule out is left out, with the reason.
    """
    drawn, weighted = {}, {}
    for name in balances:
        balance = BalanceConfig(name=name, neighbours=neighbours)
        chosen = replace(config, loss=replace(config.loss, name="cross_entropy"), balance=balance)
        try:
            feed = token_feed(chosen)
        except ValueError as error:
            print(f"{name} is not shown: {error}")
            continue
        batches = islice(training_batches(feed.windows, feed.drawn.draw, chosen, Accelerator())(0), num_batches)
        labels = np.concatenate([batch["labels"]["class"].numpy() for batch in batches])
        counts = np.bincount(labels[labels != UNKNOWN], minlength=len(CLASSES))
        weights = build_loss(chosen.loss, chosen.balance, feed.drawn.counts).weights.get("class")
        drawn[name] = counts
        weighted[name] = counts if weights is None else counts * weights.numpy()
    return ClassCounts(drawn, weighted)


def loss_points(model: nn.Module, config: TrainConfig, *, num_batches: int = 8) -> dict[str, LossPoints]:
    """Every loss of the windows in the first batches, as ``model`` (fusion and heads) judges them."""
    feed = token_feed(config)
    batches = islice(training_batches(feed.windows, feed.drawn.draw, config, Accelerator())(0), num_batches)
    model.eval()
    with torch.inference_mode():
        judged = [
            (model(one["inputs"], one["present"], one["lengths"]).class_logits, one["labels"]["class"])
            for one in batches
        ]
    logits, labels = (torch.cat(parts) for parts in zip(*judged, strict=True))
    known = labels != UNKNOWN
    logits, labels = logits[known], labels[known]
    probability = logits.softmax(dim=-1).gather(1, labels[:, None])[:, 0].numpy()
    focus = {"alpha": config.loss.alpha, "gamma": config.loss.gamma}
    losses = {
        "cross entropy": focal_loss(logits, labels, alpha=1.0, gamma=0.0),
        "focal": focal_loss(logits, labels, **focus),
        "weighted focal": focal_loss(logits, labels, **focus, weights=class_weights(feed.drawn.counts["class"])),
    }
    return {name: LossPoints(probability, loss.numpy(), labels.numpy()) for name, loss in losses.items()}
