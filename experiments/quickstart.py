"""``quickstart``: the whole main job on a small generated corpus, from nothing to a report and a verdict."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from experiments.command_line import run_verb
from experiments.recipes import small
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.runs.device import DeviceName, use_device
from experiments.runs.folder import RunFolder
from multimodal.media.prepared import PrepareOptions
from multimodal.ranges import at_least
from multimodal.synthetic import SyntheticOptions

CORPUS = SyntheticOptions(
    groups=7, identities_per_group=5, real_clips=3, rtvc_clips=3, clip_seconds=1.8, frame_size=160
)
CROPS = PrepareOptions(frame_rate=12.5, crop_size=96)
Learning = TypeVar("Learning", PretrainConfig, TrainConfig)


class Stopwatch:
    """Seconds of each stage, printed as they pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and say that it begins."""
        print(f"\n== {name}", flush=True)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

    def table(self) -> str:
        """Where the time went, stage by stage, and the most memory that one process took."""
        total = sum(self.seconds.values())
        rows = [f"  {name:<12}{spent:7.1f} s  {spent / total:5.0%}" for name, spent in self.seconds.items()]
        return "\n".join(
            [
                "where the time went",
                *rows,
                f"  {'total':<12}{total:7.1f} s",
                f"largest process {peak_gigabytes():.1f} GB",
            ]
        )


def quickstart(
    *,
    out: Path = Path("quickstart"),
    seed: Annotated[int, at_least(0)] = 0,
    workers: Annotated[int, at_least(1)] = 2,
    device: DeviceName = "auto",
) -> None:
    """Run the whole main job on generated talking heads: minutes on two CPU cores, nothing downloaded.

    Generated media are a smoke test and a demonstration: the numbers say nothing about real videos. A quickstart
    that was stopped goes on where it was.

    Args:
        out: folder of everything that it writes.
        seed: of the corpus, the split and the training.
        workers: processes that draw and prepare clips.
        device: where networks learn and judge; auto is the GPU where there is one.
    """
    use_device(device)
    watch = Stopwatch()
    data = _make_data(watch, out, seed, workers)
    run = _learn(watch, out, seed, data)
    _judge(watch, out, run, device)
    print(f"\n{watch.table()}\n")
    pages = {
        "report": run / "report.html",
        "verdict": out / "predictions/verdicts.html",
        "counts": out / "statistics.html",
    }
    for name, page in pages.items():
        print(f"{name:<8}{page}")
    print("generated media: these numbers say nothing about real videos")


# The verbs bring everything with them, so each is imported where its work begins.


def _make_data(watch: Stopwatch, out: Path, seed: int, workers: int) -> Any:
    """Generate, scan, split, count and prepare the corpus; what is learnt from."""
    from experiments.generate import generate
    from experiments.prepare import prepare
    from experiments.scan import scan
    from experiments.split import split
    from experiments.statistics import statistics

    manifest, split_file, store = (out / name for name in ("manifest.parquet", "split.parquet", "store"))
    with watch.stage("generate"):
        generate("fakeavceleb", out=out / "corpus", options=replace(CORPUS, seed=seed), workers=workers)
    with watch.stage("scan"):
        scan("fakeavceleb", root=out / "corpus", out=manifest)
    with watch.stage("split"):
        fold = {"fold": str(seed % CORPUS.groups)}
        split((manifest,), protocol=("group_out",), options=fold, seed=seed, out=split_file)
    with watch.stage("statistics"):
        statistics((manifest,), split=split_file, html=out / "statistics.html")
    with watch.stage("prepare"):
        prepare((manifest,), store=store, options=CROPS, workers=workers)
    return replace(small.DATA, manifest=manifest, split=split_file, store=store)


def _learn(watch: Stopwatch, out: Path, seed: int, data: Any) -> Path:
    """Pretrain both branches and train the detector from them; its run folder."""
    from experiments.pretrain import pretrain
    from experiments.train import train

    with watch.stage("pretrain"):
        video = pretrain(_seeded(small.pretrain_video(), seed, data=data), out / "pretrain-video")
        audio = pretrain(_seeded(small.pretrain_audio(), seed, data=data), out / "pretrain-audio")
    with watch.stage("train"):
        return train(_seeded(small.train(), seed, data=data).with_weights(video=video, audio=audio), out / "run")


def _judge(watch: Stopwatch, out: Path, run: Path, device: DeviceName) -> None:
    """Choose thresholds, evaluate, and judge one clip; the report says where the time went."""
    from experiments.evaluate import evaluate
    from experiments.predict import predict
    from experiments.runs.pages import write_report
    from experiments.thresholds import thresholds

    with watch.stage("thresholds"):
        thresholds(run)
    with watch.stage("evaluate"):
        evaluate(run, device=device)
    with watch.stage("predict"):
        clip = next((out / "corpus" / "FakeVideo-FakeAudio").rglob("*.mp4"))
        predict((clip,), run=run, out=out / "predictions", device=device)
    write_report(RunFolder(run), timings=watch.seconds, is_drawn=True)


def peak_gigabytes() -> float:
    """Most memory that this process or any one child has taken, in GB."""
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(usage) / (1e9 if sys.platform == "darwin" else 1e6)


def _seeded(config: Learning, seed: int, **parts: Any) -> Learning:
    return replace(config, fit=replace(config.fit, seed=seed), **parts)


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("quickstart", quickstart, arguments)
