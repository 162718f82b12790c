"""Reading prepared clips back, whole or a window at a time."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Float, UInt8

from multimodal.artefacts import check_inside, inside, read_table, reading
from multimodal.labels import MODALITIES, Modality
from multimodal.media.crops import WAV_HEADER_BYTES, decode_crops
from multimodal.media.faces import box_area
from multimodal.media.prepared import PreparedClip, PrepareOptions, sample_span
from multimodal.media.store.format import (
    FAILURE_SCHEMA,
    FAILURES,
    INDEX,
    INDEX_SCHEMA,
    SHARDS,
    differences,
    read_header,
)

_LIST_COLUMNS = ("frame_offsets", "frame_lengths", "boxes")
_PLAIN_COLUMNS = [name for name in INDEX_SCHEMA.names if name not in _LIST_COLUMNS]
#: What reading a window asks of a clip; to look up all columns takes as long as unpacking a crop.
_READ_COLUMNS = ["shard", "num_frames", "frame_rate", "num_samples", "sample_rate", "start_seconds"]
_READ_COLUMNS += ["absent_video", "absent_audio", "damage", "sound_offset"]


class Store:
    """A folder of prepared clips, opened for reading.

    Reading is safe from threads and processes: every read opens its shard anew, and a pickled store carries only
    its folder, so it goes to the workers of a data loader cheaply.

    Attributes:
        folder: where it lies.
        options: what the cropper was asked for.
        fingerprint: the cropper's version and options as a line of JSON, for a checkpoint to remember.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.options: PrepareOptions
        self.options, self.fingerprint = read_header(self.folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Store":
        """Open for reading; ``ValueError`` if the folder is no store."""
        return cls(folder)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "options": self.options, "fingerprint": self.fingerprint}

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._rows

    @cached_property
    def index(self) -> pd.DataFrame:
        """A row a clip, sorted by ``clip_id``: ``INDEX_SCHEMA`` but for columns of one value a frame."""
        with reading(self.folder / INDEX, "the index of a store"):
            return self._index_table.select(_PLAIN_COLUMNS).to_pandas()

    @cached_property
    def failures(self) -> pd.DataFrame:
        """A row a clip that could not be prepared: ``clip_id``, ``stage``, ``reason``."""
        table = self._table(FAILURES, FAILURE_SCHEMA)
        with reading(self.folder / FAILURES, "the failures of a store"):
            return table.to_pandas()

    def median_face(self) -> float | None:
        """Median side of all face boxes in pixels of their source; None without one."""
        boxes = self._index_table["boxes"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        if len(boxes) % 4:
            raise ValueError(f"{self.folder / INDEX} has boxes that are not of four numbers; run prepare again")
        boxes = boxes.reshape(-1, 4)
        return float(np.median(np.sqrt(box_area(boxes)))) if len(boxes) else None

    def check_options(self, fingerprint: str) -> None:
        """Raise ``ValueError`` if a checkpoint, by the fingerprint it remembers, was made with other crops."""
        if fingerprint != self.fingerprint:
            differing = "; ".join(differences(self.fingerprint, fingerprint))
            raise ValueError(
                f"a checkpoint made with other crops: in {self.folder} {differing}. "
                "Prepare a store with the checkpoint's options, or train on this one"
            )

    def read(
        self,
        clip_id: str,
        start: int = 0,
        num_frames: int | None = None,
        *,
        modalities: Sequence[Modality] = MODALITIES,
    ) -> PreparedClip:
        """Frames ``start`` to ``start + num_frames`` of a clip (default: to its end) and exactly their sound.

        Only the bytes of that window are read. At the end of the clip the window is shorter. A modality that is
        not asked for is None without being called absent.
        """
        row = self._row(clip_id)
        with reading(self.folder / SHARDS / row["shard"], f"the shard of {clip_id!r:.200}"):
            return self._window(clip_id, row, start, num_frames, modalities)

    def _window(
        self, clip_id: str, row: dict[str, Any], start: int, num_frames: int | None, modalities: Sequence[Modality]
    ) -> PreparedClip:
        total = row["num_frames"]
        count = max(0, total - start) if num_frames is None else min(num_frames, max(0, total - start))
        absent = {name: row[f"absent_{name}"] for name in ("video", "audio") if row[f"absent_{name}"] is not None}
        frames = waveform = None
        with open(self._shard(row["shard"]), "rb") as shard:
            if row["absent_video"] is None and "video" in modalities:
                frames = _read_frames(shard, row, start, count, self.options)
            if row["sound_offset"] is not None and "audio" in modalities:
                waveform = _read_sound(shard, row, start, count)
        boxes = None
        if frames is not None:
            boxes = row["boxes"].reshape(-1, 4)[start : start + count]
        return PreparedClip(
            clip_id=clip_id,
            frame_rate=row["frame_rate"],
            sample_rate=row["sample_rate"],
            frames=frames,
            boxes=boxes,
            waveform=waveform,
            absent=absent,
            start_seconds=row["start_seconds"] + start / row["frame_rate"],
            damage=row["damage"],
        )

    def _row(self, clip_id: str) -> dict[str, Any]:
        if clip_id not in self._rows:
            failed = self.failures[self.failures["clip_id"] == clip_id]
            why = "" if failed.empty else f"; it failed at {failed['stage'].iloc[0]}: {failed['reason'].iloc[0]}"
            raise ValueError(f"no clip {clip_id!r} in {self.folder}{why}")
        place = self._rows[clip_id]
        with reading(self.folder / INDEX, "the index of a store"):
            row = {name: self._columns[name][place].as_py() for name in _READ_COLUMNS}
            lists = {name: self._columns[name][place].values.to_numpy() for name in _LIST_COLUMNS}
        return row | lists

    def _shard(self, name: str) -> Path:
        if name not in self._shards:
            self._shards[name] = inside(self.folder / SHARDS, name)
        return self._shards[name]

    @cached_property
    def _shards(self) -> dict[str, Path]:
        return {}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {clip_id: place for place, clip_id in enumerate(self._index_table["clip_id"].to_pylist())}

    @cached_property
    def _columns(self) -> dict[str, pa.Array]:
        """Each column in one piece: to look it up in the table takes four times as long as to read a value."""
        return {name: self._index_table[name].combine_chunks() for name in (*_READ_COLUMNS, *_LIST_COLUMNS)}

    @cached_property
    def _index_table(self) -> pa.Table:
        table = self._table(INDEX, INDEX_SCHEMA).combine_chunks()
        path = self.folder / INDEX
        for column in ("clip_id", "shard"):
            check_inside(table[column], column, path)
        with reading(path, "the index of a store"):
            for column in ("num_frames", "frame_rate", "sample_rate"):
                values = table[column].to_numpy()
                if not ((values >= 0) & (values < 1e12)).all() or (column != "num_frames" and not values.all()):
                    raise ValueError(f"{column} {values.min()} to {values.max()}")
        return table

    def _table(self, name: str, schema: pa.Schema) -> pa.Table:
        path = self.folder / name
        if not path.is_file():
            raise ValueError(f"{self.folder} has no {name}: no prepare has come to an end. Run prepare again")
        return read_table(path, f"the {path.stem} of a store", schema=schema)


def _read_frames(
    file: BinaryIO, row: dict[str, Any], start: int, count: int, options: PrepareOptions
) -> UInt8[np.ndarray, "time size size 3"]:
    if count == 0:
        return decode_crops([], options)
    offsets, lengths = row["frame_offsets"][start : start + count], row["frame_lengths"][start : start + count]
    if len(offsets) != count or len(lengths) != count:
        raise ValueError(f"{count} frames have {len(offsets)} places and {len(lengths)} lengths")
    content = memoryview(_bytes(file, int(offsets[0]), int(offsets[-1] + lengths[-1] - offsets[0])))  # in a row
    places = zip(offsets - offsets[0], lengths, strict=True)
    return decode_crops([content[offset : offset + length] for offset, length in places], options)


def _read_sound(file: BinaryIO, row: dict[str, Any], start: int, count: int) -> Float[np.ndarray, " samples"]:
    first, last = sample_span(start, count, row["frame_rate"], row["sample_rate"])
    if start + count == row["num_frames"] and row["absent_video"] is not None:
        last = row["num_samples"]  # sound alone may end between two points of the grid
    first, last = min(first, row["num_samples"]), min(last, row["num_samples"])
    samples = np.frombuffer(
        _bytes(file, row["sound_offset"] + WAV_HEADER_BYTES + 2 * first, 2 * (last - first)), dtype="<i2"
    )
    return samples.astype(np.float32) / 32768


def _bytes(file: BinaryIO, offset: int, length: int) -> bytes:
    """A piece of a shard; ``ValueError`` where it is not wholly there, before memory is taken for it."""
    size = os.fstat(file.fileno()).st_size
    if offset < 0 or length < 0 or offset + length > size:
        raise ValueError(f"bytes {offset} to {offset + length} of {size}: the shard was cut off, or is another's")
    file.seek(offset)
    return file.read(length)


# Several stores read as one: corpora that were prepared apart, for a model that learns from all of them.


class JoinedStore:
    """Stores of different clips that were made alike.

    Args:
        stores: at least one; all of one cropper and its options, since a model would learn to tell corpora that
            are cropped differently, and a corpus mostly is its labels.

    Raises:
        ValueError: stores made differently (says in what), or a clip that is in two of them.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        first, *others = stores
        for other in others:
            if other.fingerprint != first.fingerprint:
                differing = "; ".join(differences(other.fingerprint, first.fingerprint))
                raise ValueError(
                    f"{other.folder} was prepared otherwise than {first.folder}: {differing}. Prepare both alike"
                )
        self.stores = tuple(stores)
        self.folder, self.options, self.fingerprint = first.folder, first.options, first.fingerprint

    def __getstate__(self) -> dict[str, Any]:
        kept = ("stores", "folder", "options", "fingerprint")
        return {name: self.__dict__[name] for name in kept}

    @cached_property
    def index(self) -> pd.DataFrame:
        """The stores' indices, one below the other."""
        index = pd.concat([store.index for store in self.stores], ignore_index=True)
        repeated = index["clip_id"][index["clip_id"].duplicated()]
        if len(repeated):
            raise ValueError(f"{len(repeated)} clips are in two of the stores, e.g. {repeated.iloc[0]}")
        return index

    def check_options(self, fingerprint: str) -> None:
        """As :meth:`Store.check_options`."""
        self.stores[0].check_options(fingerprint)

    def read(
        self,
        clip_id: str,
        start: int = 0,
        num_frames: int | None = None,
        *,
        modalities: Sequence[Modality] = MODALITIES,
    ) -> PreparedClip:
        """As :meth:`Store.read`, from whichever store has the clip."""
        store = self._store_of.get(clip_id, 0)
        return self.stores[store].read(clip_id, start, num_frames, modalities=modalities)

    @cached_property
    def _store_of(self) -> dict[str, int]:
        return {clip_id: place for place, store in enumerate(self.stores) for clip_id in store.index["clip_id"]}


AnyStore = Store | JoinedStore
