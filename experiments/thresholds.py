"""``thresholds RUN``: operating points and calibration, chosen on validation data only, without training again."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import pandas as pd

from experiments.command_line import Positional, flat, run_verb
from experiments.runs.folder import RunFolder
from experiments.runs.pages import write_validation_page
from experiments.runs.provenance import learnt_shares
from multimodal.artefacts import read_frame
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import read_json, write_json, write_text
from multimodal.labels import TARGETS
from multimodal.metrics import choose_thresholds, evaluate_scores, read_scores
from multimodal.metrics.probabilities import Method, fit_probabilities, judge_probabilities
from multimodal.metrics.scores_table import QUESTIONS, asked
from multimodal.metrics.threshold_rules import RULES, RuleName
from multimodal.metrics.thresholds import transfer_thresholds
from multimodal.ranges import above, at_least, between, check_ranges
from multimodal.report.figures import png_bytes
from multimodal.report.figures.thresholds import transfer_figure
from multimodal.report.pages.render import decimal, interval
from multimodal.report.pages.thresholds import transfer_page
from multimodal.report.terminal import aligned, warning_lines

# What the rules for thresholds ask for, as options of a command line.


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """What the rules ask for.

    Args:
        fpr: largest share of reals that target_fpr may call fake.
        recall: least share of fakes that precision_at_recall must find.
        precision: least share of fakes among the alarms of recall_at_precision.
        beta: of f_beta; recall counts so many times as much as precision.
        cost_miss: of a fake called real, for least_cost.
        cost_false_alarm: of a real called fake, for least_cost.
    """

    fpr: Annotated[float, between(0, 1)] = 0.01
    recall: Annotated[float, between(0, 1)] = 0.9
    precision: Annotated[float, between(0, 1)] = 0.9
    beta: Annotated[float, above(0)] = 2.0
    cost_miss: Annotated[float, above(0)] = 1.0
    cost_false_alarm: Annotated[float, above(0)] = 1.0

    def __post_init__(self) -> None:
        check_ranges(self)

    def of(self, rule: str) -> dict[str, float]:
        """The options of one rule, by the names that it has for them."""
        return {
            "target_fpr": {"fpr": self.fpr},
            "precision_at_recall": {"recall_wanted": self.recall},
            "recall_at_precision": {"precision_wanted": self.precision},
            "f_beta": {"beta": self.beta},
            "least_cost": {"cost_of_missed": self.cost_miss, "cost_of_flagged": self.cost_false_alarm},
        }.get(rule, {})

    def for_rules(self, rules: Iterable[str]) -> dict[str, dict[str, float]]:
        """Rule → options; ``ValueError`` where an option was changed whose rule is not chosen."""
        chosen = list(dict.fromkeys(rules))
        unused = [rule for rule in RULES if rule not in chosen and self.of(rule) != DEFAULT_OPTIONS.of(rule)]
        if unused:
            raise ValueError(f"an option of the rule {unused[0]} is given, which is not chosen; add it to --rules")
        return {rule: self.of(rule) for rule in chosen}


DEFAULT_OPTIONS = RuleOptions()


# ``thresholds RUN --transfer SCORES``: the stored thresholds on another corpus, and how far off they are.


def transfer_to(
    run: Positional[Path],
    *,
    transfer: Path,
    split: str | None = None,
    fake_label: str = "1",
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
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
    stored = folder.read_thresholds()
    if stored is None:
        raise ValueError(f"no thresholds in {run}; choose them first: thresholds {run}")
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
    print("\n".join([*transfer_summary(found), *warning_lines(metrics, str(folder.transfer_page))]))
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
        table = read_frame(path, "a table of scores")
        if any(name in TARGETS for name in asked(table)):
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


def transfer_summary(found: dict[str, Any]) -> list[str]:
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


def thresholds(
    run: Positional[Path],
    *,
    rules: tuple[RuleName, ...] = get_args(RuleName),
    options: Annotated[RuleOptions, flat] = DEFAULT_OPTIONS,
    fake_prior: Annotated[float | None, between(0, 1, open_low=True, open_high=True)] = None,
    calibration: Method = "platt",
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
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
    """
    folder = RunFolder(run)
    asked = options.for_rules(rules)
    scores = folder.validation_scores()
    learnt = learnt_shares(folder.read_plain_config(), folder.read_provenance())
    fitted = fit_probabilities(scores, learnt, fake_prior=fake_prior, method=calibration)
    prior = fitted["prior"]["wanted"] or fitted["prior"]["validation"]
    chosen = choose_thresholds(scores, asked, fake_prior=prior, replicates=replicates, seed=seed)
    write_json(folder.thresholds, chosen)
    write_json(folder.calibration, fitted)
    metrics = evaluate_scores(
        scores, thresholds=chosen["thresholds"], fake_prior=learnt, replicates=replicates, seed=seed
    )
    metrics["calibration"] = judge_probabilities(scores, fitted, replicates=replicates, seed=seed)
    write_validation_page(folder, scores, metrics)
    written = read_json(folder.thresholds)
    print("\n".join([*summary(written), *(f"warning: {line}" for line in metrics["warnings"])]))
    if folder.read_provenance()["generated"]:
        print(GENERATED_NOTICE)
    print(f"{folder.thresholds_page}\nfigures on the test split: evaluate {run}")
    return chosen


def summary(chosen: dict[str, Any]) -> list[str]:
    """A row a rule, a column for any, video, audio and each head alone; then why numbers or intervals lack."""
    names = [name for name in QUESTIONS if name in chosen["thresholds"]]
    rows = [("rule", *(text for name in names for text in (name.replace("_", " "), "")))]
    for rule in chosen["rules"]:
        entries = [chosen["thresholds"][name][rule] for name in names]
        rows.append((rule, *(text for entry in entries for text in _cells(entry))))
    return [*aligned(rows), *_reasons(chosen["thresholds"])]


def _reasons(thresholds: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """Each reason why there is no threshold or no interval once, after the targets and rules it holds for."""
    concerned: dict[str, list[str]] = {}
    for name, row in thresholds.items():
        rules: dict[str, list[str]] = {}
        for rule, entry in row.items():
            if "reason" in entry:
                rules.setdefault(entry["reason"], []).append(rule)
        for reason, of in rules.items():
            concerned.setdefault(reason, []).append(name if len(of) == len(row) else f"{name} {' '.join(of)}")
    return [f"  {', '.join(names)}: {reason}" for reason, names in concerned.items()]


def _cells(entry: dict[str, Any]) -> tuple[str, str]:
    return decimal(entry["threshold"]), interval({**entry, "value": entry["threshold"]})


def main(arguments: list[str]) -> None:
    """Command line of the verb: choose, or with ``--transfer`` compare what was chosen."""
    transfers = any(argument.split("=")[0] == "--transfer" for argument in arguments)
    run_verb("thresholds", transfer_to if transfers else thresholds, arguments)
