"""When clips are forged, as a run with a head for moments says it: thresholds of validation, measures of test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.runs.device import DeviceName, check_device
from experiments.runs.feed import window_shape
from experiments.runs.scoring import TrainedRun, open_detector_run
from multimodal.detector import AudioVisualDetector
from multimodal.labels import TARGETS, Target
from multimodal.metrics.checks import Floats
from multimodal.metrics.localisation import Located, judge_localisation, overlaps
from multimodal.metrics.segments import showing_threshold
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
        A dictionary of ``chosen_on``, ``false_alarms``, ``thresholds`` of each target, ``clips`` of test, and
        ``test`` with the measures of each target as :func:`~multimodal.metrics.localisation.judge_localisation`
        gives them, and ``at_threshold``: shares of genuine clips with a stretch, of forged ones found, and of
        their surest stretches that lie right. ``reason`` stands in place of ``test`` where the manifest says of
        no test clip when it is forged.
    """
    run = open_detector_run(path)
    model = run.model
    assert isinstance(model, AudioVisualDetector)
    if not model.localises:
        return None
    model.to(check_device(device))
    of_validation = _told(run, model, "val")
    chosen = {target: _threshold(of_validation, target) for target in TARGETS}
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


def _threshold(told: Told, target: Target) -> float | None:
    clips = told.stretches[target]
    genuine = [float(one.proposals[:1, 0].max(initial=0.0)) for one in clips if not len(one.truth)]
    right = [float(one.proposals[0, 0]) for one in clips if len(one.truth) and _lies_right(one, one.proposals[:1])]
    return showing_threshold(genuine, right, share=FALSE_ALARMS)


def _lies_right(clip: Located, proposals: Floats) -> bool:
    return bool((overlaps(proposals[:, 1:], clip.truth) >= RIGHT).any())


def _shown(told: Told, thresholds: Mapping[Target, float | None]) -> dict[str, dict[str, float | None]]:
    """Shares of genuine clips with a stretch, and of forged ones whose surest lies right, shown or not."""
    result: dict[str, dict[str, float | None]] = {}
    for target, threshold in thresholds.items():
        shown = [one.proposals[one.proposals[:, 0] >= (threshold or 0.0)][:1] for one in told.stretches[target]]
        pairs = list(zip(shown, told.stretches[target], strict=True))
        alarms = [len(first) > 0 for first, one in pairs if not len(one.truth)]
        right = [_lies_right(one, first) for first, one in pairs if len(one.truth)]
        surest = [_lies_right(one, one.proposals[:1]) for _, one in pairs if len(one.truth)]
        result[target] = {
            "genuine_with_a_stretch": sum(alarms) / len(alarms) if alarms else None,
            "forged_found_at_0.5": sum(right) / len(right) if right else None,
            "forged_surest_right": sum(surest) / len(surest) if surest else None,
        }
    return result


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
