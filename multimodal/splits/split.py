"""A split: which clip is for training, validation and test, with a hash that tells whether two are the same."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.artefacts import read_table, reading
from multimodal.catalog import unknown
from multimodal.files import atomic_path, sweep_beside
from multimodal.splits.assignment import SPLITS

_SCHEMA = pa.schema([("clip_id", pa.string()), ("split", pa.string()), ("reason", pa.string())])
_KEY = b"multimodal.split"


@dataclass(frozen=True)
class Split:
    """The assignment of clips by a protocol.

    ``assignment`` has a row a clip, sorted by ``clip_id``: ``clip_id``, ``split`` (train, val, test, or null for a
    dropped clip) and ``reason`` (why it was dropped, else null). ``options`` are all options of the protocol,
    defaults included. ``notes`` are remarks made on the way.
    """

    assignment: pd.DataFrame
    protocol: str
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    notes: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the sorted pairs of clip and split; nothing else goes in."""
        pairs = self.assignment.sort_values("clip_id")
        splits = pairs["split"].astype(object).where(pairs["split"].notna(), "")
        text = "\0".join(f"{clip}\0{split}" for clip, split in zip(pairs["clip_id"], splits, strict=True))
        return hashlib.sha256(text.encode()).hexdigest()

    def of(self, clips: pd.DataFrame) -> pd.Series:
        """Split of each row of a manifest's clips, aligned with it; null where dropped.

        Raises ``ValueError`` where a clip is not in the split at all.
        """
        found = self.assignment.set_index("clip_id")["split"]
        unknown = clips["clip_id"][~clips["clip_id"].isin(found.index)]
        if len(unknown):
            raise ValueError(
                f"{len(unknown):,} of {len(clips):,} clips are not in the split, e.g. {unknown.iloc[0]}. "
                "Make the split from this manifest."
            )
        return clips["clip_id"].map(found).rename("split")

    def clip_ids(self, split: str) -> list[str]:
        """Clips of train, val or test, sorted."""
        if split not in SPLITS:
            raise ValueError(unknown("split", split, SPLITS))
        return sorted(self.assignment["clip_id"][self.assignment["split"] == split])

    @property
    def counts(self) -> dict[str, int]:
        """Clips per split, and under ``dropped`` those in none."""
        counts = {name: int((self.assignment["split"] == name).sum()) for name in SPLITS}
        return counts | {"dropped": int(self.assignment["split"].isna().sum())}

    @property
    def dropped(self) -> dict[str, int]:
        """Dropped clips by reason, most frequent first."""
        return {str(reason): int(count) for reason, count in self.assignment["reason"].value_counts().items()}

    def write(self, path: str | Path) -> None:
        """Write as parquet, in one atomic move; protocol, options, seed, notes and hash are its metadata."""
        metadata = {
            "protocol": self.protocol,
            "options": self.options,
            "seed": self.seed,
            "notes": self.notes,
            "hash": self.hash,
        }
        table = pa.Table.from_pandas(self.assignment, schema=_SCHEMA, preserve_index=False)
        table = table.replace_schema_metadata({_KEY: json.dumps(metadata).encode()})
        sweep_beside(Path(path))
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)

    @classmethod
    def read(cls, path: str | Path) -> "Split":
        """Read a split; ``ValueError`` if the file is something else or does not fit its own hash."""
        path = Path(path)
        if not path.is_file():
            raise ValueError(f"split not found: {path}. Make one with: split FILE --protocol NAME --out {path}")
        table = read_table(path, "a split")
        if _KEY not in (table.schema.metadata or {}) or table.column_names != _SCHEMA.names:
            raise ValueError(f"not a split: {path} has the columns {', '.join(table.column_names)}")
        with reading(path, "a split"):
            metadata = json.loads(table.schema.metadata[_KEY])
            stored = metadata.pop("hash")
            frame = table.cast(_SCHEMA).replace_schema_metadata(None).to_pandas()
            split = cls(frame, **{**metadata, "notes": tuple(metadata["notes"])})
        kinds = (split.protocol, str), (split.options, dict), (split.seed, int), (stored, str)
        unknown = set(frame["split"].dropna()) - set(SPLITS)
        if not all(isinstance(value, kind) for value, kind in kinds) or unknown:
            raise ValueError(f"not a split: {path} was written by another program; make one with: split")
        if split.hash != stored:
            raise ValueError(f"{path} was changed after it was made: hash {split.hash[:12]}, stored {stored[:12]}")
        return split
