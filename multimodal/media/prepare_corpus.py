"""Preparing all clips of a manifest into a store: in parallel, past bad files, and on from where it stopped."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from multimodal.corpora.manifest import Manifest
from multimodal.media.prepared import PrepareOptions
from multimodal.media.storing.append import StoreWriteError
from multimodal.media.storing.format import (
    FAILURES,
    HEADER,
    JOURNALS,
    SHARDS,
    differences,
    fingerprint_of,
    read_header,
    write_header,
)
from multimodal.media.storing.merge import finished_clips, merge
from multimodal.media.storing.writer import StoreWriter
from multimodal.media.worker import Done, Job, Limits
from multimodal.media.worker_pool import Died, run_jobs


class PrepareSummary(NamedTuple):
    """How a run ended: clips prepared and failed in it, clips skipped because an earlier run had finished them.

    ``reasons`` counts the failures of the whole manifest, earlier runs included, by ``"stage: reason"``.
    """

    prepared: int
    failed: int
    skipped: int
    reasons: dict[str, int]

    def text(self) -> str:
        """The last lines of a run.

        >>> print(PrepareSummary(prepared=98, failed=2, skipped=0, reasons={"open: the file is empty": 2}).text())
        prepared 98 clips, 2 failed, 0 were finished before
             2  open: the file is empty
        """
        first = f"prepared {self.prepared} clips, {self.failed} failed, {self.skipped} were finished before"
        return "\n".join([first, *(f"{count:6d}  {reason}" for reason, count in self.reasons.items())])


#: Wraps the outcomes of a number of clips as they come, to show how far a run is; tqdm does.
ShowProgress = Callable[[Iterable[Done | Died], int], Iterable[Done | Died]]


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
        device: where faces are detected, ``"cpu"`` or ``"cuda"``.
        progress: gets the outcomes as they come and their number, and passes them on; ``stage`` of a failed one
            is not None.

    Raises:
        ValueError: the folder holds something else or a store of other options; a corpus has no root; or the
            store cannot be written (then finished clips stay).
    """
    folder = Path(store_folder)
    _open_or_make(folder, options)
    with _store_errors(folder):
        merge(folder)
        prepared, failed = finished_clips(folder)
        rows = manifest.clips[~manifest.clips["clip_id"].isin(prepared | failed)]
        jobs = [
            Job(clip_id, str(manifest.file_of(clip_id, roots)), media)
            for clip_id, media in zip(rows["clip_id"], rows["media"], strict=True)
        ]
        limits = Limits(seconds_per_clip, memory_bytes_per_clip)
        try:
            failed_now = _run(jobs, folder, options, limits, workers, device, progress)
        finally:
            merge(folder)
    return PrepareSummary(
        prepared=len(jobs) - failed_now,
        failed=failed_now,
        skipped=len(manifest.clips) - len(jobs),
        reasons=_failure_reasons(folder, set(manifest.clips["clip_id"])),
    )


def part_of(manifest: Manifest, number: int, count: int) -> Manifest:
    """Every ``count``-th clip from the ``number``-th on, counted from 0: the parts together are the manifest.

    Raises ``ValueError`` if there is no such part.
    """
    if not 0 <= number < count:
        raise ValueError(f"no part {number} of {count}; the parts are 0 to {count - 1}")
    return Manifest(manifest.clips.iloc[number::count].reset_index(drop=True), manifest.roots)


def _open_or_make(folder: Path, options: PrepareOptions) -> None:
    if not (folder / HEADER).is_file():
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            raise ValueError(f"{folder} exists and is no store of prepared clips; give an empty or a new folder")
        try:
            for name in (SHARDS, JOURNALS):
                (folder / name).mkdir(parents=True, exist_ok=True)
            write_header(folder, options)
        except OSError as error:
            raise ValueError(f"cannot write the store {folder}: {error.strerror}") from error
    _, fingerprint = read_header(folder)
    if differing := differences(fingerprint, fingerprint_of(options)):
        raise ValueError(f"{folder} was prepared with other options: {'; '.join(differing)}. Use another folder")


@contextmanager
def _store_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (StoreWriteError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"cannot write the store {folder}: {reason}. "
            "Finished clips are kept; make room and call again to go on"
        ) from error


def _run(
    jobs: list[Job],
    folder: Path,
    options: PrepareOptions,
    limits: Limits,
    workers: int,
    device: str,
    progress: ShowProgress,
) -> int:
    """Run all jobs; return how many failed."""
    failed = 0
    writer = StoreWriter(folder)  # notes the clips on which workers died
    outcomes = run_jobs(jobs, workers=workers, store_folder=folder, options=options, limits=limits, device=device)
    try:
        for outcome in progress(outcomes, len(jobs)):
            failed += outcome.stage is not None
            if isinstance(outcome, Died):
                writer.write_failure(*outcome)
    finally:
        outcomes.close()
        writer.close()
    return failed


def _failure_reasons(folder: Path, clip_ids: set[str]) -> dict[str, int]:
    failures = pq.read_table(folder / FAILURES).to_pylist()
    mine = [f"{row['stage']}: {row['reason']}" for row in failures if row["clip_id"] in clip_ids]
    return dict(Counter(mine).most_common())
