"""Preparing all clips of a manifest into a store: in parallel, past bad files, and on from where it stopped."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import pyarrow.parquet as pq
import torch

from encoders.temporary import temporary_folder
from multimodal.corpora.manifest import GENERATED_MARK, Manifest, is_generated
from multimodal.files import sync, write_json
from multimodal.labels import Media
from multimodal.media.errors import MediaError
from multimodal.media.faces import FaceDetector, check_detector, create_detector, detector_module
from multimodal.media.isolation import IsolatedWorkers, Limits, Outcome
from multimodal.media.kept import Kept
from multimodal.media.networks import NetworksGoneError, SharedNetworks, on_device
from multimodal.media.prepare import prepare_file
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.frame_folder import must_lie_in
from multimodal.media.store.format import (
    FAILURES,
    JOURNALS,
    SHARDS,
    claim_store,
    differences,
    fingerprint_of,
    read_header,
)
from multimodal.media.store.journal import finished_clips, merge
from multimodal.media.store.reader import Store
from multimodal.media.store.shard import StoreWriteError
from multimodal.media.store.writer import StoreWriter


class PrepareSummary(NamedTuple):
    """How a run ended: clips prepared and failed in it, clips skipped because an earlier run had finished them.

    All are counted in the store. ``reasons`` counts the failures of the whole manifest, earlier runs included, by
    ``"stage: reason"``; ``kept`` speaks of the clips prepared in this run.
    """

    prepared: int
    failed: int
    skipped: int
    reasons: dict[str, int]
    kept: Kept = Kept()

    def text(self) -> str:
        """The last lines of a run.

        >>> kept = Kept({"alone": 92, "speech": 5, "size": 1}, 120, kept_seconds=450.0, source_seconds=500.0)
        >>> print(PrepareSummary(98, 2, skipped=0, reasons={"open: the file is empty": 2}, kept=kept).text())
        prepared 98 clips, 2 failed, 0 were finished before
        120 faces in 98 clips; 90.0 % of their time is kept
        main faces chosen: 92 alone, 5 by speech, 1 by time and size
             2  open: the file is empty
        """
        first = [f"prepared {self.prepared} clips, {self.failed} failed, {self.skipped} were finished before"]
        if self.kept.faces:
            first += self.kept.lines()
        return "\n".join([*first, *(f"{count:6d}  {reason}" for reason, count in self.reasons.items())])


class PrepareJob(NamedTuple):
    """One clip to prepare."""

    clip_id: str
    path: str
    media: Media
    root: str | None = None


Prepared: TypeAlias = Outcome[PrepareJob, Kept]
#: Which faces of a clip are stored: the main one, or all, each further one as ``CLIP_ID#face2`` and so on.
Tracks = Literal["main", "all"]
#: Wraps the outcomes of a number of clips as they come, to show how far a run is.
ShowProgress = Callable[[Iterable[Prepared], int], Iterable[Prepared]]


def prepare_corpus(
    manifest: Manifest,
    store_folder: str | Path,
    options: PrepareOptions,
    *,
    roots: dict[str, str] | None = None,
    workers: int = 1,
    seconds_per_clip: float = 600.0,
    memory_bytes_per_clip: int = 2 * 2**30,
    device: str = "cpu",
    tracks: Tracks = "main",
    progress: ShowProgress = lambda outcomes, total: outcomes,
) -> PrepareSummary:
    """Prepare every clip of a manifest that the store does not have; stop and call again as often as needed.

    Each clip is prepared in a worker process under a time and a memory limit. A file that cannot be prepared is a
    row in the store's failures and is not tried again. Several processes may fill one store. The set of clips and
    the bytes of each do not depend on the number of workers or on interruptions.

    Args:
        manifest: the clips.
        store_folder: made if it does not exist.
        options: how clips are prepared; a store holds clips of one set of options.
        roots: where corpora lie, if not where the manifest says.
        workers: processes that decode in parallel, each on one core.
        seconds_per_clip: a clip that takes longer is given up.
        memory_bytes_per_clip: a clip that takes more, on top of the idle worker, is given up (Linux).
        device: where faces are detected, ``"cpu"``, or ``"cuda"``, where one process computes for all workers.
        tracks: ``"all"`` stores the further faces of a clip too, as ``CLIP_ID#face2`` and so on; nothing is
            trained on them unless a manifest names them. Clips finished before stay as they are.
        progress: gets the outcomes as they come and their number, and passes them on; ``failure`` of a failed one
            is not None.

    Raises:
        ValueError: the folder holds something else or a store of other options; there is no such face detector;
            a corpus has no root; the store cannot be written (then finished clips stay); or a clip is neither
            prepared nor failed when all is done.
    """
    check_detector(options.face_detector)
    folder = Path(store_folder)
    _open_or_make(folder, options)
    with _store_errors(folder):
        if is_generated(manifest.clips) and not (folder / GENERATED_MARK).exists():
            write_json(folder / GENERATED_MARK, {"generated": "clips of this store were drawn by a program"})
        merge(folder)
        prepared, failed = finished_clips(folder)
        jobs = _jobs(manifest, roots, done=prepared | failed)
        preload = (__name__, detector_module(options.face_detector))
        try:
            with on_device(options.face_detector, device if jobs else "cpu", preload=preload) as address:
                crew: IsolatedWorkers[PrepareJob, Kept] = IsolatedWorkers(
                    partial(_preparing, folder, options, address, tracks),
                    workers=workers,
                    limits=Limits(seconds_per_clip, memory_bytes_per_clip),
                    preload=preload,
                    errors_of_run=(StoreWriteError, NetworksGoneError),
                )
                with crew:
                    kept = _note_outcomes(folder, progress(crew.run(jobs), len(jobs)))
        finally:
            merge(folder)
    return _summary(folder, manifest, {job.clip_id for job in jobs}, kept)


def _jobs(manifest: Manifest, roots: dict[str, str] | None, *, done: set[str]) -> list[PrepareJob]:
    rows = manifest.clips[~manifest.clips["clip_id"].isin(done)]
    return [
        PrepareJob(clip_id, str(manifest.file_of(clip_id, roots)), media, manifest.bound_of(clip_id, roots))
        for clip_id, media in zip(rows["clip_id"], rows["media"], strict=True)
    ]


def _summary(folder: Path, manifest: Manifest, tried: set[str], kept: Kept) -> PrepareSummary:
    """What the store says of the clips that were tried now; each must be in it, prepared or failed."""
    prepared, failed = (len(tried & names) for names in finished_clips(folder))
    if lacking := len(tried) - prepared - failed:
        raise ValueError(f"{lacking} of {len(tried)} clips are not in the store {folder}; call again to go on")
    clip_ids = set(manifest.clips["clip_id"])
    return PrepareSummary(prepared, failed, len(clip_ids) - len(tried), _failure_reasons(folder, clip_ids), kept)


def part_of(manifest: Manifest, number: int, count: int) -> Manifest:
    """Every ``count``-th clip from the ``number``-th on, counted from 0: the parts together are the manifest.

    Raises ``ValueError`` if there is no such part.
    """
    if not 0 <= number < count:
        raise ValueError(f"no part {number} of {count}; the parts are 0 to {count - 1}")
    return replace(manifest, clips=manifest.clips.iloc[number::count].reset_index(drop=True))


def _open_or_make(folder: Path, options: PrepareOptions) -> None:
    try:
        claim_store(folder, options)
        for name in (SHARDS, JOURNALS):
            (folder / name).mkdir(exist_ok=True)
        sync(folder)
    except OSError as error:
        raise _refusal(folder, error) from error
    stored, fingerprint = read_header(folder)
    differing = differences(fingerprint, fingerprint_of(options))
    if stored.frame_format != options.frame_format and not differing:  # the same crops, in other files
        differing = [f"frame_format is {stored.frame_format}, not {options.frame_format}"]
    if differing:
        raise ValueError(f"{folder} was prepared with other options: {'; '.join(differing)}. Use another folder")


@contextmanager
def _store_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (StoreWriteError, OSError) as error:
        raise _refusal(folder, error) from error


def _refusal(folder: Path, error: StoreWriteError | OSError) -> ValueError:
    reason = getattr(error, "strerror", None) or str(error)
    may_not = reason in map(os.strerror, (errno.EROFS, errno.EACCES, errno.EPERM))
    is_full = reason in map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
    do = "take a --store that you may write" if may_not else f"{'make room and ' * is_full}call again to go on"
    return ValueError(f"cannot write the store {folder}: {reason}. Finished clips are kept; {do}")


def _note_outcomes(folder: Path, outcomes: Iterable[Prepared]) -> "Kept":
    """Write the failures to the store as they come (workers write clips only), and add up what was kept."""
    kept = Kept()
    writer = StoreWriter(folder)
    try:
        for outcome in outcomes:
            if outcome.failure is not None:
                writer.write_failure(outcome.job.clip_id, outcome.failure.stage, outcome.failure.reason)
            elif outcome.result is not None:
                kept = kept.plus(outcome.result)
    finally:
        writer.close()
    return kept


@contextmanager
def _preparing(
    folder: Path, options: PrepareOptions, address: str | None, tracks: Tracks
) -> Iterator[Callable[[PrepareJob], Kept]]:
    """What a worker loads before its first clip; gives the function that prepares one and writes it."""
    torch.set_num_threads(1)  # one worker, one core
    networks = None if address is None else SharedNetworks(address)
    detector = create_detector(options.face_detector, networks=networks)
    detector.find(np.zeros((96, 96, 3), np.uint8), options.smallest_face)  # loads what it needs
    writer = StoreWriter(folder)
    try:
        yield partial(_prepare, options=options, detector=detector, writer=writer, tracks=tracks)
    finally:
        writer.close()


def _prepare(
    job: PrepareJob, *, options: PrepareOptions, detector: FaceDetector, writer: StoreWriter, tracks: Tracks
) -> Kept:
    must_lie_in(job.root, Path(job.path))
    found = prepare_file(job.path, job.clip_id, options, media=job.media, detector=detector)
    main, stored = found[0], found if tracks == "all" else found[:1]
    if {"video", "audio"} <= main.absent.keys():
        raise MediaError("detect", "; ".join(main.absent[name] for name in ("video", "audio")))
    # The main face last: a clip counts as finished with it, and a worker may die in between.
    for number, preparation in reversed(list(enumerate(stored, 1))):
        clip_id = job.clip_id if number == 1 else f"{job.clip_id}#face{number}"
        writer.write(replace(preparation, clip_id=clip_id))
    if main.track is None:
        return Kept()
    seen: set[int] = set()
    for preparation in stored:
        assert preparation.track is not None
        seen.update(range(preparation.track.first, preparation.track.first + len(preparation.track.boxes)))
    assert main.main_by is not None
    return Kept({main.main_by: 1}, len(found), len(seen) / options.frame_rate, main.source_seconds)


def _failure_reasons(folder: Path, clip_ids: set[str]) -> dict[str, int]:
    failures = pq.read_table(folder / FAILURES).to_pylist()
    mine = [f"{row['stage']}: {row['reason']}" for row in failures if row["clip_id"] in clip_ids]
    return dict(Counter(mine).most_common())


# How long a whole manifest would take on this machine and how much disk, from a small random sample of it.


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
    progress: ShowProgress = lambda outcomes, total: outcomes,
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
        progress: as for :func:`prepare_corpus`.
    """
    total = len(manifest.clips)
    if not total or num_sampled < 1:
        raise ValueError(f"nothing to estimate from: {total} clips, {num_sampled} to be sampled")
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(total, min(num_sampled, total), replace=False))
    sample = replace(manifest, clips=manifest.clips.iloc[drawn].reset_index(drop=True))
    seconds: list[float] = []

    def watch(outcomes: Iterable[Prepared], count: int) -> Iterable[Prepared]:
        for outcome in progress(outcomes, count):
            seconds.append(outcome.seconds)
            yield outcome

    with temporary_folder(".multimodal-estimate-", scratch) as made:
        folder = made / "store"
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
