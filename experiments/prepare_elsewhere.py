"""Preparing parts of a manifest by an engine, into one store that all of its machines see."""

from collections import Counter
from functools import partial
from pathlib import Path

from tqdm import tqdm

from experiments import engines
from multimodal.corpora.manifest import Manifest
from multimodal.media.prepare_corpus import PrepareSummary, part_of, prepare_corpus
from multimodal.media.prepared import PrepareOptions

#: Parts for each worker, so that a slow one does not keep the others waiting at the end.
_PARTS_A_WORKER = 4


def prepare_elsewhere(
    manifest: Manifest,
    store: Path,
    options: PrepareOptions,
    *,
    run_all: engines.RunAll,
    roots: dict[str, str] | None,
    workers: int,
    seconds_per_clip: float,
    memory_bytes_per_clip: int,
) -> PrepareSummary:
    """The same store as :func:`multimodal.media.prepare_corpus.prepare_corpus` makes, by ``workers`` tasks.

    Each task prepares a part of the manifest, in a process of its own; a task that is done again goes on where the
    first one stopped. Raises the error of the first task that failed, when the others are done.
    """
    count = max(1, min(len(manifest.clips), workers * _PARTS_A_WORKER))
    parts = [part_of(manifest, number, count) for number in range(count)]
    prepare_part = partial(
        _prepare_part,
        store=str(store.absolute()),
        options=options,
        roots=roots,
        seconds_per_clip=seconds_per_clip,
        memory_bytes_per_clip=memory_bytes_per_clip,
    )
    outcomes = run_all(prepare_part, parts, workers=workers)
    results = [outcome for _, outcome in tqdm(outcomes, total=count, desc="prepare", unit="part")]
    for result in results:
        if isinstance(result, Exception):
            raise result
    return _sum(results)


def _prepare_part(manifest: Manifest, *, store: str, options: PrepareOptions, **limits) -> PrepareSummary:
    return prepare_corpus(manifest, store, options, workers=1, **limits)


def _sum(parts: list[PrepareSummary]) -> PrepareSummary:
    reasons: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.reasons)
    counts = (sum(values) for values in zip(*(part[:3] for part in parts), strict=True))
    return PrepareSummary(*counts, dict(reasons.most_common()))
