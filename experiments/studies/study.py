"""A study in a folder: its runs, what came of them, and the table that is made of their scores."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from experiments.runs.config import Source, TrainConfig
from experiments.runs.device import DeviceName, use_device
from experiments.runs.settings import to_plain
from multimodal.artefacts import building, is_number, read_frame, reading, require
from multimodal.files import claim, read_json
from multimodal.labels import CLASSES
from multimodal.ranges import at_least, check_ranges

if TYPE_CHECKING:
    import pandas as pd

LABELS = ["video_fake", "audio_fake", "any_fake", "av_class"]
#: What a finished run took, as numbers; and what its table of scores must have.
_COSTS = ("seconds_training", "parameters", "flops", "encoder_parameters", "encoder_flops")
_TEXTS = ["clip_id", "identity", "method", "av_class"]
#: variant → its training
Trainings = Mapping[str, TrainConfig]


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """How a study is run.

    Args:
        seeds: trainings of each variant; with one, no difference can be told from luck.
        only: these variants and the baseline; all where left out.
        encoders: for ``ablate encoder``: folders of encoders, each tried in the place of its modality's.
        baseline: the variant that others are compared with; each study has its own.
        end_to_end: train encoders too, instead of fusion and heads on tokens computed once.
        engine: where runs are done; ray and slurm need their extras.
        workers: processes of this machine, or jobs at a time.
        replicates: of the bootstrap over identities.
        search: look for better settings of one variant (``--only``) on validation data, instead of comparing.
        space: where to search, as SETTING=LOW:HIGH (whole numbers where both are written so),
            SETTING=LOW:HIGH:log or SETTING=A|B|C.
        trials: trainings of a search.
        device: where runs compute; auto is the GPU where there is one.
    """

    seeds: Annotated[int, at_least(1)] = 3
    only: tuple[str, ...] = ()
    encoders: tuple[Path, ...] = ()
    baseline: str | None = None
    end_to_end: bool = False
    engine: Literal["local", "ray", "slurm"] = "local"
    workers: Annotated[int, at_least(1)] = 2
    replicates: Annotated[int, at_least(0)] = 1000
    search: Literal["optuna"] | None = None
    space: tuple[str, ...] = ()
    trials: Annotated[int, at_least(1)] = 20
    device: DeviceName = "auto"

    def __post_init__(self) -> None:
        check_ranges(self)


DEFAULT_OPTIONS = StudyOptions()


def settle_study(config: TrainConfig, options: StudyOptions, out: Path) -> TrainConfig:
    """The training that a study's variants are made of: on tokens of frozen encoders, or end to end.

    Raises:
        ValueError: what no run could be trained with.
    """
    use_device(options.device)
    if options.end_to_end:
        config = replace(config, freeze_encoders=False, tokens=None)
        config.check()
        return config
    config = replace(config, freeze_encoders=True, tokens=config.tokens or out / "tokens")
    config.check()
    for modality in config.random_encoders:
        print(
            f"warning: the {modality} encoder is frozen and has random weights; give --{modality}.weights FOLDER",
            file=sys.stderr,
        )
    return replace(config, data=replace(config.data, num_workers=0))  # tokens need no processes to be read


@dataclass(frozen=True)
class Job:
    """A run of a study: its variant, seed and folder, and the training."""

    variant: str
    seed: int
    config: TrainConfig
    folder: Path

    @property
    def result(self) -> Path:
        """Written when the run is finished: what it took."""
        return self.folder / "study.json"

    @property
    def scores(self) -> Path:
        """Scores of the test split, with either modality left out too."""
        return self.folder / "study_scores.parquet"

    def read_scores(self) -> "pd.DataFrame":
        """The table of :attr:`scores`; ``ValueError`` of one line where it is none."""
        from multimodal.metrics.scores_table import QUESTIONS, WITHOUT_THE_OTHER

        what, questions = "the scores of a run", (*QUESTIONS.values(), *WITHOUT_THE_OTHER.values())
        posteriors = [f"p_{name}" for name in CLASSES]
        numbers = list(dict.fromkeys([*chain.from_iterable(questions), *posteriors]))
        table = read_frame(self.scores, what, columns=[*_TEXTS, *numbers])
        with reading(self.scores, what):
            table[_TEXTS].astype("string")
            table = table.assign(**table[numbers].astype(float))
            labels = table[[name for name in LABELS if name in numbers]]
            if not (labels.isin([0, 1]) | labels.isna()).all(axis=None):
                raise ValueError("a label is neither 1 (fake), 0 (real) nor empty (not known)")
        return table

    def read_result(self) -> dict[str, Any]:
        """What stands in :attr:`result`; ``ValueError`` of one line where it is not what a run took."""
        found = read_json(self.result)
        require(found, {"generated": bool, "tokens": dict}, self.result)
        missing = [name for name in ("generated", "tokens") if name not in found]
        missing += [name for name in _COSTS if not is_number(found.get(name))]
        missing += [f"tokens of {name}" for name, count in found.get("tokens", {}).items() if not is_number(count)]
        if missing:
            raise ValueError(f"{self.result} does not say {', '.join(missing)}; delete it, and call again")
        return found


class StudyFolder(NamedTuple):
    """Names of the files in a study."""

    path: Path

    @property
    def plan(self) -> Path:
        """What is compared; a folder holds one study."""
        return self.path / "study.json"

    @property
    def failures(self) -> Path:
        """Runs that failed, each with its error."""
        return self.path / "failures.json"

    @property
    def speed(self) -> Path:
        """Steps of training end to end, timed for comparison with runs on tokens."""
        return self.path / "speed.json"

    @property
    def results(self) -> Path:
        """Every number of the table with its seeds, intervals and comparisons."""
        return self.path / "results.json"

    def has_failures(self) -> bool:
        """Whether a run failed the last time."""
        return self.failures.is_file() and bool(read_json(self.failures))

    def run(self, variant: str, seed: int) -> Path:
        """Folder of a run."""
        return self.path / "runs" / f"{variant}-seed{seed}"


def plan_jobs(folder: StudyFolder, name: str, variants: Trainings, baseline: str, seeds: int) -> list[Job]:
    """All runs of a study; ``ValueError`` if the folder holds another one, or one of other clips."""
    jobs = [
        Job(
            variant,
            seed,
            replace(config, fit=replace(config.fit, seed=config.fit.seed + seed)),
            folder.run(variant, seed),
        )
        for seed in range(seeds)
        for variant, config in variants.items()
    ]
    plan = {
        "study": name,
        "baseline": baseline,
        "variants": {variant: to_plain(config) for variant, config in variants.items()},
    }
    claim_study(folder, plan, variants[baseline].data.source)
    return jobs


def claim_study(folder: StudyFolder, plan: dict[str, Any], source: Source) -> None:
    """Write down what a study compares, and on what clips; ``ValueError`` if the folder holds another one."""
    plan = json.loads(json.dumps({**plan, "source": list(map(str, source)), "content": content_of(source)}))
    held = claim(folder.path, folder.plan.name, plan, kind="study")
    _require_content(folder, held, plan["content"])
    if held != plan:
        raise ValueError(f"{folder.path} holds a study of other settings; give a new --out")


# What a study is bound to: the runs of one table must have seen the same clips under the same labels.


def content_of(source: Source) -> dict[str, str]:
    """Digests of what stands in the files of a study: ``manifest``, ``labels``, ``split`` and ``store``."""
    import pandas as pd

    from multimodal.corpora.manifest import Manifest
    from multimodal.media.store.reader import Store
    from multimodal.splits import Split

    clips, store = Manifest.read(source.manifest).clips, Store.open(source.store)

    def digest(table: "pd.DataFrame") -> str:
        hashes = pd.util.hash_pandas_object(table.astype(object).astype(str), index=False)
        return hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()[:16]

    return {
        "manifest": digest(clips.drop(columns=LABELS)),
        "labels": digest(clips[["clip_id", *LABELS]]),
        "split": Split.read(source.split).hash[:16],
        "store": hashlib.sha256(f"{store.fingerprint} {digest(store.index)}".encode()).hexdigest()[:16],
    }


def check_content(folder: StudyFolder, jobs: Sequence[Job]) -> None:
    """Refuse to judge runs of other clips than the study was planned with, or tables whose labels differ.

    Raises:
        ValueError: names what was changed since, or the run that differs.
    """
    plan = read_json(folder.plan)
    with building(folder.plan, "the plan of a study"):
        content = content_of(Source(*map(Path, plan["source"])))
    _require_content(folder, plan, content)
    first: tuple[Job, pd.DataFrame] | None = None
    for job in (job for job in jobs if job.result.is_file()):
        table = job.read_scores()[["clip_id", *LABELS]]
        table = table.sort_values("clip_id", ignore_index=True).astype(object).astype(str)
        if first is None:
            first = job, table
        elif not table.equals(first[1]):
            what = "clips" if list(table["clip_id"]) != list(first[1]["clip_id"]) else "labels"
            raise ValueError(
                f"the runs {first[0].folder.name} and {job.folder.name} were judged on other {what}, and cannot "
                f"be compared; delete the folder of the wrong one, {job.folder}, and call again"
            )


def _require_content(folder: StudyFolder, plan: Mapping[str, Any], content: Mapping[str, str]) -> None:
    planned = plan.get("content", content) if isinstance(plan, dict) else None
    if not isinstance(planned, dict):
        raise ValueError(f"{folder.plan} is not the plan of a study; give a new --out")
    changed = [name for name in content if planned.get(name) != content[name]]
    if changed:
        told = ", ".join(f"{name} {planned.get(name)}, now {content[name]}" for name in changed)
        others = " and ".join("other labels" if name == "labels" else f"another {name}" for name in changed)
        raise ValueError(
            f"the study in {folder.path} was planned with {others} ({told}); put that back, or give a new --out"
        )


def judge_study(jobs: Sequence[Job], baseline: str, *, replicates: int, seed: int = 0) -> dict[str, Any]:
    """The table of a study from the scores of its finished runs on the test split.

    Variants of which no run is finished are not in it.
    """
    from multimodal.metrics.seeds import auc_per_method, judge_seeds
    from multimodal.report.study_table import COSTS

    finished = [job for job in jobs if job.result.is_file()]
    tables: dict[str, list[pd.DataFrame]] = {}
    costs: dict[str, list[Mapping[str, Any]]] = {}
    for job in finished:
        tables.setdefault(job.variant, []).append(job.read_scores())
        costs.setdefault(job.variant, []).append(job.read_result())
    if baseline not in tables:
        raise ValueError(f"no run of the baseline {baseline!r} is finished, so nothing can be compared with it")
    measures = judge_seeds(tables, baseline, replicates=replicates, seed=seed)
    rows = {
        name: {
            "seeds": len(of),
            "measures": measures[name],
            "per_method": auc_per_method(of),
            **{key: costs[name][0][key] for key in ("tokens", *COSTS)},
            "seconds": sum(one["seconds_training"] for one in costs[name]) / len(of),
        }
        for name, of in tables.items()
    }
    counts = tables[baseline][0]["any_fake"].value_counts()
    return {
        "baseline": baseline,
        "generated": any(one["generated"] for of in costs.values() for one in of),
        "counts": {
            "fake": int(counts.get(1, 0)),
            "real": int(counts.get(0, 0)),
            "identities": int(tables[baseline][0]["identity"].nunique()),
        },
        "variants": rows,
    }
