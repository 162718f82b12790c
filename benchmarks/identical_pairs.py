"""How often a study calls two trainings different that differ in nothing but their seeds.

    python -m benchmarks.identical_pairs [--quickstart DIR] [--out DIR] [--pairs 20] [--seeds 3]

Real trainings of the quickstart's detector on its tokens, in pairs of ``seeds`` runs each, judged as `ablate`
judges two variants: paired over identities, Holm's correction over the measures of the pair. At 5 % about one pair
in twenty may be called different. Some minutes on two cores; a benchmark that was stopped goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tyro
from scipy import stats

from experiments.recipes import small
from experiments.runs.config import TrainConfig
from experiments.studies.runs import do_runs
from experiments.studies.study import Job, StudyFolder, StudyOptions, judge_study, settle_study
from multimodal.report.study_table import SIGNIFICANT, is_significant

SIDES = ("one", "other")


def main(
    quickstart: Path = Path("quickstart"), out: Path = Path("identical-pairs"), pairs: int = 20, seeds: int = 3
) -> None:
    """Train all pairs, and count those that are called different.

    Args:
        quickstart: folder that `make quickstart` wrote.
        out: folder of the runs.
        pairs: of variants that are the same.
        seeds: trainings of each side of a pair.
    """
    options, folder = StudyOptions(seeds=seeds), StudyFolder(out)
    out.mkdir(parents=True, exist_ok=True)
    config = settle_study(_config(quickstart), options, out)
    jobs = [_jobs(config, pair, seeds, folder) for pair in range(pairs)]
    failures = do_runs([job for of_pair in jobs for job in of_pair], options, folder)
    if failures:
        raise SystemExit(f"{len(failures)} runs failed: {failures}")
    different, p_values = 0, []
    for of_pair in jobs:
        measures = judge_study(of_pair, SIDES[0], replicates=options.replicates)["variants"][SIDES[1]]["measures"]
        different += any(is_significant(entry) for entry in measures.values())
        p_values += [entry["difference"]["p_value"] for entry in measures.values()]
    tested = [value for value in p_values if value is not None]
    likely = int(stats.binom.ppf(0.95, pairs, SIGNIFICANT))
    print(f"{different} of {pairs} identical pairs are called different; at 5 % up to {likely} may be")
    print(f"before Holm's correction: {sum(p < SIGNIFICANT for p in tested)} of {len(tested)} below 0.05")
    print("generated media: this checks the statistics, and says nothing of real videos")


def _config(quickstart: Path) -> TrainConfig:
    data = replace(
        small.DATA,
        manifest=quickstart / "manifest.parquet",
        split=quickstart / "split.parquet",
        store=quickstart / "store",
    )
    weights = {name: quickstart / f"pretrain-{name}" / "encoder" for name in ("video", "audio")}
    return replace(small.train(), data=data).with_weights(**weights)


def _jobs(config: TrainConfig, pair: int, seeds: int, folder: StudyFolder) -> Sequence[Job]:
    """The runs of one pair, each with a seed that no other run has."""
    jobs = []
    for place, side in enumerate(SIDES):
        for seed in range(seeds):
            own = (2 * pair + place) * seeds + seed
            training = replace(config, fit=replace(config.fit, seed=own))
            jobs.append(Job(side, seed, training, folder.run(f"pair-{pair:02d}-{side}", seed)))
    return jobs


if __name__ == "__main__":
    tyro.cli(main)
