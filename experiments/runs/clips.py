"""The clips of an experiment: manifest, split and store joined, and what is to be said of them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from multimodal.corpora.manifest import GENERATED_NOTICE, Manifest, is_generated
from multimodal.media.store.reader import AnyStore, Store
from multimodal.splits import Split


@dataclass(frozen=True)
class Clips:
    """The clips of an experiment: manifest rows that are prepared, with their split.

    ``table`` has the columns of a manifest and ``split``; ``everything`` has all prepared clips, those that the
    split drops too; ``unprepared`` counts clips of each split that the store lacks.
    """

    table: pd.DataFrame
    everything: pd.DataFrame
    split: Split
    store: AnyStore
    unprepared: dict[str, int]

    @property
    def generated(self) -> bool:
        """Whether any clip was drawn by a program, so that results say nothing about real media."""
        return is_generated(self.table)

    def of(self, split: str) -> pd.DataFrame:
        """Rows of one split."""
        return self.table[self.table["split"] == split].reset_index(drop=True)

    def provenance(self) -> dict[str, Any]:
        """Corpora, split, store and counts, as ``provenance.json`` keeps them."""
        train_rows = self.of("train")
        return {
            "corpora": sorted(train_rows["corpus"].unique()),
            "generated": self.generated,
            "protocol": self.split.protocol,
            "split_hash": self.split.hash,
            "store": self.store.fingerprint,
            "store_options": asdict(self.store.options),
            "clips": {name: len(self.of(name)) for name in ("train", "val", "test")},
            "classes": train_rows["av_class"].value_counts().to_dict(),
            "unprepared": self.unprepared,
        }

    def require_same(self, provenance: dict[str, Any]) -> None:
        """Refuse a split or a store that was changed since a run was trained on it.

        Raises:
            ValueError: says which, since scores on other clips than those held out would flatter or mean nothing.
        """
        if self.split.hash != provenance["split_hash"]:
            raise ValueError(
                f"the split is not the one that the run was trained with: {self.split.protocol} "
                f"{self.split.hash[:16]}, then {provenance['protocol']} {provenance['split_hash'][:16]}. "
                "Put that split back, or train a new run"
            )
        self.store.check_options(provenance["store"])


def load_clips(manifest: Path, split: Path, store: Path) -> Clips:
    """Join manifest, split and store; ``ValueError`` where there is nothing to train or to validate on."""
    clips = read_clips(manifest, split, store)
    require_clips(clips, f"{split} and {store}")
    return clips


def require_clips(clips: Clips, source: str) -> None:
    """Raise ``ValueError`` unless there are clips to train and to validate on."""
    for name in ("train", "val"):
        if clips.of(name).empty:
            raise ValueError(f"no prepared clip in the split {name!r}; check {source}")


def read_clips(manifest: Path, split: Path, store: Path) -> Clips:
    """Join manifest, split and store; a clip that is not prepared is counted, one that the split lacks refused."""
    everything, assignment, prepared = Manifest.read(manifest).clips, Split.read(split), Store.open(store)
    table = everything.assign(split=assignment.of(everything)).dropna(subset=["split"])
    is_prepared = table["clip_id"].isin(prepared.index["clip_id"])
    return Clips(
        table[is_prepared].reset_index(drop=True),
        everything[everything["clip_id"].isin(prepared.index["clip_id"])],
        assignment,
        prepared,
        table["split"][~is_prepared].value_counts().to_dict(),
    )


def describe(clips: Clips, say: Callable[[str], None]) -> None:
    """Say how many clips there are, and which are missing."""
    counts = clips.table["split"].value_counts()
    say(f"clips: {', '.join(f'{name} {counts.get(name, 0)}' for name in ('train', 'val', 'test'))}")
    if clips.generated:
        say(GENERATED_NOTICE)
    if clips.unprepared:
        missing = ", ".join(f"{name} {count}" for name, count in clips.unprepared.items())
        say(f"warning: not in {clips.store.folder}, so left out: {missing}; see its failures")


def describe_window(num_frames: int, frame_rate: float, *, hears: bool, say: Callable[[str], None]) -> None:
    """Say how long a window lasts, and warn where that is little to hear or to see move."""
    seconds = num_frames / frame_rate
    say(f"window: {num_frames} frames at {frame_rate:g} a second, {seconds:.2f} s")
    if seconds < 1 and (hears or num_frames > 1):
        little = "of sound says little" if hears else "shows little of how a face moves"
        say(f"warning: less than a second {little}; give --window-seconds, or raise --num-frames")
