"""What balancing and losses do, measured on the batches that training sees."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from experiments.runs.build import open_training
from experiments.runs.config import BalanceConfig, BalanceName, TrainConfig
from experiments.runs.device import accelerator_on
from experiments.runs.loop import Parts, Training, batches_of
from multimodal.data.delivery import Batch
from multimodal.labels import CLASSES, UNKNOWN
from multimodal.report.figures.training import LossPoints
from multimodal.training.losses import class_weights, focal_loss


class ClassCounts(NamedTuple):
    """Windows of each class by strategy, as they are drawn and as they count in the loss; each ``(4,)``."""

    drawn: dict[str, np.ndarray]
    weighted: dict[str, np.ndarray]


class TokenFeed(NamedTuple):
    """A training on tokens, opened, with its parts; ``model`` is what learns."""

    training: Training
    parts: Parts

    @property
    def model(self) -> nn.Module:
        """Fusion and heads."""
        return self.parts.model

    def batches(self, count: int) -> Iterator[Batch]:
        """The first batches of the training."""
        return islice(batches_of(self.training, self.parts, accelerator_on())(0), count)


def token_feed(training: Training) -> TokenFeed:
    """What a training is fed from its token cache, which is made here where it is not there."""
    torch.manual_seed(training.fit.seed)
    return TokenFeed(training, training.make(training.clips, accelerator_on(), lambda text: None))


def count_classes(
    config: TrainConfig, balances: Sequence[BalanceName], *, neighbours: int = 5, num_batches: int = 30
) -> ClassCounts:
    """Classes in the first batches of a training with cross entropy, for each way of balancing.

    Weighted focal loss would give classes weights of its own, whatever the balancing. ``neighbours`` are SMOTE's.
    A way that too few clips rule out is left out, with the reason.
    """
    drawn: dict[str, np.ndarray] = {}
    weighted: dict[str, np.ndarray] = {}
    for name in balances:
        balance = BalanceConfig(name=name, neighbours=neighbours)
        chosen = replace(config, loss=replace(config.loss, name="cross_entropy"), balance=balance)
        try:
            feed = token_feed(open_training(chosen))
        except ValueError as error:
            print(f"{name} is not shown: {error}")
            continue
        labels = np.concatenate([batch["labels"]["class"].numpy() for batch in feed.batches(num_batches)])
        counts = np.bincount(labels[labels != UNKNOWN], minlength=len(CLASSES))
        weights = feed.parts.task.criterion.weights.get("class")
        drawn[name] = counts
        weighted[name] = counts if weights is None else counts * weights.numpy()
    return ClassCounts(drawn, weighted)


def loss_points(model: nn.Module, feed: TokenFeed, *, num_batches: int = 8) -> dict[str, LossPoints]:
    """Every loss of the windows in a training's first batches, as ``model`` (fusion and heads) judges them."""
    model.eval()
    with torch.inference_mode():
        judged = [
            (model(one["inputs"], one["present"], one["lengths"]).class_logits, one["labels"]["class"])
            for one in feed.batches(num_batches)
        ]
    logits, labels = (torch.cat(parts) for parts in zip(*judged, strict=True))
    known = labels != UNKNOWN
    logits, labels = logits[known], labels[known]
    probability = logits.softmax(dim=-1).gather(1, labels[:, None])[:, 0].numpy()
    criterion = feed.parts.task.criterion
    focal = partial(focal_loss, logits, labels, alpha=criterion.alpha, gamma=criterion.gamma)
    weights = class_weights(feed.parts.drawn.counts["class"])
    losses = {
        "cross entropy": focal_loss(logits, labels, alpha=1.0, gamma=0.0),
        "focal": focal(),
        "weighted focal": focal(weights=weights),
    }
    return {name: LossPoints(probability, loss.numpy(), labels.numpy()) for name, loss in losses.items()}
