"""The pages of studies: variants against a baseline, and balances and losses against the ratio of the classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from multimodal.report.figures.study import FIGURES
from multimodal.report.imbalance_table import REAL_MEASURES, imbalance_findings
from multimodal.report.pages.render import Table, Written, embed, render
from multimodal.report.study_table import (
    MEASURES,
    costs,
    encoders_differ,
    findings,
    is_significant,
    shown_measures,
)

_SCATTER = "Score of the picture against score of the sound on the test clips, first seed."


def study_page(
    *,
    title: str,
    results: Mapping[str, Any],
    images: Mapping[str, bytes],
    notes: Sequence[str] = (),
    failures: Mapping[str, str] | None = None,
) -> str:
    """One HTML file: findings, figures, table, costs, and what failed.

    Args:
        title: of the page.
        results: what :func:`experiments.studies.study.judge_study` gives.
        images: PNG by name: those of :func:`~multimodal.report.figures.study.study_figures`, and a scatter for
            each variant that has one.
        notes: sentences that a reader must know.
        failures: run → its error.
    """
    return render(
        "study.html.j2",
        title=title,
        synthetic=results["generated"],
        baseline=results["baseline"],
        counts=results["counts"],
        findings=findings(results, shown_measures(results)),
        costs=costs(results),
        encoders_differ=encoders_differ(results),
        table=_variants(results),
        figures=[
            {"image": embed(images[name]), "name": name, "title": figure.title, "caption": figure.caption}
            for name, figure in FIGURES.items()
            if name in images
        ],
        scatters=[
            {"image": embed(image), "name": name, "title": name, "caption": _SCATTER}
            for name, image in sorted(images.items())
            if name not in FIGURES
        ],
        notes=list(notes),
        failures=_failures(failures or {}),
    )


def _variants(results: Mapping[str, Any]) -> Table:
    """A row a variant: its measures, and what it costs."""
    measures = shown_measures(results)
    encoders = ("encoder parameters", "encoder MFLOPs a window") if encoders_differ(results) else ()
    fusion = ("parameters", "MFLOPs a window", "seconds a run")
    headers = ("variant", "seeds", *(MEASURES[measure] for measure in measures), *encoders, *fusion)
    rows = []
    for name, row in results["variants"].items():
        shown = f"{name} (baseline)" if name == results["baseline"] else name
        cost = [row["parameters"], Written(f"{row['flops'] / 1e6:.2f}"), Written(f"{row['seconds']:.1f}")]
        if encoders:
            cost = [row["encoder_parameters"], Written(f"{row['encoder_flops'] / 1e6:.1f}"), *cost]
        rows.append(
            [shown, row["seeds"], *(_measured(row["measures"].get(measure)) for measure in measures), *cost]
        )
    return Table(headers, rows)


def _measured(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """A measure with a star where it stands out."""
    return {**(entry or {"value": None}), "mark": " *" if is_significant(entry) else ""}


def _failures(failures: Mapping[str, str]) -> Table | None:
    return Table(("run", "error"), [list(row) for row in failures.items()]) if failures else None


# The page of the study of imbalance.


_CAPTIONS = {
    "f1": "F1 of the reals at each ratio's prior. A system that calls everything real has an F1 of 2 p / (1 + p): "
    "0.67, 0.40, 0.17 and 0.05 at 1:1, 3:1, 10:1 and 42:1.",
    "recall": "Share of the reals that are called real.",
}


def imbalance_page(results: Mapping[str, Any], images: Mapping[str, bytes], failures: Mapping[str, str]) -> str:
    """One HTML file: findings, figures, and a table for each ratio.

    Args:
        results: what :func:`experiments.studies.imbalance.judge_ratios` gives.
        images: PNG by name: ``f1`` and ``recall``, and others without a caption.
        failures: run → its error.
    """
    return render(
        "imbalance.html.j2",
        title="Ablation: imbalance",
        synthetic=results["generated"],
        counts=results["counts"],
        steps=results["steps"],
        findings=imbalance_findings(results),
        figures=[
            {"image": embed(image), "name": name, "caption": _CAPTIONS.get(name, "")}
            for name, image in images.items()
        ],
        tables=[_ratio(ratio, rows) for ratio, rows in results["ratios"].items()],
        failures=_failures(failures),
    )


def _ratio(ratio: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    shown = [
        [row["balance"], row["loss"], row["threshold"], *(row["measures"][name] for name in REAL_MEASURES)]
        for row in rows
    ]
    headers = ("balance", "loss", "threshold", *REAL_MEASURES.values())
    return Table(headers, shown, title=f"{ratio} fakes for each real clip")
