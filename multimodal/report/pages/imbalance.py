"""The page of the study of imbalance."""

from collections.abc import Mapping
from typing import Any

from multimodal.report.imbalance_table import MEASURES, imbalance_findings
from multimodal.report.pages.render import image_uri, render


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
        headers=list(MEASURES.values()),
        tables={ratio: [_row(row) for row in rows] for ratio, rows in results["ratios"].items()},
        failures=dict(failures),
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "results": [row["measures"][name] for name in MEASURES]}
