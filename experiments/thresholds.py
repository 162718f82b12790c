"""``thresholds RUN``: operating points and calibration, chosen on validation data only, without training again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from experiments.command_line import Positional, flat, run_verb
from experiments.runs.folder import RunFolder
from multimodal.files import as_written, read_json, write_json, write_text
from multimodal.metrics.options import DEFAULT_RULE_OPTIONS, CalibrationName, RuleName, RuleOptions
from multimodal.ranges import at_least, between

if TYPE_CHECKING:
    import pandas as pd

# ``thresholds RUN --transfer SCORES``: the stored thresholds on another corpus, and how far off they are.


def transfer_to(
    run: Positional[Path],
    *,
    transfer: Path,
    split: str | None = None,
    fake_label: str = "1",
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
    allow_seen: bool = False,
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
        allow_seen: judge on clips that were learnt from all the same, and mark the result.
    """
    with RunFolder(run).judged():
        return _transfer(run, transfer, split, fake_label, replicates, seed, allow_seen)


def _transfer(
    run: Path, transfer: Path, split: str | None, fake_label: str, replicates: int, seed: int, allow_seen: bool
) -> dict[str, Any]:
    from experiments.runs.memory import check_seen, history_of_run, marks
    from multimodal.metrics import evaluate_scores
    from multimodal.metrics.thresholds import transfer_thresholds
    from multimodal.report.terminal import transfer_table, warning_lines

    folder = RunFolder(run)
    stored = folder.read_thresholds()
    if stored is None:
        raise ValueError(f"no thresholds in {run}; choose them first: thresholds {run}")
    scores = of_split(read_other(transfer, fake_label), split, transfer)
    history = {f"the run {run}": history_of_run(run)}
    seen = check_seen(history, {f"{transfer}": scores}, allow_seen=allow_seen, say=print)
    found = transfer_thresholds(stored, scores, replicates=replicates, seed=seed)
    metrics = evaluate_scores(scores, thresholds=stored["thresholds"], replicates=replicates, seed=seed)
    metrics["warnings"] = [*marks(seen), *metrics["warnings"]]
    result = {"scores": str(transfer), "split": metrics["split"], "thresholds": found, "seen": seen}
    result["at_thresholds"] = metrics["at_thresholds"]
    result = as_written(folder.transfer, result)
    found = result["thresholds"]
    _write_transfer_page(folder, transfer, scores, found, metrics)
    print("\n".join([*transfer_table(found), *warning_lines(metrics, str(folder.transfer_page))]))
    _tell_if_generated(folder)
    print(folder.transfer_page)
    return result


def _write_transfer_page(
    folder: RunFolder, source: Path, scores: "pd.DataFrame", found: dict[str, Any], metrics: dict[str, Any]
) -> None:
    from multimodal.report.figures import png_bytes
    from multimodal.report.figures.thresholds import transfer_figure
    from multimodal.report.pages.thresholds import transfer_page

    page = transfer_page(
        title=f"Thresholds of {folder.path.name} elsewhere",
        synthetic=folder.read_provenance()["generated"],
        source=f"{source} ({len(scores):,} clips)",
        transfer=found,
        metrics=metrics,
        thresholds=read_json(folder.thresholds),
        image=png_bytes(transfer_figure(scores, found)),
    )
    write_text(folder.transfer_page, page)


def _tell_if_generated(folder: RunFolder) -> None:
    from multimodal.corpora.manifest import GENERATED_NOTICE

    if folder.read_provenance()["generated"]:
        print(GENERATED_NOTICE)


def read_other(source: Path, fake_label: str) -> "pd.DataFrame":
    """The scores of a run, a scores table, or anybody's table of probabilities."""
    from multimodal.artefacts import read_frame
    from multimodal.labels import TARGETS
    from multimodal.metrics import read_scores
    from multimodal.metrics.scores_table import asked

    path = RunFolder(source).scores if source.is_dir() else source
    if not path.is_file():
        raise ValueError(f"no such file of scores: {path}")
    if path.suffix == ".parquet":
        table = read_frame(path, "a table of scores")
        if any(name in TARGETS for name in asked(table)):
            return table
    return read_scores(path, fake_label=fake_label, kind="probability")


def of_split(scores: "pd.DataFrame", split: str | None, source: Path) -> "pd.DataFrame":
    """The rows of one split: the one named, or test where the table has several."""
    names = sorted(scores["split"].dropna().unique()) if "split" in scores else []
    if split is None and len(names) <= 1:
        return scores
    wanted = split or "test"
    if wanted not in names:
        raise ValueError(f"{source} has no split {wanted!r}; it has {', '.join(names) or 'none'}. Say --split")
    return scores[scores["split"] == wanted].reset_index(drop=True)


def thresholds(
    run: Positional[Path],
    *,
    rules: tuple[RuleName, ...] = get_args(RuleName),
    options: Annotated[RuleOptions, flat] = DEFAULT_RULE_OPTIONS,
    fake_prior: Annotated[float | None, between(0, 1, open_low=True, open_high=True)] = None,
    calibration: CalibrationName = "platt",
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
    allow_seen: bool = False,
) -> dict[str, Any]:
    """Choose thresholds and fit calibrations on the validation scores of a run; no test score is read.

    For video, audio and any, for each of the four classes, and for each modality's own head (`video_alone`,
    `audio_alone`), which judges clips that lack the other modality. Written into thresholds.json,
    calibration.json and thresholds.html. On another corpus: thresholds RUN --transfer SCORES.

    Args:
        run: folder that `train` wrote.
        rules: how to choose.
        options: of the rules.
        fake_prior: share of clips with any fake where the detector will be used; left out: as in validation.
        calibration: which one to use where one probability is wanted; all of them are fitted.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
        allow_seen: choose on clips that were learnt from all the same, and mark every result.
    """
    asked = options.for_rules(rules)
    with RunFolder(run).judged():
        return _choose(run, asked, fake_prior, calibration, replicates, seed, allow_seen)


def _choose(
    run: Path,
    asked: dict[str, dict[str, float]],
    fake_prior: float | None,
    calibration: CalibrationName,
    replicates: int,
    seed: int,
    allow_seen: bool,
) -> dict[str, Any]:
    from experiments.runs.memory import check_seen, history_of_run, marks, with_manifest
    from experiments.runs.pages import write_validation_page
    from experiments.runs.provenance import learnt_shares
    from multimodal.metrics import choose_thresholds, evaluate_scores
    from multimodal.metrics.probabilities import fit_probabilities, judge_probabilities
    from multimodal.report.terminal import threshold_table

    folder = RunFolder(run)
    scores = folder.validation_scores()
    history = {f"the run {run}": history_of_run(run)}
    known = with_manifest(scores, folder.read_plain_config())
    seen = check_seen(history, {"val": known}, allow_seen=allow_seen, say=print)
    learnt = learnt_shares(folder.read_plain_config(), folder.read_provenance())
    fitted = fit_probabilities(scores, learnt, fake_prior=fake_prior, method=calibration)
    prior = fitted["prior"]["wanted"] or fitted["prior"]["validation"]
    chosen = choose_thresholds(scores, asked, fake_prior=prior, replicates=replicates, seed=seed)
    chosen["seen"] = seen
    written = as_written(folder.thresholds, chosen)
    write_json(folder.calibration, fitted)
    metrics = evaluate_scores(
        scores, thresholds=chosen["thresholds"], fake_prior=learnt, replicates=replicates, seed=seed
    )
    metrics["calibration"] = judge_probabilities(scores, fitted, replicates=replicates, seed=seed)
    metrics["warnings"] = [*marks(seen), *metrics["warnings"]]
    write_validation_page(folder, scores, metrics)
    print("\n".join([*threshold_table(written), *(f"warning: {line}" for line in metrics["warnings"])]))
    _tell_if_generated(folder)
    print(f"{folder.thresholds_page}\nfigures on the test split: evaluate {run}")
    return chosen


def main(arguments: list[str]) -> None:
    """Command line of the verb: choose, or with ``--transfer`` compare what was chosen."""
    transfers = any(argument.split("=")[0] == "--transfer" for argument in arguments)
    run_verb("thresholds", transfer_to if transfers else thresholds, arguments)
