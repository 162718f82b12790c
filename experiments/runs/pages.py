"""The pages of a run, drawn from its files alone."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from experiments.runs.folder import RunFolder
from multimodal.files import read_json, write_text
from multimodal.metrics.probabilities import as_in_validation, probabilities
from multimodal.report.figures import png_bytes, run_figures, save_images
from multimodal.report.figures.thresholds import threshold_figures
from multimodal.report.pages import run_report
from multimodal.report.pages.thresholds import thresholds_page


def write_report(folder: RunFolder, *, timings: dict[str, float] | None, is_drawn: bool = False) -> None:
    """Draw the figures of an evaluated run and write its page and that of its thresholds.

    Where ``is_drawn``, the figures lie there from the same evaluation, and the pages alone are written.
    """
    metrics, provenance = read_json(folder.metrics), folder.read_provenance()
    thresholds, calibration = folder.read_thresholds(), folder.read_calibration()
    if is_drawn:
        images = {path.stem: path.read_bytes() for path in sorted(folder.figures.glob("*.png"))}
    else:
        images = {name: png_bytes(figure) for name, figure in figures_of(folder).items()}
        save_images(images, folder.figures)
    clips = ", ".join(f"{count} {name}" for name, count in provenance["clips"].items())
    page = run_report(
        title=f"Run {folder.path}",
        config=read_json(folder.config),
        metrics=metrics,
        thresholds=thresholds,
        images=images,
        synthetic=provenance["generated"],
        timings=timings,
        split_summary=f"Split by {provenance['protocol']} ({clips} clips), hash {provenance['split_hash'][:16]}.",
        warnings=_missing(provenance),
    )
    write_text(folder.report, page)
    if thresholds is not None and calibration is not None:
        _write_thresholds_page(folder, metrics, images, metrics["warnings"])


def figures_of(folder: RunFolder) -> dict[str, Figure]:
    """The figures of an evaluated run by name, on its test split."""
    scores, calibration = folder.test_scores(), folder.read_calibration()
    return run_figures(
        metrics=read_json(folder.metrics),
        thresholds=folder.read_thresholds(),
        scores=scores,
        history=folder.read_history(),
        calibrated=None if calibration is None else _calibrated(scores, calibration),
    )


def write_validation_page(folder: RunFolder, scores: pd.DataFrame, metrics: dict[str, Any]) -> None:
    """Write the page of thresholds on the validation clips, before the test split is looked at."""
    thresholds, calibration = read_json(folder.thresholds), read_json(folder.calibration)
    figures = threshold_figures(scores, thresholds, _calibrated(scores, calibration))
    note = (
        "These are the clips that thresholds and calibration were chosen on, so the numbers flatter: "
        "`evaluate` writes this page anew for the test split."
    )
    images = {name: png_bytes(figure) for name, figure in figures.items()}
    _write_thresholds_page(folder, metrics, images, [note, *metrics["warnings"]])


def _write_thresholds_page(
    folder: RunFolder, metrics: dict[str, Any], images: dict[str, bytes], notes: list[str]
) -> None:
    page = thresholds_page(
        title=f"Thresholds of {folder.path}",
        metrics=metrics,
        thresholds=read_json(folder.thresholds),
        calibration=read_json(folder.calibration),
        images=images,
        synthetic=folder.read_provenance()["generated"],
        notes=notes,
    )
    write_text(folder.thresholds_page, page)


def _calibrated(scores: pd.DataFrame, calibration: dict[str, Any]) -> pd.DataFrame:
    """Probabilities for the reliability diagram, at the share of fakes of these clips and not the stated one."""
    return probabilities(scores, as_in_validation(calibration), calibration["method"])


def _missing(provenance: dict[str, Any]) -> list[str]:
    lost = ", ".join(f"{count} of {name}" for name, count in provenance["unprepared"].items())
    return [f"Clips that could not be prepared and are in no number here: {lost}."] if lost else []
