"""What a store holds, in numbers: clips, hours, bytes, what is lacking and what failed."""

from collections import Counter
from typing import NamedTuple

import pandas as pd

from multimodal.media.store.reader import Store


class StoreSummary(NamedTuple):
    """Counts of a store; ``failures``, ``damages`` and ``absences`` map a reason to how many clips have it."""

    num_clips: int
    num_failed: int
    hours: float
    num_bytes: int
    num_with_picture: int
    num_with_sound: int
    median_face_pixels: float | None
    num_silent_start: int
    failures: dict[str, int]
    damages: dict[str, int]
    absences: dict[str, int]

    def rows(self) -> list[tuple[str, str]]:
        """Names and values, as people read them."""
        face = "none" if self.median_face_pixels is None else f"{self.median_face_pixels:.0f} px"
        return [
            ("clips prepared", f"{self.num_clips:,}"),
            ("clips failed", f"{self.num_failed:,}"),
            ("hours", f"{self.hours:.2f}"),
            ("gigabytes", f"{self.num_bytes / 1e9:.3f}"),
            ("with picture", f"{self.num_with_picture:,}"),
            ("with sound", f"{self.num_with_sound:,}"),
            ("median face", face),
            ("silent at the start", f"{self.num_silent_start:,}"),
        ]

    def text(self) -> str:
        """Everything, for the terminal."""
        lines = [f"{name:<22}{value:>12}" for name, value in self.rows()]
        for title, counts in (
            ("failed", self.failures),
            ("damaged, or read in a way that is told", self.damages),
            ("lacking", self.absences),
        ):
            lines += [f"{title}:"] if counts else []
            lines += [f"{number:8d}  {reason}" for reason, number in counts.items()]
        return "\n".join(lines)


def summarise(store: Store) -> StoreSummary:
    """Count what the index and the failures of a store say; no clip is read."""
    index, failures = store.index, store.failures
    seconds = index["num_frames"] / index["frame_rate"]
    return StoreSummary(
        num_clips=len(index),
        num_failed=len(failures),
        hours=float(seconds.sum() / 3600),
        num_bytes=int(index["num_bytes"].sum()),
        num_with_picture=int(index["absent_video"].isna().sum()),
        num_with_sound=int(index["absent_audio"].isna().sum()),
        median_face_pixels=store.median_face(),
        num_silent_start=int((index["silence_start_seconds"] > 0.02).sum()),
        failures=_counts(failures["stage"] + ": " + failures["reason"]),
        damages=_counts(index["damage"].str.replace(r"[\d.]+", "N", regex=True)),
        absences=_counts(pd.concat([index["absent_video"], index["absent_audio"]])),
    )


def _counts(reasons: pd.Series) -> dict[str, int]:
    return dict(Counter(reasons.dropna().tolist()).most_common())
