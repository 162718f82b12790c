"""What is familiar to a run: learnt from its validation clips, and how often test clips are called unlike them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.runs.device import DeviceName, check_device
from experiments.runs.feed import window_shape
from experiments.runs.scoring import TrainedRun, open_detector_run
from multimodal.data.windows import EvaluationWindows
from multimodal.familiarity import FALSE_ALARMS, Familiar, learn_familiar, write_familiar
from multimodal.labels import MODALITIES, Modality
from multimodal.progress import progress
from multimodal.scoring import clip_batches, embed_clips

#: Clips that are embedded of each split, at most.
_MOST = 2000


def learn_familiarity(path: Path, device: DeviceName) -> dict[str, Any]:
    """Learn what validation clips are like and keep it in the run's folder.

    Returns:
        ``{"false_alarms": promised, modality: {"clips": of validation, "test_unlike": share}}``, with ``"reason"``
        in place of the latter where a modality has too few clips.
    """
    run = open_detector_run(path)
    run.model.to(check_device(device))
    identity = run.read().of("val")["identity"].to_numpy(dtype=object)
    known, asked = (_embedded(run, split) for split in ("val", "test"))
    learnt: dict[Modality, Familiar] = {}
    said: dict[str, Any] = {"false_alarms": FALSE_ALARMS}
    for name in MODALITIES:
        here, there = (~np.isnan(one[name]).any(axis=1) for one in (known, asked))
        said[name] = {"clips": int(here.sum())}
        try:
            learnt[name] = learn_familiar(known[name][here], identity[: len(here)][here])
        except ValueError as error:
            said[name]["reason"] = str(error)
            continue
        unlike = [learnt[name].of(one).is_unlike for one in asked[name][there]]
        said[name]["test_unlike"] = float(np.mean(unlike)) if unlike else None
    run.folder.familiar.unlink(missing_ok=True)
    if learnt:
        write_familiar(learnt, run.folder.familiar)
    return said


def _embedded(run: TrainedRun, split: str) -> dict[Modality, np.ndarray]:
    clips = run.read()
    rows: pd.DataFrame = clips.of(split).head(_MOST)
    shape, reading = window_shape(run.encoders, clips.store, run.reading), run.reading
    windows = EvaluationWindows(clips.store, rows, shape, windows_per_clip=reading.windows_per_clip)
    batches = clip_batches(windows, batch_size=reading.batch_size, num_workers=reading.num_workers)
    shown = progress(batches, desc=f"familiar {split}", unit="batch", disable=len(rows) < 100)
    return embed_clips(run.model, shown, len(rows), next(run.model.parameters()).device)


def familiarity_line(found: dict[str, Any]) -> str:
    """What came of it, for a terminal."""
    told = []
    for name in MODALITIES:
        share = found[name].get("test_unlike")
        if share is not None:
            told.append(f"{share:.1%} of the test clips' {name}")
    if not told:
        return f"familiar: {found['video'].get('reason', 'no test clip')}"
    return f"called unlike validation clips: {', '.join(told)}"
