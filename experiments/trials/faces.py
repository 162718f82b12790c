"""The trial of faces: learn from genuine clips by self-blending, and judge on pairs of original and swap."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.runs.config import PretrainConfig, Source
from experiments.trials.speech import judged_clips, part_of, prepare_corpus_of, trained_scores
from multimodal.files import write_json
from multimodal.metrics.matched import paired_accuracy
from multimodal.metrics.ranking import roc_auc
from multimodal.report.terminal import aligned


def trial_of_faces(
    corpus: Path,
    config: PretrainConfig,
    out: Path,
    *,
    seeds: Sequence[int] = (0,),
    published: Path | None = None,
    workers: int = 2,
    frame_rate: float = 2.0,
    network: bool = True,
    blends: int = 3,
) -> dict[str, Any]:
    """Learn from the genuine clips of the train part, and ask of every test pair which one is called fake.

    Args:
        corpus: holds ``clips.csv``; a pair are the clips of one ``identity`` in the test part.
        config: of the training; manifest, split and store are put in.
        out: folder of everything that is written.
        seeds: a training each; the scores of several are averaged, too.
        published: folder of published weights for pictures, to judge beside it.
        workers: processes that prepare.
        frame_rate: crops a second.
        network: whether the recipe's network is trained.
        blends: of each genuine clip, which a ranking learns from; 0 for no ranking.

    Returns:
        The contents of ``trial.json``.

    Raises:
        ValueError: neither network nor blends.
    """
    if not (network or blends):
        raise ValueError("nothing learns: --no-network and --blends 0; leave one of them out")
    made = prepare_corpus_of(corpus, out, modality="video", workers=workers, frame_rate=frame_rate)
    systems: dict[str, pd.DataFrame] = {}
    if published is not None:
        from experiments.trials.systems import published_scores

        clips, store = judged_clips(made, "video")
        others = published_scores(published, store, clips, "video")
        systems |= {name: pairs_of(clips.assign(score_video=scores)) for name, scores in others}
    if network:
        tables = [trained_scores(config, made, out / f"seed-{seed}", seed) for seed in seeds]
        systems |= _with_mean("network", seeds, [pairs_of(table) for table in tables])
    validation: dict[str, Any] = {}
    if blends:
        tables, found = _rankings(made, blends, seeds)
        systems |= _with_mean("ranking", seeds, tables)
        validation = {f"ranking, seed {seed}": one for seed, one in zip(seeds, found, strict=True)}
    report = {name: judge_pairs(pairs) | validation.get(name, {}) for name, pairs in systems.items()}
    write_json(out / "trial.json", report)
    print("\n".join(["", *table_of(report)]))
    return report


def _with_mean(name: str, seeds: Sequence[int], tables: Sequence[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The pairs of each seed, and those of the mean of their scores."""
    found = {f"{name}, seed {seed}": table for seed, table in zip(seeds, tables, strict=True)}
    if len(seeds) > 1:
        found[f"{name}, mean of scores"] = pd.concat(tables).groupby("pair", as_index=False).mean()
    return found


def _rankings(made: Source, blends: int, seeds: Sequence[int]) -> tuple[list[pd.DataFrame], list[dict[str, Any]]]:
    """For each seed, pairs scored by a ranking of detail, and how well it tells blends of people it never saw."""
    from experiments.trials.ranking import Ranking, blends_of, learnt, statistics_of

    clips, store = judged_clips(made, "video")
    statistics = statistics_of(store, clips["clip_id"].tolist())
    pairs, found = [], []
    for seed in seeds:
        known, held_out = (
            blends_of(store, _genuine(part_of(made, part, "video")[0]), times=blends, seed=seed)
            for part in ("train", "val")
        )
        ranking = Ranking(known)
        pairs.append(pairs_of(clips.assign(score_video=ranking(statistics))))
        found.append({"validation_blends": learnt(ranking, held_out)})
    return pairs, found


def _genuine(clips: pd.DataFrame) -> list[str]:
    return clips.loc[clips["video_fake"] == 0, "clip_id"].tolist()


def pairs_of(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a pair: its name, and the scores of its fake and of its original.

    Raises:
        ValueError: no identity has one original and one fake.
    """
    sides = scores.pivot_table(index="identity", columns="video_fake", values="score_video", aggfunc="mean")
    if set(sides.columns) != {0, 1} or sides.dropna().empty:
        raise ValueError("no identity of the test part has a genuine clip and a fake; name pairs in `identity`")
    whole = sides.dropna().reset_index()
    whole.columns = ["pair", "original", "fake"]
    return whole


def judge_pairs(pairs: pd.DataFrame) -> dict[str, Any]:
    """Paired accuracy with its exact interval, the ROC area over all clips, and every pair."""
    return {
        "paired_accuracy": paired_accuracy(pairs["fake"], pairs["original"])._asdict(),
        "auc": roc_auc(pairs["fake"], pairs["original"]),
        "pairs": pairs.to_dict("records"),
    }


def lines_of_blends(report: Mapping[str, Any]) -> list[str]:
    """A line a ranking: how well it tells blends of people whom it did not learn from."""
    return [
        f"{name}: on blends of the val part, paired accuracy {found['paired_accuracy']['accuracy']:.3f} of "
        f"{found['paired_accuracy']['num_pairs']}, AUC {found['auc']:.3f}"
        for name, one in report.items()
        if (found := one.get("validation_blends"))
    ]


def table_of(report: Mapping[str, Any]) -> list[str]:
    """A row a system, then a row a pair of the last one."""
    rows = []
    for name, one in report.items():
        pairs = one["paired_accuracy"]
        exact = f"{pairs['accuracy']:.3f} [{pairs['low']:.3f}, {pairs['high']:.3f}]"
        rows.append((name, str(pairs["num_pairs"]), exact, f"{one['auc']:.3f}"))
    shown = list(report.values())[-1]["pairs"]
    single = [(one["pair"], f"{one['original']:.3f}", f"{one['fake']:.3f}") for one in shown]
    return [
        "chance is 0.5; the interval is exact",
        *lines_of_blends(report),
        *aligned([("system", "pairs", "paired accuracy", "AUC"), *rows]),
        "",
        *aligned([("pair", "original", "fake"), *single]),
    ]
