"""When clips are forged, as a run with a head for moments says it: thresholds of validation, measures of test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from experiments.runs.device import DeviceName, check_device
from experiments.runs.feed import window_shape
from experiments.runs.scoring import TrainedRun, open_detector_run
from multimodal.detector import AudioVisualDetector
from multimodal.labels import MODALITIES, TARGETS, Modality, Target
from multimodal.metrics.checks import Floats
from multimodal.metrics.localisation import Located, judge_localisation, overlaps
from multimodal.metrics.segments import Surest, beyond, showing_thresholds
from multimodal.moments import MomentWindows, Told, beside_truth, clip_moments
from multimodal.progress import progress
from multimodal.report.pages.render import decimal, interval
from multimodal.report.terminal import aligned

#: Of genuine clips of validation, the share that may show a stretch.
FALSE_ALARMS = 0.05
#: IoU from which on a stretch that is shown lies right.
RIGHT = 0.5


def localise_run(path: Path, device: DeviceName, *, replicates: int, seed: int) -> dict[str, Any] | None:
    """How well a run says when clips are forged; None where it has no head for moments.

    Returns:
        A dictionary of ``chosen_on``, ``false_alarms``, ``thresholds`` of each modality, ``clips`` of test, and
        ``test`` with the measures of each target as :func:`~multimodal.metrics.localisation.judge_localisation`
        gives them, and ``at_threshold``: shares of genuine clips with a stretch, of forged ones found, and of
        their surest stretches that lie right, for ``any`` of what picture and sound show together. ``reason``
        stands in place of ``test`` where the manifest says of no test clip when it is forged.
    """
    run = open_detector_run(path)
    model = run.model
    assert isinstance(model, AudioVisualDetector)
    if not model.localises:
        return None
    model.to(check_device(device))
    chosen = _chosen(_told(run, model, "val"))
    result = {"chosen_on": "val", "false_alarms": FALSE_ALARMS, "thresholds": chosen}
    told = _told(run, model, "test")
    if not any(len(one.truth) for one in told.stretches["any"]):
        return {**result, "clips": len(told.rows), "reason": "no test clip is known to be forged in a stretch"}
    identity = run.read().of("test")["identity"].to_numpy(dtype=object)[told.rows]
    test = {
        target: judge_localisation(
            told.stretches[target], told.frames[target], identity, replicates=replicates, seed=seed
        )
        for target in TARGETS
    }
    return {**result, "clips": len(told.rows), "test": test, "at_threshold": _shown(told, chosen)}


def _told(run: TrainedRun, model: AudioVisualDetector, split: str) -> Told:
    clips = run.read()
    rows = clips.of(split)
    windows = MomentWindows(clips.store, rows, window_shape(run.encoders, clips.store, run.reading))
    found = clip_moments(
        model,
        windows,
        batch_size=run.reading.batch_size,
        num_workers=run.reading.num_workers,
        progress=lambda loader: progress(loader, desc=f"moments {split}", unit="batch"),
    )
    return beside_truth(found, windows, rows)


def _surest(told: Told, name: Modality, truth: Target) -> Surest:
    """The surest proposals of one modality, right where they lie on what is true of ``truth``."""
    firsts = [one.proposals[:1] for one in told.stretches[name]]
    scores = [float(first[0, 0]) if len(first) else 0.0 for first in firsts]
    right = [_lies_right(one, first) for one, first in zip(told.stretches[truth], firsts, strict=True)]
    return Surest(np.array(scores, dtype=float), np.array(right, dtype=bool))


def _forged(told: Told, target: Target) -> Bool[np.ndarray, " clips"]:
    return np.array([len(one.truth) > 0 for one in told.stretches[target]], dtype=bool)


def _lies_right(clip: Located, proposals: Floats) -> bool:
    return bool((overlaps(proposals[:, 1:], clip.truth) >= RIGHT).any())


def _chosen(told: Told) -> dict[Modality, float | None]:
    """Thresholds of picture and sound from clips of validation; see :func:`showing_thresholds`."""
    surest = {name: _surest(told, name, "any") for name in MODALITIES}
    return showing_thresholds(surest, _forged(told, "any"), share=FALSE_ALARMS)


def _shown(told: Told, thresholds: Mapping[Modality, float | None]) -> dict[str, dict[str, float | None]]:
    """Shares of genuine clips with a stretch, and of forged ones whose surest lies right, shown or not."""
    result: dict[str, dict[str, float | None]] = {}
    for target in TARGETS:
        surest = {name: _surest(told, name, target) for name in MODALITIES if target in ("any", name)}
        forged = _forged(told, target)
        margin, right = beyond(surest, thresholds)
        result[target] = {
            "genuine_with_a_stretch": _share((margin >= 0)[~forged]),
            "forged_found_at_0.5": _share((right & (margin >= 0))[forged]),
            "forged_surest_right": _share(right[forged]),
        }
    return result


def _share(of: Bool[np.ndarray, " clips"]) -> float | None:
    return float(of.mean()) if len(of) else None


def localisation_lines(found: Mapping[str, Any]) -> list[str]:
    """The measures of test as a table for a terminal."""
    if "reason" in found:
        return [f"when clips are forged: {found['reason']}"]
    names = list(found["test"]["any"])
    rows = [("when it is forged", *(text for target in TARGETS for text in (target, "")))]
    for name in names:
        cells = [found["test"][target][name] for target in TARGETS]
        rows.append((name, *(text for cell in cells for text in (decimal(cell), interval(cell)))))
    for name in ("genuine_with_a_stretch", "forged_found_at_0.5", "forged_surest_right"):
        shown = [found["at_threshold"][target][name] for target in TARGETS]
        rows.append((name.replace("_", " "), *(text for value in shown for text in (decimal(value), ""))))
    return aligned(rows)
