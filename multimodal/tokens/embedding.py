"""Encoding every window of a list of clips once, into a cache that any number of trainings share."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from encoders.base import Encoder
from encoders.learnt_from import LearntFrom
from multimodal.artefacts import inside
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import Batch, delivered, window_loader
from multimodal.data.windows import EvaluationWindows
from multimodal.files import atomic_path, shared, write_json
from multimodal.heads import encode_padded
from multimodal.labels import MODALITIES
from multimodal.media.store.reader import AnyStore
from multimodal.tokens.cache import (
    CLIPS_PER_SHARD,
    ENCODERS,
    HEADER,
    TokenCache,
    check_header,
    digest,
    num_shards,
    shard_path,
    token_facts,
    write_shard,
)
from multimodal.training.checkpoints import save_weights

Progress = Callable[[Sequence[int]], Iterable[int]]


def embed(
    encoders: nn.ModuleDict,
    store: AnyStore,
    clips: pd.DataFrame,
    shape: WindowShape,
    root: Path,
    *,
    windows_per_clip: int = 4,
    batch_size: int = 16,
    num_workers: int = 0,
    device: torch.device | str = "cpu",
    rank: int = 0,
    world_size: int = 1,
    wait: Callable[[], None] = lambda: None,
    progress: Progress = iter,
) -> TokenCache:
    """Tokens of all clips by frozen encoders, kept in a folder of ``root`` named by what they depend on.

    What is there already is not computed again, so a stopped call goes on. Nothing is augmented.

    Args:
        encoders: by modality; put into evaluation mode.
        store: prepared clips.
        clips: rows of a manifest, all in the store.
        shape: of the windows.
        root: folder of all token caches.
        windows_per_clip: at most so many of each clip, spread evenly.
        batch_size: windows a forward pass.
        num_workers: processes that read windows.
        device: where the encoders are.
        rank: of this process, which computes every ``world_size``-th shard.
        world_size: number of processes.
        wait: returns when all processes have called it.
        progress: wraps the numbers of the shards to compute, to show how far it is.
    """
    encoders.eval()
    named: Mapping[str, Encoder] = {name: encoders[name] for name in MODALITIES}  # type: ignore[misc]
    clips = clips.sort_values("clip_id", ignore_index=True)
    facts = token_facts(named, store, clips["clip_id"], shape, windows_per_clip)
    folder = inside(root, digest(facts))
    wanted = [folder / HEADER, folder / ENCODERS, *(shard_path(folder, n) for n in range(num_shards(len(clips))))]
    # Trainings that come together compute the same, each file whole; finished tokens may be read-only.
    with nullcontext() if all(path.is_file() for path in wanted) else shared(folder):
        if not (folder / HEADER).is_file():
            write_json(folder / HEADER, facts)
        check_header(folder, facts)
        windows = EvaluationWindows(store, clips, shape, windows_per_clip=windows_per_clip)
        mine = range(rank, num_shards(len(clips)), world_size)
        todo = [number for number in mine if not shard_path(folder, number).is_file()]
        for number in progress(todo):
            _embed_shard(named, windows, number, shard_path(folder, number), batch_size, num_workers, device)
        cache = TokenCache(folder, facts, clips["clip_id"])
        if rank == 0 and not cache.encoders.is_file():
            with atomic_path(cache.encoders) as temporary:
                save_weights(encoders, temporary)
        histories = [one.learnt_from for one in named.values() if one.learnt_from is not None]
        if rank == 0 and histories:  # joined with what is there: equal weights may come by another way
            reduce(or_, histories, cache.learnt_from or LearntFrom()).write(folder)
    wait()
    return cache


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file of the cache into a run: as a second name of the same bytes where the disk can."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        with atomic_path(target) as temporary:
            temporary.write_bytes(source.read_bytes())


@torch.inference_mode()
def _embed_shard(
    encoders: Mapping[str, Encoder],
    windows: EvaluationWindows,
    number: int,
    path: Path,
    batch_size: int,
    num_workers: int,
    device: torch.device | str,
) -> None:
    first = number * CLIPS_PER_SHARD
    mine = [i for i, (row, _) in enumerate(windows.starts) if first <= row < first + CLIPS_PER_SHARD]
    loader = window_loader(Subset(windows, mine), batch_size=batch_size, num_workers=num_workers)
    tokens: dict[str, list[Tensor]] = {name: [] for name in encoders}
    present: dict[str, list[Tensor]] = {name: [] for name in encoders}
    rows = []
    for batch in delivered(loader, device):
        rows.append(batch["row"].numpy())
        for name, encoded in _encode(encoders, batch):
            here = batch["present"][name].cpu()
            tokens[name].append(torch.where(here[:, None, None], encoded, 0.0))
            present[name].append(here)
    write_shard(
        path,
        {name: torch.cat(parts) for name, parts in tokens.items()},
        {name: torch.cat(parts) for name, parts in present.items()},
        np.concatenate(rows),
    )


def _encode(encoders: Mapping[str, Encoder], batch: Batch) -> Iterator[tuple[str, Tensor]]:
    for name, encoder in encoders.items():
        tokens = encode_padded(encoder, batch["inputs"][name], batch["lengths"][name])
        yield name, tokens.float().cpu()
