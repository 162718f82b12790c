"""The order of samples as a pure function of (seed, epoch), and the batches cut from it.

Step ``s`` of a training owns the positions ``s * B`` to ``(s + 1) * B`` of the endless row of epochs; rank ``r``
of ``n`` takes every n-th of them from r. Nothing has to be saved to go on at step ``s``, and any number of
processes sees the same global batches.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler


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
