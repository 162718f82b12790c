"""The study of imbalance: every balance with every loss, at several ratios, at 0.5 and at a tuned threshold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from experiments.runs.config import Source
from experiments.runs.folder import RunFolder
from experiments.runs.provenance import learnt_shares
from experiments.studies.study import Job
from multimodal.artefacts import safe_cells
from multimodal.audit.advice import recommend
from multimodal.corpora.manifest import Manifest
from multimodal.files import atomic_path, write_text
from multimodal.metrics.minority import (
    DrawnMeasures,
    MinorityMeasures,
    compare_drawn,
    draw_measures,
    f1_at,
    means_of,
)
from multimodal.metrics.thresholds import choose_threshold
from multimodal.report.figures import png_bytes, save_images
from multimodal.report.figures.study import imbalance_figure
from multimodal.report.imbalance_table import imbalance_frame, imbalance_markdown
from multimodal.report.pages.study import imbalance_page
from multimodal.splits import Split
from multimodal.splits.thinning import thinned
from multimodal.training.options import FitOptions, LossName

# The files of the study of imbalance that people read.


def write_imbalance_pages(folder: Path, results: Mapping[str, Any], failures: Mapping[str, str]) -> None:
    """Write table.csv, table.md, figures and report.html."""
    with atomic_path(folder / "table.csv") as temporary:
        safe_cells(imbalance_frame(results)).to_csv(temporary, index=False)
    write_text(folder / "table.md", imbalance_markdown(results))
    images = {
        "f1": png_bytes(imbalance_figure(results)),
        "recall": png_bytes(imbalance_figure(results, "recall", "Recall of the reals")),
    }
    save_images(images, folder / "figures")
    write_text(folder / "report.html", imbalance_page(results, images, failures))


# What the study of imbalance compares: every balance with every loss, at several ratios, with several seeds.


BALANCES = ("none", "class_weights", "weighted_sampler", "smote", "hybrid")
LOSSES: tuple[str, ...] = get_args(LossName)
#: What others are compared with: training without any of this.
PLAIN = ("none", "cross_entropy")


def plan_ratios(
    source: Source, fit: FitOptions, ratios: Sequence[float], seeds: int, folder: Path
) -> list[tuple[str, int, dict[str, Any]]]:
    """All runs as variant, seed and the settings that they change: ratio, balance, loss and seed.

    Splits that are thinned to each ratio are written into ``folder``.
    """
    clips, split = Manifest.read(source.manifest).clips, Split.read(source.split)
    runs = []
    for ratio in ratios:
        path = folder / f"{ratio:g}-to-1.parquet"
        if not path.is_file():
            thinned(split, clips, ratio, seed=fit.seed).write(path)
        for seed in range(seeds):
            own = {"data.split": path, "fit.seed": fit.seed + seed, "fit.patience": None}  # equal steps
            for balance in BALANCES:
                for loss in LOSSES:
                    named = {"balance.name": balance, "loss.name": loss}
                    runs.append((name_of(ratio, balance, loss), seed, {**own, **named}))
    return runs


def name_of(ratio: float, balance: str, loss: str) -> str:
    """How a variant is called."""
    return f"{ratio:g}to1 {balance} {loss}"


THRESHOLDS = ("at 0.5", "tuned")
#: The ratio of the user's own case, which the table begins with.
CASE = 10

#: balance, loss, threshold
Row = tuple[str, str, str]


def judge_ratios(
    jobs: Sequence[Job], ratios: Sequence[float], *, replicates: int, seed: int = 0
) -> dict[str, Any]:
    """The table: ratio → rows, each a balance, a loss and a threshold with its measures over seeds.

    A row's ``"differences"`` compare it with plain training at the same threshold; ``"case"`` compares
    the balanced training with the one before it.
    """
    finished = [job for job in jobs if job.result.is_file()]
    if not finished:
        raise ValueError("no run is finished, so there is nothing to judge; failures.json says what went wrong")
    table: dict[str, list[dict[str, Any]]] = {}
    case = even = None
    for ratio in ratios:
        measured = _measured(finished, ratio)
        drawn = {row: draw_measures(of, replicates=replicates, seed=seed) for row, of in measured.items()}
        table[f"{ratio:g}"] = _rows(drawn)
        if ratio == 1:
            even = measured.get((*PLAIN, THRESHOLDS[0]))
        if ratio == CASE:
            case = drawn
    example = finished[0].read_scores()
    return {
        "ratios": table,
        "case": _case(table[f"{CASE}"], case, even) if case and even else None,
        "generated": any(job.read_result()["generated"] for job in finished),
        "steps": jobs[0].config.fit.steps,
        "counts": {
            "fake": int((example["any_fake"] == 1).sum()),
            "real": int((example["any_fake"] == 0).sum()),
            "identities": int(example["identity"].nunique()),
        },
    }


def _measured(finished: Sequence[Job], ratio: float) -> dict[Row, list[MinorityMeasures]]:
    """The measures of each seed, for every row of one ratio that has a finished run."""
    found = {}
    for balance in BALANCES:
        for loss in LOSSES:
            done = [job for job in finished if job.variant == name_of(ratio, balance, loss)]
            for threshold in THRESHOLDS if done else ():
                found[balance, loss, threshold] = [_measures(job, ratio, threshold) for job in done]
    return found


def _measures(job: Job, ratio: float, threshold: str) -> MinorityMeasures:
    """The test split at 0.5, or at the threshold of best F1 of the reals on the run's validation split."""
    run = RunFolder(job.folder)
    learnt = learnt_shares(run.read_plain_config(), run.read_provenance())
    return MinorityMeasures(
        job.read_scores(),
        threshold=0.5 if threshold == "at 0.5" else _tuned(run.validation_scores()),
        real_prior=1 / (1 + ratio),
        learnt_fake_prior=learnt["any"],
    )


def _tuned(scores: pd.DataFrame) -> float:
    validation = scores.dropna(subset=["score_any"])
    fake = validation["any_fake"] == 1
    values = validation["score_any"]
    chosen = choose_threshold(
        "f1", fake_scores=values[fake], real_scores=values[~fake], sought="real", replicates=0
    )
    return 0.5 if chosen.threshold is None else chosen.threshold


def _rows(drawn: Mapping[Row, DrawnMeasures]) -> list[dict[str, Any]]:
    differences = {
        threshold: compare_drawn(
            {row: of for row, of in drawn.items() if row[2] == threshold}, (*PLAIN, threshold)
        )
        for threshold in THRESHOLDS
    }
    return [
        {
            "balance": balance,
            "loss": loss,
            "threshold": threshold,
            "seeds": of.num_seeds,
            "measures": means_of(of),
            "differences": differences[threshold].get((balance, loss, threshold)),
        }
        for (balance, loss, threshold), of in drawn.items()
    ]


def _case(
    rows: Sequence[Mapping[str, Any]], drawn: Mapping[Row, DrawnMeasures], even: Sequence[MinorityMeasures]
) -> dict[str, Any] | None:
    """The user's own case: before, the same with a tuned threshold, and after what ``statistics`` advises."""
    advised = recommend(real=1, fake=CASE)[0]
    before, after = (*PLAIN, "at 0.5"), (advised.balance, advised.loss, "tuned")
    found = {(row["balance"], row["loss"], row["threshold"]): row for row in rows}
    if before not in found or after not in found:
        return None
    before_tuned = (*PLAIN, "tuned")
    shared = found[after]["measures"]["false_real"]["value"]
    recall = float(np.mean([one.recall_at(shared) for one in even]))
    return {
        "before": found[before],
        "before_tuned": found[before_tuned],
        "after_at_half": found[advised.balance, advised.loss, "at 0.5"],
        "after": found[after],
        "gain": compare_drawn({before: drawn[before], after: drawn[after]}, before)[after],
        "recall_of_even_training": recall,
        "f1_of_even_training": float(f1_at(np.array(recall), np.array(shared), 1 / (1 + CASE))),
    }
