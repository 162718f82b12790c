"""``ablate STUDY RECIPE``: a table of runs that differ in one thing, and what of it is larger than chance."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from experiments import recipes
from experiments.command_line import choose, flat, run_verb, with_named_encoders
from experiments.runs.config import TrainConfig
from experiments.studies.imbalance import RATIOS, ablate_imbalance
from experiments.studies.pages import compare_speed, write_pages
from experiments.studies.runs import DEFAULT_OPTIONS, StudyOptions, do_runs, search_variant, settle_study
from experiments.studies.study import StudyFolder, judge_study, plan_jobs
from experiments.studies.variants import BASELINES, STUDIES, Variants, encoders
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.files import write_json
from multimodal.report.study_table import costs, findings


def ablate(study: str, config: TrainConfig, options: StudyOptions, out: Path) -> dict[str, Any]:
    """Run a study, or go on with one that was stopped; finished runs are not repeated, failed ones are."""
    started = time.perf_counter()
    data = config.data
    config = settle_study(config, options, out)
    folder = StudyFolder(out)
    baseline = options.baseline or BASELINES[study]
    variants = _variants(study, config, options)
    if options.search:
        return search_variant(variants, options, out)
    wanted = dict.fromkeys([*(options.only or variants), baseline])
    unknown = [name for name in wanted if name not in variants]
    if unknown:
        raise ValueError(f"unknown variant {unknown[0]!r}; choose from {', '.join(variants)}")
    chosen = {name: variants[name] for name in variants if name in wanted}
    jobs = plan_jobs(folder, study, chosen, baseline, options.seeds)
    failures = do_runs(jobs, options, folder)
    for name, error in failures.items():
        print(f"failed: {name}: {error}", file=sys.stderr)
    results = judge_study(jobs, baseline, replicates=options.replicates)
    results["speed"] = compare_speed(data, jobs, options, folder)
    results["seconds"] = time.perf_counter() - started
    write_json(folder.results, results)
    write_pages(folder, study, results, jobs, failures)
    print("\n".join([*findings(results), *costs(results)]))
    if results["generated"]:
        print(GENERATED_NOTICE)
    print(folder.path / "report.html")
    return results


def _variants(study: str, config: TrainConfig, options: StudyOptions) -> Variants:
    if study == "encoder":
        return encoders(config, options.encoders)
    if options.encoders:
        raise ValueError(f"--encoders is for ablate encoder; leave it out of ablate {study}")
    return STUDIES[study](config)


def main(arguments: list[str]) -> int:
    """Command line of the verb: a study, a recipe, and single values of both changed."""
    study, rest = choose(
        "study", arguments, {**STUDIES, "encoder": encoders, "imbalance": ablate_imbalance}, verb="ablate"
    )
    name, rest = choose("recipe", rest, recipes.TRAIN, verb=f"ablate {study}")
    recipe = with_named_encoders(recipes.TRAIN[name](), rest)
    default_out = Path("runs") / f"ablate-{study}-{name}"
    if study == "imbalance":
        return _main_imbalance(name, recipe, default_out, rest)

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

    return run_verb(f"ablate {study} {name}", command, rest)


def _main_imbalance(name: str, recipe: TrainConfig, default_out: Path, arguments: list[str]) -> int:
    def command(
        config: Annotated[TrainConfig, flat] = recipe,
        *,
        options: Annotated[StudyOptions, flat] = DEFAULT_OPTIONS,
        ratios: tuple[int, ...] = RATIOS,
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

    return run_verb(f"ablate imbalance {name}", command, arguments)
