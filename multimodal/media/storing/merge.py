"""Moving what finished writers noted in their journals into the tables of the store."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from multimodal.files import atomic_path
from multimodal.media.storing.format import FAILURE_SCHEMA, FAILURES, INDEX, INDEX_SCHEMA, SHARDS
from multimodal.media.storing.journal import all_lines, free_journals, store_lock
from multimodal.media.storing.shard import end_archive


def merge(folder: Path) -> None:
    """Take the journals of writers that ended, or died, into ``index.parquet`` and ``failures.parquet``.

    What a dead writer left half-written in its last shard is cut off. A clip that two writers prepared stands in
    the index once. Journals are deleted after the tables are in place, so a merge that is killed is done again.
    """
    with store_lock(folder), free_journals(folder) as journals:
        lines = [line for _, found in journals for line in found]
        _end_shards(folder, lines, {path.stem for path, _ in journals})
        clips = [line["clip"] for line in lines if "clip" in line]
        failures = [line["failure"] for line in lines if "failure" in line]
        index = _first_of_each(_joined(folder / INDEX, clips, INDEX_SCHEMA))
        failed = _first_of_each(_joined(folder / FAILURES, failures, FAILURE_SCHEMA))
        failed = failed.filter(pc.invert(pc.is_in(failed["clip_id"], value_set=index["clip_id"].combine_chunks())))
        for name, table in ((INDEX, index), (FAILURES, failed)):
            with atomic_path(folder / name) as temporary:
                pq.write_table(table, temporary)
        for path, _ in journals:
            path.unlink()


def finished_clips(folder: Path) -> tuple[set[str], set[str]]:
    """Names of the clips that are prepared, and of those that failed, by living writers too."""
    # Journals first: a journal merged in between is then found in the tables.
    lines = all_lines(folder)
    prepared = {line["clip"]["clip_id"] for line in lines if "clip" in line}
    failed = {line["failure"]["clip_id"] for line in lines if "failure" in line}
    prepared |= _clip_ids(folder / INDEX)
    return prepared, (failed | _clip_ids(folder / FAILURES)) - prepared


def _clip_ids(path: Path) -> set[str]:
    return set(pq.read_table(path, columns=["clip_id"])["clip_id"].to_pylist()) if path.is_file() else set()


def _joined(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    new = pa.Table.from_pylist(rows, schema=schema)
    return pa.concat_tables([pq.read_table(path, schema=schema), new]) if path.is_file() else new


def _first_of_each(table: pa.Table) -> pa.Table:
    numbered = table.append_column("position", pa.array(range(len(table)), pa.int64()))
    firsts = numbered.group_by("clip_id").aggregate([("position", "min")]).sort_by("clip_id")
    return table.take(firsts["position_min"])


def _end_shards(folder: Path, lines: list[dict[str, Any]], writers: set[str]) -> None:
    ends = {line["clip"]["shard"]: line["end"] for line in lines if "clip" in line}
    for path in sorted((folder / SHARDS).glob("*.tar")):
        if path.stem.rsplit("-", 1)[0] not in writers:
            continue
        if path.name in ends:
            end_archive(path, ends[path.name])
        else:
            path.unlink()  # no clip of it was finished
