"""How long a whole manifest would take on this machine and how much disk, from a small random sample of it."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from multimodal.corpora.manifest import Manifest
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store import Store
from multimodal.media.worker import Done
from multimodal.media.worker_pool import Died

_RESAMPLES = 2000


class Range(NamedTuple):
    """A total with the 95 % interval that the sample allows."""

    middle: float
    low: float
    high: float


class Estimate(NamedTuple):
    """What the sample says of all clips: seconds with so many workers, and bytes on disk."""

    num_clips: int
    num_sampled: int
    num_failed: int
    workers: int
    seconds: Range
    disk_bytes: Range

    def text(self) -> str:
        """A sentence for the terminal.

        >>> rough = Estimate(9000, 20, 1, 4, Range(7200, 5400, 9600), Range(40e9, 30e9, 52e9))
        >>> print(rough.text())
        9000 clips with 4 workers: about 2.0 hours (1.5 to 2.7) and 40.0 GB (30.0 to 52.0)
        from 20 clips drawn at random, 1 of which failed; the ranges are bootstrap intervals of 95 %
        """
        time_unit, time_name = next((unit for unit in _TIMES if self.seconds.middle >= unit[0]), _TIMES[-1])
        disk_unit, disk_name = next((unit for unit in _SIZES if self.disk_bytes.middle >= unit[0]), _SIZES[-1])
        return (
            f"{self.num_clips} clips with {self.workers} workers: about {_in(self.seconds, time_unit, time_name)} "
            f"and {_in(self.disk_bytes, disk_unit, disk_name)}\nfrom {self.num_sampled} clips drawn at random, "
            f"{self.num_failed} of which failed; the ranges are bootstrap intervals of 95 %"
        )


_TIMES = ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def _in(total: Range, unit: float, name: str) -> str:
    return f"{total.middle / unit:.1f} {name} ({total.low / unit:.1f} to {total.high / unit:.1f})"


def estimate_corpus(
    manifest: Manifest,
    options: PrepareOptions,
    *,
    num_sampled: int = 20,
    seed: int = 0,
    roots: dict[str, str] | None = None,
    workers: int = 1,
    seconds_per_clip: float = 600.0,
    scratch: str | Path | None = None,
    progress: Callable[[Iterable[Done | Died], int], Iterable[Done | Died]] = lambda outcomes, total: outcomes,
) -> Estimate:
    """Prepare clips drawn at random into a store that is deleted again, as many at a time as the run would.

    Args:
        manifest: all clips.
        options: how they would be prepared.
        num_sampled: how many clips are tried.
        seed: of the draw.
        roots: where corpora lie, if not where the manifest says.
        workers: processes of the run.
        seconds_per_clip: the time limit of the run; a clip that reaches it counts with all of it.
        scratch: folder on the disk to be filled (default: where the system keeps temporary files).
        progress: as for :func:`multimodal.media.prepare_corpus.prepare_corpus`.
    """
    total = len(manifest.clips)
    if not total or num_sampled < 1:
        raise ValueError(f"nothing to estimate from: {total} clips, {num_sampled} to be sampled")
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(total, min(num_sampled, total), replace=False))
    sample = Manifest(manifest.clips.iloc[drawn].reset_index(drop=True), manifest.roots)
    seconds: list[float] = []

    def watch(outcomes: Iterable[Done | Died], count: int) -> Iterable[Done | Died]:
        for outcome in progress(outcomes, count):
            seconds.append(outcome.seconds if isinstance(outcome, Done) else seconds_per_clip)
            yield outcome

    with tempfile.TemporaryDirectory(prefix=".estimate-", dir=scratch) as folder:
        summary = prepare_corpus(
            sample,
            folder,
            options,
            roots=roots,
            workers=workers,
            seconds_per_clip=seconds_per_clip,
            progress=watch,
        )
        sizes = Store.open(folder).index["num_bytes"].to_list()
    sizes += [0] * summary.failed
    return Estimate(
        total,
        len(sample.clips),
        summary.failed,
        workers,
        _total(np.array(seconds) / workers, total, rng),
        _total(np.array(sizes, dtype=float), total, rng),
    )


def _total(values: np.ndarray, count: int, rng: np.random.Generator) -> Range:
    """Mean times ``count`` with the percentile bootstrap (Efron 1979)."""
    means = rng.choice(values, (_RESAMPLES, len(values))).mean(axis=1) * count
    low, high = np.percentile(means, [2.5, 97.5])
    return Range(float(values.mean() * count), float(low), float(high))
