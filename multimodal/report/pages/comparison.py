"""Two systems on the same clips, as rows of a table."""

from collections.abc import Mapping
from typing import Any


def comparison_tables(comparison: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For each target the rows, DeLong's test and the counts of :func:`multimodal.metrics.compare`."""
    return {
        target: {
            "rows": [
                {
                    "metric": metric,
                    "a": entry["a"],
                    "b": entry["b"],
                    "difference": {**entry, "value": entry["difference"]},
                    "p_value": entry["p_value"],
                    "p_holm": entry["p_holm"],
                    "reason": entry.get("reason") or "",
                }
                for metric, entry in part["metrics"].items()
            ],
            "delong": part["delong"],
            "counts": part["counts"],
        }
        for target, part in comparison.items()
    }
