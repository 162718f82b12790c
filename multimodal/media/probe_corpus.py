"""Probing every file of a manifest once, in parallel and past bad files, and on from where it stopped."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.corpora.manifest import Manifest
from multimodal.files import atomic_path
from multimodal.media.probe_pool import Probed, ProbeJob, probe_files

SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("size_bytes", pa.int64()),
        ("container", pa.string()),
        ("duration_seconds", pa.float64()),
        ("num_frames", pa.int64()),
        ("frame_rate", pa.float64()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("video_codec", pa.string()),
        ("audio_codec", pa.string()),
        ("audio_rate", pa.int64()),
        ("start_silence_seconds", pa.float64()),
        ("damage", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
    ]
)

_BATCH_ROWS = 65_536

#: Wraps the outcomes of a number of files as they come, to show how far a run is.
ShowProgress = Callable[[Iterable[Probed], int], Iterable[Probed]]


def probe_path(manifest_path: str | Path) -> Path:
    """Where the probe table of a manifest lies: beside it, and not among what ``*.parquet`` names.

    >>> probe_path("manifests/dfd.parquet").as_posix()
    'manifests/dfd.probe.pq'
    """
    path = Path(manifest_path)
    return path.with_name(f"{path.stem}.probe.pq")


def probe_corpus(
    manifest: Manifest,
    table_path: str | Path,
    *,
    roots: dict[str, str] | None = None,
    workers: int = 1,
    seconds_per_file: float = 60.0,
    progress: ShowProgress = lambda outcomes, total: outcomes,
) -> pd.DataFrame:
    """Open every file of a manifest and write a table with a row a clip; stop and call again as often as needed.

    A file whose row is there already, with the size that it has in the manifest, is not opened again. Until the
    run ends, rows stand in a journal beside the table.

    Args:
        manifest: the clips.
        table_path: parquet with the columns of :data:`SCHEMA`, sorted by ``clip_id``.
        roots: where corpora lie, if not where the manifest says.
        workers: processes that read in parallel.
        seconds_per_file: a file that takes longer is given up.
        progress: gets the outcomes as they come and their number, and passes them on.

    Returns:
        the table; rows of files that cannot be used have a ``stage`` and a ``reason``.
    """
    table_path = Path(table_path)
    journal = table_path.with_name(f".{table_path.name}.journal")
    known = _collect(manifest, table_path, journal)["clip_id"].to_pandas()
    left = manifest.clips[~manifest.clips["clip_id"].isin(known)]
    jobs = [
        ProbeJob(clip_id, str(manifest.file_of(clip_id, roots)), media)
        for clip_id, media in zip(left["clip_id"], left["media"], strict=True)
    ]
    sizes = dict(zip(left["clip_id"], left["size_bytes"].tolist(), strict=True))
    table_path.parent.mkdir(parents=True, exist_ok=True)
    with open(journal, "a", encoding="utf-8") as file:
        outcomes = probe_files(jobs, workers=workers, seconds_per_file=seconds_per_file)
        for outcome in progress(outcomes, len(jobs)):
            file.write(json.dumps(_row(outcome, sizes[outcome.clip_id])) + "\n")
    table = _collect(manifest, table_path, journal).sort_by("clip_id")
    with atomic_path(table_path) as temporary:
        pq.write_table(table, temporary)
    journal.unlink()
    return table.to_pandas()


def read_probe_table(path: str | Path) -> pd.DataFrame:
    """The rows that :func:`probe_corpus` wrote; ``ValueError`` if the file is something else."""
    return _read(Path(path)).to_pandas()


def write_rejects(table: pd.DataFrame, path: str | Path) -> int:
    """Write the clips that cannot be used as CSV (``clip_id,stage,reason``); return how many there are."""
    rejects = table.loc[table["reason"].notna(), ["clip_id", "stage", "reason"]]
    with atomic_path(path) as temporary:
        rejects.to_csv(temporary, index=False)
    return len(rejects)


def _row(outcome: Probed, size_bytes: int) -> dict[str, Any]:
    facts = asdict(outcome.facts) if outcome.facts else {}
    return {
        "clip_id": outcome.clip_id,
        "size_bytes": size_bytes,
        **facts,
        "stage": outcome.stage,
        "reason": outcome.reason,
    }


def _collect(manifest: Manifest, table_path: Path, journal: Path) -> pa.Table:
    """Rows of earlier runs and of the journal, for files that have not changed since."""
    tables = [_read(table_path)] if table_path.is_file() else []
    rows = _journal_rows(journal)
    while batch := list(islice(rows, _BATCH_ROWS)):
        tables.append(pa.Table.from_pylist(batch, schema=SCHEMA))
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    now = manifest.clips.set_index("clip_id")["size_bytes"].reindex(table["clip_id"].to_pandas())
    return table.filter(pa.array(now.to_numpy() == table["size_bytes"].to_numpy()))


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, columns=SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise ValueError(f"not a probe table: {path} ({error}). Delete it and probe again.") from error


def _journal_rows(journal: Path) -> Iterator[dict[str, Any]]:
    """Whole lines of the journal; the last one may have been cut off."""
    if not journal.is_file():
        return
    with open(journal, "rb+") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                file.truncate(end)
                return
            end += len(line)
            yield json.loads(line)
