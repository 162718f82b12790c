"""The order of samples as a pure function of (seed, epoch), and the batches cut from it.

Step ``s`` of a training owns the positions ``s * B`` to ``(s + 1) * B`` of the endless row of epochs; rank ``r``
of ``n`` takes every n-th of them from r. Nothing has to be saved to go on at step ``s``, and any number of
processes sees the same global batches.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch.utils.data import Sampler

from multimodal.labels import UNKNOWN


class SampleKey(NamedTuple):
    """Which clip to draw and what its randomness depends on.

    ``occurrence`` counts how often the clip came before in the same epoch, so that a clip drawn twice by a
    weighted order is not augmented alike.
    """

    clip: int
    epoch: int
    occurrence: int

    def generator(self, seed: int) -> np.random.Generator:
        """The random numbers of this sample; a pure function of the seed and the key."""
        return np.random.default_rng([seed, *self])


#: Clips of an epoch, by its number; every epoch is as long as another.
Order = Callable[[int], np.ndarray]


class StepBatches(Sampler[list[SampleKey]]):
    """The part of one rank of the batches of steps ``start_step`` to ``end_step``.

    Args:
        order: clips of an epoch, by its number.
        batch_size: of the whole job, over all ranks; divisible by ``world_size``.
        start_step: first step to give, e.g. the one to resume at.
        end_step: one past the last.
        rank: this process.
        world_size: number of processes.
    """

    def __init__(
        self,
        order: Order,
        *,
        batch_size: int,
        start_step: int,
        end_step: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if batch_size % world_size:
            raise ValueError(
                f"batch size {batch_size} cannot be shared by {world_size} processes; make it a multiple"
            )
        self.keys_of = lru_cache(maxsize=2)(lambda epoch: _keys(order(epoch), epoch))
        self.batch_size = batch_size
        self.steps = range(start_step, end_step)
        self.rank, self.world_size = rank, world_size

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        epoch_length = len(self.keys_of(0))
        for step in self.steps:
            positions = range(step * self.batch_size + self.rank, (step + 1) * self.batch_size, self.world_size)
            yield [self.keys_of(position // epoch_length)[position % epoch_length] for position in positions]


def _keys(clips: np.ndarray, epoch: int) -> list[SampleKey]:
    seen: dict[int, int] = {}
    keys = []
    for clip in clips.tolist():
        keys.append(SampleKey(clip, epoch, seen.get(clip, 0)))
        seen[clip] = seen.get(clip, 0) + 1
    return keys


# How often each clip is drawn: as it comes, every class alike, or more windows from clips of a rare class.


class Draw(NamedTuple):
    """An order of clips, and the share of an epoch that each clip has in it, on average.

    ``shares`` ``(clips,)`` sum to 1.
    """

    order: Order
    shares: Float[np.ndarray, " clips"]

    def counts(self, labels: Int[np.ndarray, " clips"], num_classes: int) -> Float[np.ndarray, " classes"]:
        """How many clips of each class are drawn while as many are drawn as there are; -1 (unknown) is none.

        >>> evenly_drawn(np.array([0, 1, 1, 1]), seed=0).counts(np.array([0, 1, 1, 1]), 2).round(6).tolist()
        [2.0, 2.0]
        """
        known = labels != UNKNOWN
        return len(labels) * np.bincount(labels[known], weights=self.shares[known], minlength=num_classes)


def shuffled(num_clips: int, *, seed: int) -> Draw:
    """Every clip once an epoch, in an order that depends on (seed, epoch) only."""

    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(num_clips)

    return Draw(order, np.full(num_clips, 1 / num_clips))


def evenly_drawn(classes: np.ndarray, *, seed: int, groups: np.ndarray | None = None) -> Draw:
    """Draw with replacement so that every class is equally likely; an epoch has as many clips as there are.

    What torch's ``WeightedRandomSampler`` does with weights of one over the class's count, but as a function of
    (seed, epoch), so that it is the same for any number of processes and after a restart.

    Args:
        classes: class of each clip; negative (unknown) counts as a class of its own.
        seed: of the draw.
        groups: within a class, every group (a method, an identity) is as likely as another; None for no groups.
            A group without a name (null) is one group.
    """
    class_of = pd.factorize(classes)[0]
    cells = pd.DataFrame({"class": class_of, "group": 0 if groups is None else pd.factorize(groups)[0]})
    cell_sizes = cells.groupby(["class", "group"])["class"].transform("size")
    cells_of_class = cells.drop_duplicates().groupby("class").size()
    shares = 1 / (cell_sizes * cells["class"].map(cells_of_class) * cells["class"].nunique()).to_numpy(float)

    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).choice(len(classes), size=len(classes), p=shares)

    return Draw(order, shares)


def matched_drawn(classes: np.ndarray, sources: np.ndarray, methods: np.ndarray, *, seed: int) -> Draw:
    """As many clips an epoch as there are, so drawn that the source of a clip does not tell its class.

    Every source is as likely as another; within it every class, and within that every method. Sources that have
    one class alone stand together as one source.

    Args:
        classes: class of each clip; negative (unknown) counts as a class of its own.
        sources: speaker or place of each clip; null is a source of its own.
        methods: how each clip was made.
        seed: of the draw.
    """
    table = pd.DataFrame(
        {"class": classes, "source": pd.factorize(sources)[0], "method": pd.factorize(methods)[0]}
    )
    is_mixed = table.groupby("source")["class"].transform("nunique") > 1
    table["source"] = table["source"].where(is_mixed, -2)
    within_source, within_class = table.groupby("source"), table.groupby(["source", "class"])
    within_method = table.groupby(["source", "class", "method"])
    cells = (
        table["source"].nunique()
        * within_source["class"].transform("nunique")
        * within_class["method"].transform("nunique")
        * within_method["class"].transform("size")
    )
    shares = 1 / cells.to_numpy(float)

    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).choice(len(shares), size=len(shares), p=shares)

    return Draw(order, shares)


def frames_per_clip(classes: np.ndarray, num_windows: Int[np.ndarray, " clips"], *, seed: int) -> Draw:
    """Every clip at least once an epoch, those of a rare class oftener: other windows of the same clips.

    A clip comes as often as its class is rarer than the largest, but no oftener than it has windows to show.
    The authors of FakeAVCeleb balance so, taking more frames from the real videos.

    Args:
        classes: class of each clip; negative (unknown) counts as a class of its own.
        num_windows: windows of each clip that do not overlap.
        seed: of the order.
    """
    _, member_of, counts = np.unique(classes, return_inverse=True, return_counts=True)
    wanted = np.rint(counts.max() / counts).astype(int)[member_of]
    times = np.maximum(np.minimum(wanted, num_windows), 1)
    clips = np.repeat(np.arange(len(classes)), times)

    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(clips)

    return Draw(order, times / times.sum())


def in_pairs(
    draw: Draw, genuine: Int[np.ndarray, " pairs"], forged: Int[np.ndarray, " pairs"], num_clips: int
) -> Draw:
    """Every genuine clip that ``draw`` gives, and its pseudo-fake right behind it.

    With an even batch size both of a pair are in one batch, as in the training of Shiohara and Yamasaki (2022).

    Args:
        draw: of the genuine clips alone, numbered 0 to ``pairs - 1``.
        genuine: row of the genuine clip of each pair.
        forged: row of its pseudo-fake.
        num_clips: rows of the whole table.

    >>> draw = in_pairs(shuffled(2, seed=0), np.array([0, 1]), np.array([2, 3]), 4)
    >>> draw.order(0).tolist() in ([0, 2, 1, 3], [1, 3, 0, 2])
    True
    """
    shares = np.zeros(num_clips)
    shares[genuine] = shares[forged] = draw.shares / 2

    def order(epoch: int) -> np.ndarray:
        pairs = draw.order(epoch)
        return np.stack([genuine[pairs], forged[pairs]], axis=1).ravel()

    return Draw(order, shares)
