"""The files of a study that people read: table.csv, table.md, report.html and its figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.ablation.run_one import Job
from experiments.ablation.study import StudyFolder
from multimodal.files import atomic_path, write_text
from multimodal.report.figures import png_bytes, save_images, score_scatter
from multimodal.report.figures.study import forest_figure, method_heat_map
from multimodal.report.pages.study import study_page
from multimodal.report.study_table import MEASURES, as_frame, as_markdown, is_significant, shown_measures

#: Measures that the forest plot shows.
_FOREST = ("auc_any", "auc_video", "auc_audio", "ap_real")


def write_pages(
    folder: StudyFolder,
    study: str,
    results: Mapping[str, Any],
    jobs: Sequence[Job],
    failures: Mapping[str, str],
) -> None:
    """Write the table as CSV and Markdown, the figures, and the page."""
    with atomic_path(folder.path / "table.csv") as temporary:
        as_frame(results).to_csv(temporary, index=False)
    write_text(folder.path / "table.md", as_markdown(results))
    images = {name: png_bytes(figure) for name, figure in _figures(results, jobs).items()}
    save_images(images, folder.path / "figures")
    page = study_page(
        title=f"Ablation: {study}", results=results, images=images, notes=_notes(results), failures=failures
    )
    write_text(folder.path / "report.html", page)


def _figures(results: Mapping[str, Any], jobs: Sequence[Job]) -> dict[str, Any]:
    shown = {name: MEASURES[name] for name in _FOREST if name in shown_measures(results)}
    standing_out = [
        f"{name} {measure}"
        for name, row in results["variants"].items()
        for measure in shown
        if is_significant(row["measures"].get(measure))
    ]
    figures = {"forest": forest_figure(results, shown, standing_out), "methods": method_heat_map(results)}
    for name in dict.fromkeys([results["baseline"], _best(results)]):
        job = next(job for job in jobs if job.variant == name and job.result.is_file())
        figures[name] = score_scatter(pd.read_parquet(job.scores), {})
    return figures


def _best(results: Mapping[str, Any]) -> str:
    """The variant with the highest AUC of any; only for a picture, nothing is chosen by it."""

    def auc(name: str) -> float:
        return (results["variants"][name]["measures"].get("auc_any") or {}).get("value") or 0.0

    return max(results["variants"], key=auc)


def _notes(results: Mapping[str, Any]) -> list[str]:
    short = [name for name, row in results["variants"].items() if row["seeds"] < 2]
    if not short:
        return []
    return [f"One seed of {', '.join(short)}: its luck is in no interval, and no difference is tested."]
