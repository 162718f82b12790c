"""When a clip is forged: clips of four seconds in which four tenths are, of people whom the training never saw.

    python -m benchmarks.localisation [--out DIR] [--seeds N] [--people N N N] [--recordings N] [--steps N]

Generated clips in the layout of LAV-DF, each recording genuine and forged in picture, in sound and in both: some
people teach, others choose thresholds, others are judged. A clip is found where its surest shown stretch, of
picture or sound, overlaps the true one by an IoU of at least 0.5. The aim is 90 % of the forged clips, with a
stretch in at most 5 % of the genuine ones; the exit status is 1 where a seed misses it. A benchmark that was
stopped goes on. A core generates and prepares a clip in about 1.4 s.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro

from experiments.evaluate import evaluate
from experiments.generate import generate
from experiments.prepare import prepare
from experiments.recipes import small
from experiments.runs.config import DataConfig, EncoderConfig, LossConfig, TrainConfig
from experiments.scan import scan
from experiments.split import split
from experiments.thresholds import thresholds
from experiments.train import train
from multimodal.files import write_text
from multimodal.labels import TARGETS
from multimodal.media.prepared import PrepareOptions
from multimodal.processes import worker_pool
from multimodal.synthetic import LayoutOptions
from multimodal.training.options import FitOptions

CORPUS = LayoutOptions(clip_seconds=4.0, frame_size=160, forged_seconds=(0.4, 0.4))
CROPS = PrepareOptions(frame_rate=12.5, crop_size=128)
#: At 64 pixels the fine detail is gone that gives a redrawn mouth away; 128 have twice as many cells as 96.
VIDEO = EncoderConfig(name="changes", options={"frame_size": 96})
#: A token for each frame: one as long as the stretch cannot place it.
AUDIO = EncoderConfig(name="textures", options={"token_seconds": 0.08})
#: Noise would hide what is told by: how phases turn, and how sounds are joined.
CLEAN = replace(small.MILD, audio=replace(small.MILD.audio, noise=0.0))
DATA = replace(small.DATA, num_frames=25, batch_size=12, windows_per_clip=2, augmentation=CLEAN)
#: After 200 steps more genuine clips look forged for a moment.
FIT = FitOptions(steps=1000, learning_rate=2e-3)
MOST_FALSE_ALARMS, FEWEST_FOUND = 0.05, 0.90


def main(
    out: Path = Path("localisation"),
    seeds: int = 3,
    people: tuple[int, int, int] = (160, 100, 67),
    recordings: int = 1,
    steps: int = FIT.steps,
    workers: int = 2,
    readers: int = small.DATA.num_workers,
    at_once: int = 1,
) -> int:
    """Make the corpus, train on it, and say how many stretches are found.

    Args:
        out: folder of everything that it writes.
        seeds: trainings, all on the same corpus.
        people: who teach, who choose thresholds, who are judged; four clips of each recording.
        recordings: of each of them.
        steps: of a training.
        workers: processes that draw and prepare clips.
        readers: processes of each training that read windows.
        at_once: trainings at the same time.
    """
    data = replace(make(out, people, recordings, workers), num_workers=readers)
    jobs = [(config_of(data, seed, steps), out / f"run-{seed}") for seed in range(seeds)]
    with worker_pool(at_once, start_method="spawn") as pool:
        found = pool.map(learn, *zip(*jobs, strict=True)) if at_once > 1 else map(learn, *zip(*jobs, strict=True))
        reached = [judge(seed, one) for seed, one in enumerate(found)]
    return 0 if all(reached) else 1


def make(out: Path, people: tuple[int, int, int], recordings: int, workers: int) -> DataConfig:
    """The corpus, generated, scanned, split by people, and prepared."""
    manifest, split_file, store = (out / name for name in ("manifest.parquet", "split.parquet", "store"))
    corpus = replace(CORPUS, identities=sum(people), clips=recordings)
    generate("lavdf", out=out / "corpus", options=corpus, workers=workers)
    scan("lavdf", root=out / "corpus", out=manifest)
    split((manifest,), protocol=("from_file",), options=write_lists(out, people), out=split_file)
    prepare((manifest,), store=store, options=CROPS, workers=workers)
    return replace(DATA, manifest=manifest, split=split_file, store=store)


def write_lists(out: Path, people: tuple[int, int, int]) -> dict[str, str]:
    """A list of files for each part but the rest, which is judged; files are numbered by people."""
    paths = sorted((out / "corpus").glob("*/*.mp4"), key=lambda path: path.stem)
    first, last = (sum(people[:parts]) * len(paths) // sum(people) for parts in (1, 2))
    lists = {"rest": "test"}
    for name, part in (("train", paths[:first]), ("val", paths[first:last])):
        lists[name] = str(out / f"{name}.txt")
        write_text(Path(lists[name]), "".join(f"{path.parent.name}/{path.name}\n" for path in part))
    return lists


def config_of(data: DataConfig, seed: int, steps: int) -> TrainConfig:
    """The training: the small recipe with encoders of fine detail and heads for moments, from random weights."""
    return replace(
        small.train(),
        encoders={"video": VIDEO, "audio": AUDIO},
        data=data,
        loss=LossConfig(frame_weight=1.0),
        fit=replace(FIT, seed=seed, steps=steps, validate_every=steps),
    )


def learn(config: TrainConfig, run: Path) -> dict[str, Any]:
    """Train, choose thresholds on validation clips, and judge the test clips."""
    train(config, run)
    thresholds(run, replicates=0)
    return evaluate(run, floors=False, lips=False)["localisation"]


def judge(seed: int, found: dict[str, Any]) -> bool:
    print(f"\nseed {seed}, {found['clips']} test clips (generated media)")
    for target in TARGETS:
        shown, measures = found["at_threshold"][target], found["test"][target]
        area, precision = measures["frame_auc"]["value"], measures["ap@0.5"]["value"]
        print(
            f"  {target:<6} found {shown['forged_found_at_0.5']:.3f}  genuine with a stretch "
            f"{shown['genuine_with_a_stretch']:.3f}  surest proposal right {shown['forged_surest_right']:.3f}  "
            f"AP@0.5 {precision:.3f}  frame AUC {area:.3f}",
            flush=True,
        )
    shown = found["at_threshold"]["any"]
    return shown["forged_found_at_0.5"] >= FEWEST_FOUND and shown["genuine_with_a_stretch"] <= MOST_FALSE_ALARMS


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
