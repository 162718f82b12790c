"""The trial of speech: scan, split, prepare, train, judge, and one table beside published systems and floors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.runs.config import PretrainConfig, Source
from multimodal.files import write_json
from multimodal.labels import Modality
from multimodal.metrics.matched import source_floor, within_sources
from multimodal.report.terminal import aligned

#: What a table of clips must name, besides file and label.
_COLUMNS = {"identity_column": "identity", "method_column": "method", "split_column": "split"}
#: What scores.parquet says of a clip: plain columns, which any reader of tables opens.
_OF_CLIPS = ["clip_id", "corpus", "path", "method", "identity", "audio_fake", "split"]
#: Systems that are trained here come first.
OURS = "trained here"
ALIKE = "alike to known clips"


def prepare_corpus_of(corpus: Path, out: Path, *, modality: Modality, workers: int, **options: Any) -> Source:
    """Scan, split and prepare a corpus of the ``folder`` kind; what is there already is kept.

    Raises:
        ValueError: no table of clips, or one that names no split.
    """
    from experiments.prepare import prepare
    from experiments.scan import scan
    from experiments.split import split
    from multimodal.media.prepared import PrepareOptions

    table = corpus / "clips.csv"
    if not table.is_file():
        raise ValueError(f"{corpus} has no clips.csv; give a folder that `trial fetch` wrote")
    made = Source(out / "manifest.parquet", out / "split.parquet", out / "store")
    scan("folder", root=corpus, out=made.manifest, options={"csv": "clips.csv", "modality": modality, **_COLUMNS})
    split((made.manifest,), protocol=("official",), out=made.split)
    prepare((made.manifest,), store=made.store, options=PrepareOptions(**options), workers=workers)
    return made


def trial_of_speech(
    corpus: Path,
    config: PretrainConfig,
    out: Path,
    *,
    seeds: Sequence[int] = (0,),
    published: Path | None = None,
    replicates: int = 1000,
    workers: int = 2,
) -> dict[str, Any]:
    """Train on a corpus's train part, select on its val part, and judge on its test part.

    Args:
        corpus: holds ``clips.csv`` and the files that it names.
        config: of the training; manifest, split and store are put in.
        out: folder of everything that is written.
        seeds: a training each.
        published: folder of published AASIST weights, to judge beside it.
        replicates: of the bootstraps; 0 for no intervals.
        workers: processes that prepare.

    Returns:
        The contents of ``trial.json``.
    """
    from experiments.trials.systems import deaf_scores, published_scores

    made = prepare_corpus_of(corpus, out, modality="audio", workers=workers)
    tables = [trained_scores(config, made, out / f"seed-{seed}", seed) for seed in seeds]
    clips, store = judged_clips(made, "audio")
    labels = clips["audio_fake"].to_numpy(int)
    systems = {f"{OURS}, seed {seed}": _in_order(table, clips) for seed, table in zip(seeds, tables, strict=True)}
    if len(seeds) > 1:
        systems[f"{OURS}, mean of scores"] = np.mean(list(systems.values()), axis=0)
    systems[ALIKE] = alike_scores(made, store, clips)
    ours = list(systems)[-2:]
    others = {} if published is None else dict(published_scores(published, store, clips, "audio"))
    systems |= others
    for name, scores in deaf_scores(store, clips).items():
        systems[name] = _better_way_round(labels, scores)
    sources = source_of(clips["path"])
    judged = {name: judge(clips, scores, sources, replicates) for name, scores in systems.items()}
    floor = source_floor(labels, sources)
    report = {
        "counts": {"real": floor.num_real, "fake": floor.num_fake, "sources": int(sources.nunique())},
        "systems": judged,
        "floors": {"source alone": {"auc": floor.auc, "eer": floor.eer, "within": 0.5}},
        "differences": {
            f"{one}, less {name}": difference_of(clips, systems[one], scores, replicates)
            for name, scores in others.items()
            for one in ours
        },
    }
    write_json(out / "trial.json", report)
    clips[_OF_CLIPS].assign(source=sources, **systems).to_parquet(out / "scores.parquet", index=False)
    print("\n".join(["", *table_of(report), *lines_of_differences(report), "", *table_of_generators(report)]))
    return report


def trained_scores(config: PretrainConfig, made: Source, out: Path, seed: int) -> pd.DataFrame:
    """Train with one seed and score the test part."""
    from experiments.pretrain import pretrain
    from experiments.runs.scoring import matrix_scores, open_run, open_test_set

    data = replace(config.data, manifest=made.manifest, split=made.split, store=made.store)
    pretrain(replace(config, data=data, fit=replace(config.fit, seed=seed)), out)
    tested = open_test_set(made.manifest.parent, "test", made.store)
    return matrix_scores(open_run(out), tested, out / "scores").scores


def alike_scores(made: Source, store: Any, clips: pd.DataFrame) -> np.ndarray:
    """Score clips by their likeness to those of train and val: nothing of it is chosen on val."""
    from experiments.trials.alike import KernelMachine, statistics_of, weights_of

    known = pd.concat([part_of(made, part, "audio")[0] for part in ("train", "val")])
    labels = known["audio_fake"].to_numpy(int)
    weights = weights_of(labels, source_of(known["path"]).to_numpy())
    machine = KernelMachine(statistics_of(store, known["clip_id"].tolist()), labels, weights)
    return machine(statistics_of(store, clips["clip_id"].tolist()))


def judged_clips(made: Source, modality: Modality) -> tuple[pd.DataFrame, Any]:
    """Rows and store of the test clips that have a modality."""
    return part_of(made, "test", modality)


def part_of(made: Source, part: str, modality: Modality) -> tuple[pd.DataFrame, Any]:
    """Rows and store of the clips of a part of the split that have a modality."""
    from experiments.runs.scoring import open_test_set

    tested = open_test_set(made.manifest.parent, part, made.store)
    return tested.rows.dropna(subset=[f"{modality}_fake"]).reset_index(drop=True), tested.clips.store


def _in_order(table: pd.DataFrame, clips: pd.DataFrame) -> np.ndarray:
    return table.set_index("clip_id").loc[clips["clip_id"], "score_audio"].to_numpy(float)


def source_of(paths: pd.Series) -> pd.Series:
    """The folder below ``real`` or ``fake``: the repository or speaker that a clip comes from.

    >>> source_of(pd.Series(["real/ann/1.opus", "fake/ann/2.opus"])).tolist()
    ['ann', 'ann']
    """
    return paths.str.split("/").str[1]


def _better_way_round(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """A property has no polarity: it is given the one that flatters it, as befits a floor."""
    from multimodal.metrics.ranking import roc_auc

    return scores if roc_auc(scores[labels == 1], scores[labels == 0]) >= 0.5 else -scores


def judge(clips: pd.DataFrame, scores: np.ndarray, sources: pd.Series, replicates: int) -> dict[str, Any]:
    """AUC and EER of all clips together, within sources, and of each generator against all reals."""
    from multimodal.metrics import evaluate_scores

    table = clips.assign(score_audio=scores)
    found = evaluate_scores(table, kind="score", replicates=replicates)
    within = within_sources(clips["audio_fake"].to_numpy(int), scores, sources.to_numpy(), replicates=replicates)
    methods = found["per_method"]["audio"]
    return {
        "auc": found["audio"]["auc"],
        "eer": found["audio"]["eer"],
        "within_auc": within.auc.as_json(),
        "within_eer": within.eer.as_json(),
        "sources": {name: one._asdict() for name, one in within.sources.items()},
        "generators": {name: {"fakes": one["count"], "auc": one["auc"]["value"]} for name, one in methods.items()},
    }


def difference_of(
    clips: pd.DataFrame, ours: np.ndarray, theirs: np.ndarray, replicates: int
) -> dict[str, dict[str, Any]]:
    """AUC and EER of ours less those of another system on the same clips, speakers drawn together."""
    from multimodal.metrics.comparison import compare

    a, b = (clips.assign(score_audio=scores) for scores in (ours, theirs))
    found = compare(a, b, kinds=("score", "score"), replicates=replicates)["audio"]["metrics"]
    return {metric: found[metric] for metric in ("auc", "eer")}


def lines_of_differences(report: Mapping[str, Any]) -> list[str]:
    """A line a system of ours and a published one: AUC and EER of ours less the other's, with intervals."""
    return [
        f"{name}: "
        + ", ".join(
            f"{metric.upper()} {_with_interval({**one, 'value': one['difference']})}"
            for metric, one in differences.items()
        )
        for name, differences in report["differences"].items()
    ]


def table_of(report: Mapping[str, Any]) -> list[str]:
    """A row a system, and the floors."""
    titles = ("system", "AUC", "EER", "AUC within a source", "EER within a source")
    rows = [
        (name, *(_with_interval(one[metric]) for metric in ("auc", "eer", "within_auc", "within_eer")))
        for name, one in report["systems"].items()
    ]
    floors = [
        (name, f"{one['auc']:.3f}", f"{one['eer']:.3f}", "0.500", "0.500")
        for name, one in report["floors"].items()
    ]
    counts = ", ".join(f"{count} {name}" for name, count in report["counts"].items())
    return [
        f"test: {counts}; intervals over speakers, within a source over sources",
        *aligned([titles, *rows, *floors]),
    ]


def table_of_generators(report: Mapping[str, Any]) -> list[str]:
    """The ROC area of each generator's fakes against all reals, a column a system."""
    systems = list(report["systems"])
    first = report["systems"][systems[0]]["generators"]
    rows = [
        (
            name,
            str(one["fakes"]),
            *(f"{report['systems'][each]['generators'][name]['auc']:.2f}" for each in systems),
        )
        for name, one in first.items()
    ]
    return aligned([("generator", "fakes", *systems), *rows])


def _with_interval(entry: Mapping[str, Any]) -> str:
    if entry["value"] is None:
        return "not defined"
    if entry["low"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"
