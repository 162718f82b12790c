"""How well each forgery method is told from real clips, over several trainings."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from multimodal.metrics.ranking import roc_auc


def auc_per_method(tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Method → mean over trainings of the AUC of ``score_any`` between its fakes and all real clips."""
    first = tables[0]
    methods = sorted(first.loc[first["any_fake"] == 1, "method"].dropna().unique())
    return {method: float(np.mean([_auc(table, method) for table in tables])) for method in methods}


def _auc(table: pd.DataFrame, method: str) -> float:
    judged = table[table["score_any"].notna()]
    fake = judged.loc[(judged["any_fake"] == 1) & (judged["method"] == method), "score_any"]
    real = judged.loc[judged["any_fake"] == 0, "score_any"]
    return roc_auc(fake.to_numpy(float), real.to_numpy(float)) if len(fake) and len(real) else float("nan")
