"""Whether lips and sound are in step, learnt from the genuine clips of a run and measured on those held out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.runs.scoring import open_detector_run
from multimodal.media.store.reader import AnyStore
from multimodal.progress import progress
from multimodal.synchrony import LEAST_SECONDS, Pair, Synchrony, fit_synchrony, pair_of, to_json

#: Genuine clips that are read of each split, and seconds of each, at most: three quarters of an hour in all.
_MOST = {"train": 120, "val": 100, "test": 60}
_SECONDS = 10.0
#: Offsets at which test clips are asked, in seconds.
_ASKED = (-0.4, -0.32, -0.2, -0.12, -0.04, 0.0, 0.04, 0.12, 0.2, 0.32, 0.4)


def learn_synchrony(path: Path) -> dict[str, Any]:
    """What a run's genuine clips teach of lips and sound, and how true it is of those of test.

    Returns:
        ``{"learnt": ..., "clips": {split: number}, "test": {"median_error_seconds", "coverage", "cannot_say"}}``,
        the first as :class:`~multimodal.synchrony.Synchrony` takes it; ``{"clips", "reason"}`` where there are too
        few clips.
    """
    clips = open_detector_run(path).read()
    pairs = {split: genuine_pairs(clips.store, clips.of(split), split) for split in _MOST}
    counts = {split: len(found) for split, found in pairs.items()}
    try:
        learnt = fit_synchrony(pairs["train"], pairs["val"])
    except ValueError as error:
        return {"clips": counts, "reason": str(error)}
    return {"learnt": to_json(learnt), "clips": counts, "test": judge_synchrony(learnt, pairs["test"])}


def judge_synchrony(learnt: Synchrony, pairs: list[Pair]) -> dict[str, float | None]:
    """How true offsets of genuine clips are that were moved by known ones; null where nothing was said."""
    said = [(learnt.offset(pair.moved(asked)), asked) for pair in pairs for asked in _ASKED]
    known = [(one.seconds, one.low, one.high, asked) for one, asked in said if one.seconds is not None]
    if not known:
        return {"median_error_seconds": None, "coverage": None, "cannot_say": 1.0 if said else None}
    seconds, low, high, asked = np.array(known, dtype=float).T
    return {
        "median_error_seconds": float(np.median(np.abs(seconds - asked))),
        "coverage": float(np.mean((low <= asked) & (asked <= high))),
        "cannot_say": 1 - len(known) / len(said),
    }


def genuine_pairs(store: AnyStore, rows: pd.DataFrame, split: str) -> list[Pair]:
    """Mouth and sound of the genuine clips of a split: the beginnings of so many, evenly chosen, at most."""
    genuine = rows[(rows["video_fake"] == 0) & (rows["audio_fake"] == 0)]["clip_id"]
    index = store.index.set_index("clip_id").loc[genuine]
    fitting = index["absent_video"].isna() & index["absent_audio"].isna()
    fitting &= index["num_frames"] >= LEAST_SECONDS * index["frame_rate"]
    names, most = index.index[fitting].tolist(), round(_SECONDS * store.options.frame_rate)
    places = np.linspace(0, len(names) - 1, min(len(names), _MOST[split])).round().astype(int)
    shown = progress(
        [names[place] for place in places], desc=f"lips {split}", unit="clip", disable=len(names) < 20
    )
    found = (pair_of(store.read(name, 0, most)) for name in shown)
    return [pair for pair in found if pair is not None]


def synchrony_line(found: dict[str, Any]) -> str:
    """What came of it, for a terminal."""
    if "reason" in found:
        return f"lips and sound: {found['reason']}"
    test = found["test"]
    if test["median_error_seconds"] is None:
        return "lips and sound: nothing could be said of a genuine test clip"
    return (
        "lips and sound: genuine test clips moved by up to 400 ms are found with a median error of "
        f"{1000 * test['median_error_seconds']:.0f} ms, the interval holds {test['coverage']:.1%} of them, "
        f"nothing is said of {test['cannot_say']:.1%}"
    )
