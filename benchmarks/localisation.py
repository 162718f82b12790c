"""When a clip is forged: clips of four seconds in which four tenths are, of people whom the training never saw.

    python -m benchmarks.localisation [--out DIR] [--seeds N]

Generated clips in the layout of LAV-DF, each recording genuine and forged in picture, sound and both. Of 28 people
10 teach, 5 choose weights and thresholds, and 13 are judged: 208 clips, of which 156 are forged. A clip is found
where its surest shown stretch overlaps the true one by an IoU of at least 0.5. The exit status is 1 where for a
seed fewer than 90 % of the forged clips are found or more than 5 % of the genuine ones show a stretch. A benchmark
that was stopped goes on.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.planted_truth import DENSE_SOUND
from experiments.evaluate import evaluate
from experiments.generate import generate
from experiments.prepare import prepare
from experiments.recipes import small
from experiments.runs.config import DataConfig, LossConfig, TrainConfig
from experiments.scan import scan
from experiments.split import split
from experiments.thresholds import thresholds
from experiments.train import train
from multimodal.files import write_text
from multimodal.labels import TARGETS
from multimodal.media.prepared import PrepareOptions
from multimodal.synthetic import LayoutOptions
from multimodal.training.options import FitOptions

CORPUS = LayoutOptions(identities=28, clips=4, clip_seconds=4.0, frame_size=128, forged_seconds=(0.4, 0.4))
#: Shares of the people who teach, who choose, and who are judged.
PARTS = {"train": 10 / 28, "val": 5 / 28, "test": 13 / 28}
CROPS = PrepareOptions(frame_rate=12.5, crop_size=96)
#: Windows of two seconds, and a token of sound for each frame: one as long as the stretch cannot place it.
DATA = replace(small.DATA, num_frames=25, batch_size=12, windows_per_clip=3)
FIT = FitOptions(steps=400, learning_rate=1e-3, validate_every=100)
MOST_FALSE_ALARMS, FEWEST_FOUND = 0.05, 0.90


def main(out: Path = Path("localisation"), seeds: int = 3, steps: int = FIT.steps, workers: int = 2) -> int:
    """Make the corpus, train on it, and say how many stretches are found.

    Args:
        out: folder of everything that it writes.
        seeds: trainings, all on the same corpus.
        steps: of a training.
        workers: processes that draw and prepare clips.
    """
    data = make(out, CORPUS, workers)
    found = [learn(config_of(data, seed, steps), out / f"run-{seed}") for seed in range(seeds)]
    reached = [judge(seed, one) for seed, one in enumerate(found)]
    return 0 if all(reached) else 1


def make(out: Path, corpus: LayoutOptions, workers: int) -> DataConfig:
    """The corpus, generated, scanned, split by people, and prepared."""
    manifest, split_file, store = (out / name for name in ("manifest.parquet", "split.parquet", "store"))
    generate("lavdf", out=out / "corpus", options=corpus, workers=workers)
    scan("lavdf", root=out / "corpus", out=manifest)
    lists = write_lists(out, corpus)
    split((manifest,), protocol=("from_file",), options=lists, out=split_file)
    prepare((manifest,), store=store, options=CROPS, workers=workers)
    return replace(DATA, manifest=manifest, split=split_file, store=store)


def write_lists(out: Path, corpus: LayoutOptions) -> dict[str, str]:
    """A list of files a part, each with people of its own, whom LAV-DF does not name but our numbers follow."""
    paths = sorted((out / "corpus").glob("*/*.mp4"), key=lambda path: path.stem)
    clips_a_person = len(paths) // corpus.identities
    ends = np.cumsum([round(share * corpus.identities) for share in PARTS.values()]) * clips_a_person
    lists = {}
    for name, part in zip(PARTS, np.split(np.array(paths, dtype=object), ends[:-1]), strict=True):
        lists[name] = str(out / f"{name}.txt")
        write_text(Path(lists[name]), "".join(f"{path.parent.name}/{path.name}\n" for path in part))
    return lists


def config_of(data: DataConfig, seed: int, steps: int) -> TrainConfig:
    """The training: the small recipe with denser sound and heads for moments, its encoders from random weights."""
    return replace(
        small.train(),
        encoders={"video": small.VIDEO, "audio": DENSE_SOUND},
        data=data,
        loss=LossConfig(frame_weight=1.0),
        fit=replace(FIT, seed=seed, steps=steps),
    )


def learn(config: TrainConfig, run: Path) -> dict[str, Any]:
    """Train, choose thresholds on validation clips, and judge the test clips."""
    train(config, run)
    thresholds(run, replicates=0)
    return evaluate(run, floors=False)["localisation"]


def judge(seed: int, found: dict[str, Any]) -> bool:
    print(f"\nseed {seed}, {found['clips']} test clips (generated media)")
    for target in TARGETS:
        shown, measures = found["at_threshold"][target], found["test"][target]
        print(
            f"  {target:<6} found {shown['forged_found_at_0.5']:.3f}  genuine with a stretch "
            f"{shown['genuine_with_a_stretch']:.3f}  AP@0.5 {measures['ap@0.5']['value']:.3f}  "
            f"frame AUC {measures['frame_auc']['value']:.3f}"
        )
    shown = found["at_threshold"]["any"]
    return shown["forged_found_at_0.5"] >= FEWEST_FOUND and shown["genuine_with_a_stretch"] <= MOST_FALSE_ALARMS


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
