"""Writing prepared clips into the shards of a store; one writer a process, any number on one store."""

import uuid
from pathlib import Path

from multimodal.media.prepare import Preparation
from multimodal.media.storing.format import JOURNALS, SHARDS
from multimodal.media.storing.journal import Journal
from multimodal.media.storing.row import append_clip
from multimodal.media.storing.shard import Shard

_SHARD_BYTES = 500 * 2**20


class StoreWriter:
    """Appends clips to shards of its own and notes each in its journal once it is safe.

    Whatever happens in between, a clip is in the journal whole or not at all: a clip that fails half-way is cut
    off again, and :func:`multimodal.media.storing.merge.merge` cuts off what a killed writer left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in (SHARDS, JOURNALS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._name = uuid.uuid4().hex[:12]
        self._journal = Journal(folder, self._name)
        self._shard: Shard | None = None
        self._num_shards = 0

    def write(self, preparation: Preparation) -> None:
        """Make the crops of a clip and append it; on any error nothing of it is left."""
        shard = self._open_shard()
        start = shard.length
        try:
            row = append_clip(shard, preparation)
            shard.sync()
            self._journal.add({"clip": row, "end": shard.length})
        except BaseException:
            shard.cut(start)
            raise

    def write_failure(self, clip_id: str, stage: str, reason: str) -> None:
        """Note that a clip could not be prepared."""
        self._journal.add({"failure": {"clip_id": clip_id, "stage": stage, "reason": reason}})

    def close(self) -> None:
        """End the last shard and let the journal be merged."""
        if self._shard is not None:
            self._shard.finish()
        self._journal.close()

    def _open_shard(self) -> Shard:
        if self._shard is not None and self._shard.length >= _SHARD_BYTES:
            self._shard.finish()
            self._shard = None
        if self._shard is None:
            self._shard = Shard(self._folder / SHARDS / f"{self._name}-{self._num_shards:04d}.tar")
            self._num_shards += 1
        return self._shard
