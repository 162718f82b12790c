"""Journals: lines that a writer adds to the store, each one after what it speaks of is safe on the disk.

A writer holds a lock on its journal as long as it lives, and the system frees it however the writer dies. So a
journal that can be locked is complete or abandoned, and whoever finds it may move its lines into the tables.
"""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from multimodal.artefacts import check_inside, inside, read_table, reading
from multimodal.files import atomic_path, listed, open_itself, sweep
from multimodal.media.store.format import (
    FAILURE_SCHEMA,
    FAILURES,
    INDEX,
    INDEX_SCHEMA,
    JOURNALS,
    LOCK,
    SHARDS,
    check_own_folders,
)
from multimodal.media.store.shard import AppendOnlyFile, StoreWriteError, end_archive


@contextmanager
def store_lock(folder: Path) -> Iterator[None]:
    """Only one process at a time opens journals or moves them into the tables."""
    with open_itself(folder / LOCK, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Journal:
    """An open journal of one writer."""

    def __init__(self, folder: Path, name: str) -> None:
        check_own_folders(folder)
        with store_lock(folder):  # else a merge could take the new, still unlocked file for an abandoned one
            self._file = AppendOnlyFile(folder / JOURNALS / f"{name}.jsonl")
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def add(self, line: dict[str, Any]) -> None:
        """Append one line and wait until it is on the disk; on ``StoreWriteError`` nothing of it is left."""
        length = self._file.length
        try:
            self._file.append(json.dumps(line).encode() + b"\n")
            self._file.sync()
        except StoreWriteError:
            self._file.cut(length)
            raise

    def close(self) -> None:
        """Give up the lock; the journal may be merged from now on."""
        self._file.close()


def read_lines(file: TextIO) -> list[dict[str, Any]]:
    """All whole lines; a last line cut off by the writer's death is left out.

    Raises:
        ValueError: a line that no writer wrote.
    """
    with reading(file.name, "a journal of a store", "is damaged; remove it, and its clips are prepared anew"):
        lines = _whole_lines(file)
        for name, schema in (("clip", INDEX_SCHEMA), ("failure", FAILURE_SCHEMA)):
            rows = pa.Table.from_pylist([line[name] for line in lines if name in line], schema=schema)
            for column in {"clip_id", "shard"} & set(schema.names):
                check_inside(rows[column], column, file.name)
        for line in lines:
            if "clip" in line and not 0 <= line["end"] - line["clip"]["num_bytes"] <= line["end"] < 2**62:
                raise ValueError(f"a clip that ends at byte {line['end']}")
    return lines


def _opened(path: Path) -> TextIO:
    return TextIOWrapper(open_itself(path, "rb"), "ascii", "replace")  # what is not ASCII no writer wrote


def _whole_lines(file: TextIO) -> list[dict[str, Any]]:
    lines = []
    for line in file:
        if not line.endswith("\n") or not line.isascii():
            break
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines


def _journals(folder: Path) -> list[Path]:
    return [path for path in listed(folder / JOURNALS) if path.suffix == ".jsonl"]


@contextmanager
def free_journals(folder: Path) -> Iterator[list[tuple[Path, list[dict[str, Any]]]]]:
    """The lines of every journal whose writer is gone, locked until the block ends. Hold the store lock."""
    held, found = [], []
    try:
        for path in _journals(folder):
            file = _opened(path)
            held.append(file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            found.append((path, read_lines(file)))
        yield found
    finally:
        for file in held:
            file.close()


def all_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of all journals, those of living writers too."""
    check_own_folders(folder)
    lines = []
    for path in _journals(folder):
        with suppress(FileNotFoundError), _opened(path) as file:  # it may be merged in this moment
            lines += read_lines(file)
    return lines


# Moving what finished writers noted in their journals into the tables of the store.


def merge(folder: Path) -> None:
    """Take the journals of writers that ended, or died, into ``index.parquet`` and ``failures.parquet``.

    What a dead writer left half-written in its last shard is cut off. A clip that two writers prepared stands in
    the index once, and in the shards once: the other's members are cut off or marked as removed. Shards and
    journals change after the tables are in place, so a merge that is killed is done again, to the same end.

    Raises:
        ValueError: a journal, a shard or their folder lies elsewhere, behind a link, or is damaged.
    """
    check_own_folders(folder)
    with store_lock(folder), free_journals(folder) as journals:
        sweep(folder)
        shards = _shards_written_by(folder, {path.stem for path, _ in journals})
        lines = [line for _, found in journals for line in found]
        clips = [line["clip"] for line in lines if "clip" in line]
        failures = [line["failure"] for line in lines if "failure" in line]
        index = _first_of_each(_joined(folder / INDEX, clips, INDEX_SCHEMA))
        failed = _first_of_each(_joined(folder / FAILURES, failures, FAILURE_SCHEMA))
        failed = failed.filter(pc.invert(pc.is_in(failed["clip_id"], value_set=index["clip_id"].combine_chunks())))
        for name, table in ((INDEX, index), (FAILURES, failed)):
            with atomic_path(folder / name) as temporary:
                pq.write_table(table, temporary)
        _end_shards(shards, lines, _shards_of(clips, index))
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
    if not path.is_file():
        return set()
    with reading(path, "a table of a store"):
        return set(pq.read_table(path, columns=["clip_id"])["clip_id"].to_pylist())


def _joined(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    new = pa.Table.from_pylist(rows, schema=schema)
    if not path.is_file():
        return new
    return pa.concat_tables([read_table(path, "a table of a store", schema=schema), new])


def _first_of_each(table: pa.Table) -> pa.Table:
    numbered = table.append_column("position", pa.array(range(len(table)), pa.int64()))
    firsts = numbered.group_by("clip_id").aggregate([("position", "min")]).sort_by("clip_id")
    return table.take(firsts["position_min"])


def _shards_of(clips: list[dict[str, Any]], index: pa.Table) -> dict[str, str]:
    """The shard in which the index finds each of these clips."""
    names = pa.array([clip["clip_id"] for clip in clips], pa.string())
    found = index.select(["clip_id", "shard"]).filter(pc.is_in(index["clip_id"], value_set=names))
    return dict(zip(found["clip_id"].to_pylist(), found["shard"].to_pylist(), strict=True))


#: A shard, by its writer.
_SHARD = re.compile(r"(.+)-\d{4,}\.tar")


def _shards_written_by(folder: Path, writers: set[str]) -> list[Path]:
    """The shards of these writers, by name; ``ValueError`` where one is a link to another file."""
    shards = []
    for path in listed(folder / SHARDS):
        named = _SHARD.fullmatch(path.name)
        if named is not None and named[1] in writers:
            shards.append(inside(folder / SHARDS, path.name))
            if path.is_symlink():
                raise ValueError(f"{path} is a link, and would be cut; put the shard itself there")
    return shards


def _end_shards(shards: list[Path], lines: list[dict[str, Any]], shard_of: dict[str, str]) -> None:
    """Cut the shards of dead writers behind the last clip that the index finds there; hide others before it."""
    written: dict[str, list[tuple[str, int, int]]] = {}
    for line in lines:
        if "clip" in line:
            clip, end = line["clip"], line["end"]
            written.setdefault(clip["shard"], []).append((clip["clip_id"], end - clip["num_bytes"], end))
    for path in shards:
        runs = written.get(path.name, [])
        length = max((end for clip_id, _, end in runs if shard_of[clip_id] == path.name), default=None)
        if length is None:
            path.unlink()  # no clip of it is in the index
            continue
        others = [run[1:] for run in runs if shard_of[run[0]] != path.name and run[2] <= length]
        end_archive(path, length, others)
