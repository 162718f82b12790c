"""The files of a study that people read: table.csv, table.md, report.html and its figures."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from experiments import engines
from experiments.runs.build import open_training
from experiments.runs.estimate import estimate
from experiments.runs.folder import RunFolder
from experiments.studies.study import Job, StudyFolder
from multimodal.artefacts import building, safe_cells, shown
from multimodal.files import atomic_path, read_json, write_json, write_text
from multimodal.report.figures import png_bytes, save_images, score_scatter
from multimodal.report.figures.study import study_figures
from multimodal.report.pages.study import study_page
from multimodal.report.study_table import as_frame, as_markdown


def write_pages(
    folder: StudyFolder,
    study: str,
    results: Mapping[str, Any],
    jobs: Sequence[Job],
    failures: Mapping[str, str],
) -> None:
    """Write the table as CSV and Markdown, the figures, and the page."""
    with atomic_path(folder.path / "table.csv") as temporary:
        safe_cells(as_frame(results)).to_csv(temporary, index=False)
    write_text(folder.path / "table.md", as_markdown(results))
    images = {name: png_bytes(figure) for name, figure in _figures(results, jobs).items()}
    save_images(images, folder.path / "figures")
    page = study_page(
        title=f"Ablation: {study}", results=results, images=images, notes=_notes(results), failures=failures
    )
    write_text(folder.path / "report.html", page)


def _figures(results: Mapping[str, Any], jobs: Sequence[Job]) -> dict[str, Any]:
    figures = study_figures(results)
    for name in dict.fromkeys([results["baseline"], _best(results)]):
        job = next(job for job in jobs if job.variant == name and job.result.is_file())
        figures[name] = score_scatter(job.read_scores(), {})
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


# How much longer the runs of a study would take end to end than on tokens, both timed where runs are done.


def compare_speed(
    jobs: Sequence[Job], folder: StudyFolder, *, num_workers: int, engine: str, workers: int
) -> dict[str, float] | None:
    """Time some steps end to end, once a study, and compare as many as the runs took with the runs.

    Args:
        jobs: of the study.
        folder: of the study, where ``speed.json`` keeps what was timed.
        num_workers: processes that would feed a training end to end.
        engine: of the study; it does the timing too.
        workers: of the engine.

    Returns:
        ``{"run_seconds", "end_to_end_seconds", "times"}``, means of the finished runs; None where no run on tokens
        is finished, or where training end to end fails, which a warning says.
    """
    finished = [job for job in jobs if job.result.is_file() and job.config.tokens is not None]
    if not finished:
        return None
    if not folder.speed.is_file():
        timed = finished[0], num_workers
        ((_, outcome),) = engines.get(engine)(_time_steps, [timed], workers=workers)
        if isinstance(outcome, Exception):
            print(shown(f"warning: training end to end could not be timed: {outcome}"), file=sys.stderr)
            return None
        write_json(folder.speed, outcome)
    timing = read_json(folder.speed)
    histories = [RunFolder(job.folder).read_history() for job in finished]
    steps = sum(history[-1]["step"] for history in histories) / len(finished)
    validations = sum(map(len, histories)) / len(finished)
    with building(folder.speed, "the timing of a study"):
        end_to_end = float(steps * timing["step_seconds"] + validations * timing["validation_seconds"])
    on_tokens = sum(job.read_result()["seconds_training"] for job in finished) / len(finished)
    return {"run_seconds": on_tokens, "end_to_end_seconds": end_to_end, "times": end_to_end / on_tokens}


def _time_steps(timed: tuple[Job, int]) -> dict[str, Any]:
    """Time a job's training on crops and sound; SMOTE, which has no such thing, costs what no balance does."""
    job, num_workers = timed
    config = replace(
        job.config,
        tokens=None,
        freeze_encoders=False,
        data=replace(job.config.data, num_workers=num_workers),
        balance=replace(job.config.balance, name="none"),
    )
    return asdict(estimate(open_training(config)))
