"""The page of a study."""

from collections.abc import Mapping, Sequence
from typing import Any

from multimodal.report.imbalance_table import REAL_MEASURES, imbalance_findings
from multimodal.report.pages.render import image_uri, render
from multimodal.report.study_table import (
    COSTS,
    MEASURES,
    costs,
    encoders_differ,
    findings,
    is_significant,
    shown_measures,
)


def study_page(
    *,
    title: str,
    results: Mapping[str, Any],
    images: Mapping[str, bytes],
    notes: Sequence[str] = (),
    failures: Mapping[str, str] | None = None,
) -> str:
    """One HTML file: findings, table, figures, costs, and what failed.

    Args:
        title: of the page.
        results: what :func:`experiments.studies.study.judge_study` gives.
        images: PNG by name: ``forest``, ``methods``, and a scatter for each variant that has one.
        notes: sentences that a reader must know.
        failures: run → its error.
    """
    measures = shown_measures(results)
    rows = [
        {
            "name": name,
            "is_baseline": name == results["baseline"],
            "cells": [_cell(row["measures"].get(measure)) for measure in measures],
            **{key: row[key] for key in ("seeds", *COSTS, "seconds")},
        }
        for name, row in results["variants"].items()
    ]
    return render(
        "study.html.j2",
        title=title,
        synthetic=results["generated"],
        baseline=results["baseline"],
        counts=results["counts"],
        findings=findings(results, measures),
        costs=costs(results),
        encoders_differ=encoders_differ(results),
        headers=[MEASURES[measure] for measure in measures],
        rows=rows,
        images={name: image_uri(image) for name, image in images.items()},
        notes=list(notes),
        failures=dict(failures or {}),
    )


def _cell(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"result": entry, "stands_out": is_significant(entry)}


# The page of the study of imbalance.


def imbalance_page(results: Mapping[str, Any], images: Mapping[str, bytes], failures: Mapping[str, str]) -> str:
    """One HTML file: findings, figures, and a table for each ratio.

    Args:
        results: what :func:`experiments.studies.imbalance.judge_ratios` gives.
        images: PNG by name: ``f1`` and ``recall``.
        failures: run → its error.
    """
    return render(
        "imbalance.html.j2",
        title="Ablation: imbalance",
        synthetic=results["generated"],
        counts=results["counts"],
        steps=results["steps"],
        findings=imbalance_findings(results),
        images={name: image_uri(image) for name, image in images.items()},
        headers=list(REAL_MEASURES.values()),
        tables={ratio: [_row(row) for row in rows] for ratio, rows in results["ratios"].items()},
        failures=dict(failures),
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "results": [row["measures"][name] for name in REAL_MEASURES]}
