"""Protocols of FakeAVCeleb as its users publish them: paper, split, metric, prior, and the figure to stand beside.

A figure of a paper is quoted as its authors or a later comparison print it; what is easily misread stands with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.runs.config import TrainConfig
from multimodal.catalog import unknown
from multimodal.files import write_json


@dataclass(frozen=True, kw_only=True)
class PublishedProtocol:
    """One way in which figures on FakeAVCeleb are published.

    Args:
        papers: who publishes by it.
        protocol: of `split`, with ``options``.
        metric: of ``metrics.json`` that the figure speaks of, on "any fake" of the test part.
        published: the figures, by system, as shares of 1.
        prior: of real to fake in the test part of the real corpus.
        caution: what a reader should know of the figure.
        lists: options of the split that name files which the authors publish.
        options: of the split.
    """

    papers: str
    protocol: str
    metric: str
    published: Mapping[str, float]
    prior: str
    caution: str
    lists: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def _left_out(category: str, figures: Mapping[str, float]) -> PublishedProtocol:
    return PublishedProtocol(
        papers="AVAD (Feng et al., CVPR 2023), AVFF (Oorloff et al., CVPR 2024)",
        protocol="leave_method_out",
        options={"held_out": category},
        metric="auc",
        published=figures,
        prior=f"held-out reals : fakes of {category}",
        caution="people are divided here as well, in the papers as their lists say; AVAD was run again by a user "
        "with 0.746 (RVFA) and 0.741 (FVRA-WL)",
    )


PUBLISHED: dict[str, PublishedProtocol] = {
    "random_70_30": PublishedProtocol(
        papers="AVFF (Oorloff et al., CVPR 2024), HAVIC (2026)",
        protocol="random",
        options={"test_share": "0.3"},
        metric="auc",
        published={"AVFF": 0.991},
        prior="about 150 : 6,313",
        caution="every test person and nearly every source clip is in train; accuracy 0.986 is to be read against "
        "0.977 of a system that calls all fake",
    ),
    "mrdf5": PublishedProtocol(
        papers="MRDF-CE (Zou et al., ICASSP 2024)",
        protocol="mrdf5_balanced",
        metric="balanced_accuracy",
        published={"MRDF-CE": 0.924},
        prior="100 : 300",
        caution="the paper calls it AUC, its code computes it of decisions; it selects on the test part, these "
        "folds have a validation part. One fold a run: --options fold 1 to 5",
    ),
    "avh_align": PublishedProtocol(
        papers="AVH-Align (Smeu et al., CVPR 2025), AVPF (2026)",
        protocol="from_file",
        lists=("train", "val", "test"),
        metric="auc",
        published={"SpeechForensics": 0.988, "AVPF": 0.978, "AVH-Align": 0.946, "AVAD": 0.847},
        prior="151 : 6,516",
        caution="zero-shot figures, silence trimmed; no test person is on screen in train, all are donors there",
    ),
    "without_RVFA": _left_out("RVFA", {"AVFF": 0.924, "AVAD": 0.805}),
    "without_FVRA-WL": _left_out("FVRA-WL", {"AVFF": 0.982, "AVAD": 0.937}),
    "without_FVFA-WL": _left_out("FVFA-WL", {"AVFF": 0.999}),
}


def run_published(
    name: str,
    config: TrainConfig,
    out: Path,
    *,
    options: Mapping[str, str] | None = None,
    replicates: int = 1000,
) -> dict[str, Any]:
    """Split by a published protocol, train, choose thresholds, judge, and put the figure beside the published one.

    Args:
        name: in :data:`PUBLISHED`.
        config: of the training, with manifest and store; the split is made.
        out: folder of split, run and ``published.json``.
        options: of the split, beside those of the protocol.
        replicates: of the bootstrap over people.

    Raises:
        ValueError: an unknown name, or a list of the authors that is not given.
    """
    if name not in PUBLISHED:
        raise ValueError(unknown("published protocol", name, PUBLISHED))
    known, given = PUBLISHED[name], dict(options or {})
    lacking = [one for one in known.lists if one not in given]
    if lacking:
        raise ValueError(f"{name} goes by its authors' lists; give --options {' FILE '.join(lacking)} FILE")
    from experiments.evaluate import evaluate
    from experiments.split import split
    from experiments.thresholds import thresholds
    from experiments.train import train

    data = replace(config.data, split=out / "split.parquet")
    seed = config.fit.seed
    split(
        (data.manifest,), protocol=(known.protocol,), options={**known.options, **given}, seed=seed, out=data.split
    )
    run = train(replace(config, data=data), out / "run")
    thresholds(run, replicates=replicates)
    metrics = evaluate(run, replicates=replicates)
    report = {
        "protocol": name,
        "metric": known.metric,
        "published": dict(known.published),
        "ours": _ours(metrics, known.metric),
        "counts": metrics["counts"]["any"],
        "prior": known.prior,
        "caution": known.caution,
    }
    write_json(out / "published.json", report)
    print("\n".join(["", *table_of(known, report)]))
    return report


def _ours(metrics: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """The value on "any fake"; of decisions at the threshold that validation chose (Youden's)."""
    at_threshold = metrics["at_thresholds"].get("any", {}).get("youden", {})
    return metrics["any"].get(metric) or at_threshold.get(metric) or {"value": None, "low": None, "high": None}


def table_of(known: PublishedProtocol, report: Mapping[str, Any]) -> list[str]:
    """The figures side by side, with what to know of them."""
    from multimodal.report.terminal import aligned  # it brings pandas, which the verb's help does not wait for

    ours, counts = report["ours"], report["counts"]
    value = "not defined" if ours["value"] is None else f"{ours['value']:.3f}"
    interval = "" if ours["low"] is None else f"[{ours['low']:.3f}, {ours['high']:.3f}]"
    rows = [(system, f"{figure:.3f}", "") for system, figure in report["published"].items()]
    return [
        f"{report['protocol']}: {known.papers}",
        *aligned([("system", report["metric"].replace("_", " "), ""), *rows, ("ours", value, interval)]),
        f"  test here {counts['real']:,} real : {counts['fake']:,} fake, published {known.prior}",
        f"  {known.caution}",
    ]
