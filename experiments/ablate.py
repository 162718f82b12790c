"""``ablate STUDY RECIPE``: a table of runs that differ in one thing, and what of it is larger than chance."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from experiments import recipes
from experiments.command_line import choose, flat, run_verb, with_named_parts
from experiments.runs.config import TrainConfig
from experiments.runs.settings import to_plain, with_settings
from experiments.studies.study import (
    DEFAULT_OPTIONS,
    Job,
    StudyFolder,
    StudyOptions,
    check_content,
    claim_study,
    judge_study,
    plan_jobs,
    settle_study,
)
from experiments.studies.variants import BASELINES, STUDIES, variants_of
from multimodal.catalog import unknown
from multimodal.files import as_written
from multimodal.ranges import at_least

#: Fakes for each real clip in the study of imbalance.
RATIOS = (1, 3, 10, 42)


def ablate(study: str, config: TrainConfig, options: StudyOptions, out: Path) -> dict[str, Any]:
    """Run a study, or go on with one that was stopped; finished runs are not repeated, failed ones are."""
    started, num_workers = time.perf_counter(), config.data.num_workers
    config = settle_study(config, options, out)
    from experiments.studies.pages import compare_speed, write_pages  # torch, once it is known what to train
    from experiments.studies.runs import do_runs, search_variant
    from multimodal.report.study_table import costs, findings

    folder, baseline = StudyFolder(out), options.baseline or BASELINES[study]
    if study == "encoder" and config.freeze_encoders and options.encoders:
        _refuse_random(config.random_encoders)
    differing = variants_of(
        study,
        fusion_options=config.fusion.options,
        synchrony_weight=config.loss.synchrony_weight,
        seed=config.fit.seed,
        folders=options.encoders,
    )
    variants = {name: with_settings(config, settings) for name, settings in differing.items()}
    if options.search:
        return search_variant(variants, options, out)
    wanted = dict.fromkeys([*(options.only or variants), baseline])
    strange = [name for name in wanted if name not in variants]
    if strange:
        raise ValueError(unknown("variant", strange[0], variants))
    chosen = {name: variants[name] for name in variants if name in wanted}
    jobs = plan_jobs(folder, study, chosen, baseline, options.seeds)
    failures = do_runs(jobs, options, folder)
    check_content(folder, jobs)
    results = judge_study(jobs, baseline, replicates=options.replicates)
    results["speed"] = compare_speed(
        jobs, folder, num_workers=num_workers, engine=options.engine, workers=options.workers
    )
    results["seconds"] = time.perf_counter() - started
    results = as_written(folder.results, results)
    write_pages(folder, study, results, jobs, failures)
    _conclude(folder, results, [*findings(results), *costs(results)])
    return results


def ablate_imbalance(
    config: TrainConfig, options: StudyOptions, ratios: Sequence[float], out: Path
) -> dict[str, Any]:
    """Every balance with every loss at several ratios: what helps, and what only moves the threshold."""
    if options.only or options.baseline:
        raise ValueError("--only and --baseline are for other studies; this one compares everything")
    asked, config = to_plain(config), settle_study(config, options, out)
    from experiments.studies.imbalance import judge_ratios, plan_ratios, write_imbalance_pages
    from experiments.studies.runs import do_runs
    from multimodal.report.imbalance_table import imbalance_findings

    folder = StudyFolder(out)
    plan = {"study": "imbalance", "ratios": list(ratios), "training": asked}
    claim_study(folder, plan, config.data.source)
    jobs = [
        Job(name, seed, with_settings(config, own), folder.run(name.replace(" ", "-"), seed))
        for name, seed, own in plan_ratios(config.data.source, config.fit, ratios, options.seeds, out / "splits")
    ]
    failures = do_runs(jobs, options, folder)
    check_content(folder, jobs)
    results = judge_ratios(jobs, ratios, replicates=options.replicates)
    results = as_written(folder.results, results)
    write_imbalance_pages(folder.path, results, failures)
    _conclude(folder, results, imbalance_findings(results))
    return results


def _refuse_random(modalities: Sequence[str]) -> None:
    """Frozen encoders of random weights would be compared with something else than what they can be."""
    for modality in modalities:
        raise ValueError(
            f"the {modality} encoder of the recipe is frozen and has random weights; "
            f"give --{modality}.weights FOLDER, or --end-to-end"
        )


def _conclude(folder: StudyFolder, results: dict[str, Any], lines: Sequence[str]) -> None:
    from multimodal.corpora.manifest import GENERATED_NOTICE

    print("\n".join(lines))
    if results["generated"]:
        print(GENERATED_NOTICE)
    print(folder.path / "report.html")


def main(arguments: list[str]) -> int:
    """Command line of the verb: a study, a recipe, and single values of both changed."""
    choices: dict[str, Callable[..., Any]] = {**STUDIES, "imbalance": ablate_imbalance}
    study, rest = choose("study", arguments, choices, verb="ablate")
    name, rest = choose("recipe", rest, recipes.TRAIN, verb=f"ablate {study}")
    recipe, rest = with_named_parts(recipes.TRAIN[name](), rest)
    default_out = Path("runs") / f"ablate-{study}-{name}"

    def command(
        config: Annotated[TrainConfig, flat] = recipe,
        *,
        options: Annotated[StudyOptions, flat] = DEFAULT_OPTIONS,
        out: Path = default_out,
    ) -> int:
        """Train every variant with every seed, and compare them on the same test clips.

        Writes table.csv, table.md, report.html, results.json and a run folder for each training. A study that was
        stopped goes on; runs that failed are listed and tried again by the same command.

        Args:
            config: the training that variants are made of.
            options: of the study.
            out: folder of the study.
        """
        ablate(study, config, options, out)
        return 1 if StudyFolder(out).has_failures() else 0

    def command_of_imbalance(
        config: Annotated[TrainConfig, flat] = recipe,
        *,
        options: Annotated[StudyOptions, flat] = DEFAULT_OPTIONS,
        ratios: Annotated[tuple[int, ...], at_least(1)] = RATIOS,
        out: Path = default_out,
    ) -> int:
        """Train every balance with every loss at several ratios of fakes to reals, for as many steps each.

        Train and validation are thinned to each ratio; the test split is left whole, and precision and F1 of the
        rare reals are computed for each ratio's own prior, at 0.5 and at a threshold chosen on validation data.

        Args:
            config: the training that variants are made of; give it encoders that are pretrained.
            options: of the study.
            ratios: fakes for each real clip.
            out: folder of the study.
        """
        ablate_imbalance(config, options, ratios, out)
        return 1 if StudyFolder(out).has_failures() else 0

    return run_verb(f"ablate {study} {name}", command_of_imbalance if study == "imbalance" else command, rest)
