"""``thresholds RUN --transfer SCORES``: the stored thresholds on another corpus, and how far off they are."""

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.command_line import Positional
from experiments.run_folder import RunFolder
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import read_json, write_json, write_text
from multimodal.labels import TARGETS
from multimodal.metrics import evaluate_scores, read_scores
from multimodal.metrics.targets import has_binary
from multimodal.metrics.transfer import transfer_thresholds
from multimodal.report.figures import png_bytes
from multimodal.report.figures.threshold_set import transfer_figure
from multimodal.report.pages.numbers import decimal, interval
from multimodal.report.pages.thresholds import transfer_page
from multimodal.report.terminal import aligned, warning_lines


def transfer_to(
    run: Positional[Path],
    *,
    transfer: Path,
    split: str | None = None,
    fake_label: str = "1",
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge the stored thresholds of a run on other scores, beside those that would have been chosen there.

    Nothing is chosen anew for the run. Written into transfer.json and transfer.html of the run.

    Args:
        run: folder whose thresholds were chosen.
        transfer: another run's folder, a scores.parquet, or a table with clip_id, score (probability), label.
        split: which rows of the other scores; left out: test, or all where the table names no split.
        fake_label: label that means fake, in a table with the column label.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
    """
    folder = RunFolder(run)
    if not folder.thresholds.is_file():
        raise ValueError(f"no thresholds in {run}; choose them first: thresholds {run}")
    stored = read_json(folder.thresholds)
    scores = of_split(read_other(transfer, fake_label), split, transfer)
    found = transfer_thresholds(stored, scores, replicates=replicates, seed=seed)
    metrics = evaluate_scores(scores, thresholds=stored["thresholds"], replicates=replicates, seed=seed)
    result = {"scores": str(transfer), "split": metrics["split"], "thresholds": found}
    result["at_thresholds"] = metrics["at_thresholds"]
    write_json(folder.transfer, result)
    generated = folder.read_provenance()["generated"]
    page = transfer_page(
        title=f"Thresholds of {folder.path.name} elsewhere",
        synthetic=generated,
        source=f"{transfer} ({len(scores):,} clips)",
        transfer=found,
        metrics=metrics,
        thresholds=stored,
        image=png_bytes(transfer_figure(scores, found)),
    )
    write_text(folder.transfer_page, page)
    print("\n".join([*summary(found), *warning_lines(metrics, str(folder.transfer_page))]))
    if generated:
        print(GENERATED_NOTICE)
    print(folder.transfer_page)
    return result


def read_other(source: Path, fake_label: str) -> pd.DataFrame:
    """The scores of a run, a scores table, or anybody's table of probabilities."""
    path = RunFolder(source).scores if source.is_dir() else source
    if not path.is_file():
        raise ValueError(f"no such file of scores: {path}")
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
        if any(has_binary(table, target) for target in TARGETS):
            return table
    return read_scores(path, fake_label=fake_label, kind="probability")


def of_split(scores: pd.DataFrame, split: str | None, source: Path) -> pd.DataFrame:
    """The rows of one split: the one named, or test where the table has several."""
    names = sorted(scores["split"].dropna().unique()) if "split" in scores else []
    if split is None and len(names) <= 1:
        return scores
    wanted = split or "test"
    if wanted not in names:
        raise ValueError(f"{source} has no split {wanted!r}; it has {', '.join(names) or 'none'}. Say --split")
    return scores[scores["split"] == wanted].reset_index(drop=True)


def summary(found: dict[str, Any]) -> list[str]:
    """A row for each target and rule."""
    rows: list[tuple[str, ...]] = [
        ("", "stored", "chosen there", "", "value at stored", "at chosen there", "called differently")
    ]
    for name in (name for name in TARGETS if name in found):
        for rule, entry in found[name].items():
            there = {**entry, "value": entry["chosen_there"]}
            numbers = (entry["value_at_stored"], entry["value_there"], entry["called_differently"])
            rows.append(
                (
                    f"{name} {rule}",
                    decimal(entry["stored"]),
                    decimal(there),
                    interval(there),
                    *map(decimal, numbers),
                )
            )
    return aligned(rows)
