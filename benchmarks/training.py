"""Does data starve the model, and do pretrained branches help: both on generated corpora.

    python -m benchmarks.training waiting [--folder DIR]
    python -m benchmarks.training pretrained [--folder DIR] [--seeds 3] [--steps 60]

``waiting`` takes real steps of the small recipes, at their batch size with their augmentation and workers, and
gives the share of a step's time spent waiting for its batch; above 0.05 fails (exit status 1). ``pretrained``
trains the small detector for equally many steps from random branches and from branches pretrained on pictures
and on speech, and gives the AUC on test people: the mean over seeds and its 95 % interval (Student's t).
Generated media: what helps here says nothing about real corpora.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from experiments.evaluate import evaluate
from experiments.generate import generate
from experiments.prepare import prepare
from experiments.pretrain import pretrain
from experiments.recipes import small
from experiments.runs.build import open_pretraining, open_training
from experiments.runs.config import DataConfig, PretrainConfig, TrainConfig
from experiments.runs.estimate import Estimate, estimate
from experiments.scan import scan
from experiments.split import split
from experiments.train import train
from multimodal.corpora.manifest import GENERATED_NOTICE
from multimodal.data.augment import Augmentation
from multimodal.labels import TARGETS
from multimodal.media.prepared import PrepareOptions
from multimodal.synthetic import LayoutOptions, SyntheticOptions

LIMIT = 0.05
CROPS = PrepareOptions(frame_rate=12.5, crop_size=96)
TALKING_HEADS = SyntheticOptions(
    groups=4, identities_per_group=3, real_clips=2, rtvc_clips=2, clip_seconds=1.0, frame_size=128
)
#: Name of a source → corpus, and options of its generator.
SOURCES = {
    "images": ("deepfake_image", LayoutOptions(variant="folders", identities=10, clips=4, frame_size=128)),
    "speech": ("deepfake_audio", LayoutOptions(variant="for_norm", identities=10, clips=4, clip_seconds=1.0)),
}


def make_corpora(
    folder: Path,
    sources: Mapping[str, tuple[str, LayoutOptions]] = SOURCES,
    crops: PrepareOptions = CROPS,
    num_frames: int = 6,
) -> DataConfig:
    """Talking heads, and corpora for branches, prepared into one store; what is there is kept."""
    main = folder / "heads"
    generate("fakeavceleb", out=folder / "corpora" / "heads", options=TALKING_HEADS)
    scan("fakeavceleb", root=folder / "corpora" / "heads", out=main / "manifest.parquet")
    split((main / "manifest.parquet",), protocol=("group_out",), out=main / "split.parquet")
    manifests = [main / "manifest.parquet"]
    for name, (corpus, options) in sources.items():
        generate(corpus, out=folder / "corpora" / name, options=options)
        manifests.append(folder / name / "manifest.parquet")
        scan(corpus, root=folder / "corpora" / name, out=manifests[-1])
        split(manifests[-1:], protocol=("official",), out=folder / name / "split.parquet")
    prepare(tuple(manifests), store=folder / "store", options=crops)
    return replace(
        small.DATA,
        num_frames=num_frames,
        manifest=main / "manifest.parquet",
        split=main / "split.parquet",
        store=folder / "store",
    )


def waiting(folder: Path) -> int:
    data = make_corpora(folder)
    cases: dict[str, Estimate] = {
        "train small": estimate(open_training(replace(small.train(), data=data))),
        "pretrain video small": estimate(open_pretraining(replace(small.pretrain_video(), data=data))),
        "pretrain audio small": estimate(open_pretraining(replace(small.pretrain_audio(), data=data))),
        "pretrain video small, default augmentation": estimate(
            open_pretraining(replace(small.pretrain_video(), data=replace(data, augmentation=Augmentation())))
        ),
        "pretrain audio small, default augmentation": estimate(
            open_pretraining(replace(small.pretrain_audio(), data=replace(data, augmentation=Augmentation())))
        ),
    }
    print("| recipe | seconds a step | share waiting for data |\n|---|---|---|")
    for name, timed in cases.items():
        print(f"| {name} | {timed.step_seconds:.3f} | {timed.waiting_share:.1%} |")
    worst = max(timed.waiting_share for timed in cases.values())
    print(f"largest share {worst:.3f}, limit {LIMIT}")
    return int(worst > LIMIT)


def pretrained(folder: Path, seeds: int, steps: int) -> int:
    data = make_corpora(folder)
    rows = []
    for seed in range(seeds):
        runs = folder / "runs" / f"seed-{seed}"
        pictures = _source(small.pretrain_video(), data, folder / "images", seed, num_frames=1)
        video = pretrain(pictures, runs / "images")
        audio = pretrain(_source(small.pretrain_audio(), data, folder / "speech", seed), runs / "speech")
        fit = replace(small.train().fit, steps=steps, validate_every=steps // 2, seed=seed, patience=None)
        random = replace(small.train(), data=data, fit=fit)
        started = {"random": random, "pretrained": random.with_weights(video=video, audio=audio)}
        for name, config in started.items():
            rows += [{"seed": seed, "branches": name, **_test_aucs(config, runs / name)}]
    table = pd.DataFrame(rows)
    print(f"AUC on the test split after {steps} steps, {seeds} seeds: mean [95 % interval]")
    print("| target | random | pretrained | pretrained - random |\n|---|---|---|---|")
    for target in TARGETS:
        pair = table.pivot(index="seed", columns="branches", values=target)
        cells = (pair["random"], pair["pretrained"], pair["pretrained"] - pair["random"])
        print(f"| {target} | {' | '.join(_mean_interval(values.to_numpy()) for values in cells)} |")
    print(GENERATED_NOTICE)
    return 0


def _source(
    config: PretrainConfig, data: DataConfig, folder: Path, seed: int, num_frames: int | None = None
) -> PretrainConfig:
    frames = num_frames or data.num_frames
    return replace(
        config,
        data=replace(data, num_frames=frames),
        mixture=replace(config.mixture, sources=(folder,)),
        fit=replace(config.fit, seed=seed),
    )


def _test_aucs(config: TrainConfig, run: Path) -> dict[str, float]:
    train(config, run)
    metrics = evaluate(run, replicates=0)
    return {target: metrics[target]["auc"]["value"] for target in TARGETS}


def _mean_interval(values: np.ndarray) -> str:
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.3f} [{values.mean() - half:.3f}, {values.mean() + half:.3f}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["waiting", "pretrained"])
    parser.add_argument("--folder", type=Path, help="of corpora and runs; what is there is kept")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if options.what == "waiting":
            return waiting(folder)
        return pretrained(folder, options.seeds, options.steps)


if __name__ == "__main__":
    sys.exit(main())
