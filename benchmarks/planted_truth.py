"""Whether the study of fusions finds what was planted, and nothing else: three generated corpora of known truth.

    python -m benchmarks.planted_truth [--out DIR] [--seeds N]

In two, only the disagreement of sound and picture tells fake from real, so that no modality alone can do better
than an AUC of 0.5. In the first the two differ in how much is said, which every fusion but `score` can learn; in
the second nearly only in when it is said, which those find that compare along time. In the third only the picture
tells: the sound alone stays at 0.5, what sees the picture does not.

The exit status is 1 where a truth does not come out. About half an hour on two cores; a benchmark that was stopped
goes on.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro

from benchmarks.planted_corpora import COLUMN_OPTIONS, GENUINE, write_disagreement, write_forged_pictures
from experiments.ablate import ablate
from experiments.prepare import prepare
from experiments.pretrain import pretrain
from experiments.quickstart import CROPS
from experiments.recipes import small
from experiments.runs.config import DataConfig, LossConfig, TrainConfig
from experiments.runs.parts import EncoderConfig
from experiments.runs.scoring import open_run
from experiments.scan import scan
from experiments.split import split
from experiments.studies.study import StudyOptions
from experiments.train import train
from multimodal.labels import MODALITIES
from multimodal.report.pages.render import interval, p_value
from multimodal.report.study_table import is_significant
from multimodal.training.options import FitOptions

#: Dense enough for lips: a token of sound each 80 ms, as many as there are frames.
DENSE_SOUND = EncoderConfig(name="spectrogram", options={"backbone": "test_resnet", "stage": 2})
MANY = replace(GENUINE, groups=10)
#: So many steps until encoders, which learn from labels alone what to look at, have found the lips.
LEARN = FitOptions(steps=200, learning_rate=1e-3, validate_every=50)
FIT = FitOptions(steps=600, learning_rate=1e-3, validate_every=100)
IN_STEP = LossConfig(synchrony_weight=1.0)
ALONE = ("video_only", "audio_only")
#: Each head of ``score`` knows one modality, and of the sums of what they say, a constant fits these labels best.
EACH_ALONE = (*ALONE, "score")
ALONG_TIME = ("cross_attention", "transformer", "discrepancy")
TOGETHER = ("concat", "gated", "film", "bilinear", "bottleneck", *ALONG_TIME)


def main(out: Path = Path("planted"), seeds: int = 3) -> int:
    """Make the corpora, study fusions on each, and say whether the planted truth came out.

    Args:
        out: folder of everything that it writes.
        seeds: trainings of each fusion.
    """
    amount = _disagreement(out / "amount", seeds, some_silent=True)
    came_out = [_judge("only the disagreement tells, in how much is said", amount, EACH_ALONE, TOGETHER)]
    moment = _disagreement(out / "moment", seeds, some_silent=False)
    came_out += [_judge("only the disagreement tells, nearly only in when", moment, EACH_ALONE, ALONG_TIME)]
    pictures = _pictures(out / "pictures", seeds)
    see_it = ("video_only", "score", *TOGETHER)
    came_out += [_judge("only the picture tells", pictures, ("audio_only",), see_it)]
    return 0 if all(came_out) else 1


def _disagreement(folder: Path, seeds: int, *, some_silent: bool) -> dict[str, Any]:
    """Encoders learn what lips do end to end, with ``discrepancy``, on training clips; then all share them."""
    write_disagreement(folder / "corpus", MANY, some_silent=some_silent)
    data = replace(_data(folder), num_frames=16, silent_ends="keep")
    config = replace(small.train(), encoders={"video": small.VIDEO, "audio": DENSE_SOUND}, data=data, loss=IN_STEP)
    discrepancy = replace(config.fusion, name="discrepancy")
    run = open_run(train(replace(config, fusion=discrepancy, fit=LEARN), folder / "learnt"))
    for modality in MODALITIES:
        run.encoders[modality].save_pretrained(folder / modality)
    learnt = config.with_weights(**{modality: folder / modality for modality in MODALITIES})
    return _study(replace(learnt, fit=FIT), folder, seeds)


def _pictures(folder: Path, seeds: int) -> dict[str, Any]:
    """The video branch pretrained on the same training clips; the sound of random weights."""
    write_forged_pictures(folder / "corpus")
    data = _data(folder)
    video = pretrain(replace(small.pretrain_video(), data=data), folder / "pretrain-video")
    config = replace(small.train(), data=data)
    return _study(config.with_weights(video=video), folder, seeds)


def _data(folder: Path) -> DataConfig:
    manifest, split_file, store = (folder / name for name in ("manifest.parquet", "split.parquet", "store"))
    scan("folder", root=folder / "corpus", out=manifest, options=COLUMN_OPTIONS)
    split((manifest,), protocol=("source_disjoint",), out=split_file)
    prepare((manifest,), store=store, options=CROPS, workers=2)
    return replace(small.DATA, manifest=manifest, split=split_file, store=store)


def _study(config: TrainConfig, folder: Path, seeds: int) -> dict[str, Any]:
    return ablate("fusion", config, StudyOptions(seeds=seeds, baseline="audio_only"), folder / "study")


def _judge(title: str, results: dict[str, Any], chance: tuple[str, ...], beyond: tuple[str, ...]) -> bool:
    """Print a line a fusion: its AUC, and whether that is as planted; True if all are."""
    print(f"\n{title} (generated media)")
    as_planted = True
    for name in sorted({*results["variants"], *chance, *beyond}):
        if name not in results["variants"]:
            print(f"  {name:<16}no run succeeded: NO")
            as_planted = False
            continue
        entry = results["variants"][name]["measures"]["auc_any"]
        line = f"  {name:<16}{entry['value']:.3f} {interval(entry):<16}"
        if name in chance:
            is_so, claim = holds_chance(entry), "holds 0.5"
        elif name in beyond:
            is_so, claim = beats(entry), f"beats the sound alone (p {p_value(entry['difference']['p_holm'])})"
        else:
            print(line + "no claim")
            continue
        as_planted &= is_so
        print(f"{line}{claim}: {'yes' if is_so else 'NO'}")
    return as_planted


def holds_chance(entry: dict[str, Any]) -> bool:
    """Whether an interval holds 0.5; False where there is none."""
    return entry["low"] is not None and entry["low"] <= 0.5 <= entry["high"]


def beats(entry: dict[str, Any]) -> bool:
    """Whether a measure is higher than the baseline's by more than chance."""
    return is_significant(entry) and entry["difference"]["value"] > 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
