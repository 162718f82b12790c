"""Whether the study of fusions finds what was planted, and nothing else: three generated corpora of known truth.

    python -m benchmarks.planted_truth [--out DIR] [--seeds N]

In two, only the disagreement of sound and picture tells fake from real, so that no modality alone can do better
than an AUC of 0.5, nor can a fusion of what each concludes alone. In the first the two differ in how much is said,
which every other fusion can learn; in the second nearly only in when it is said, which those find that compare
along time. In the third only the picture tells: the sound alone stays at 0.5, what sees the picture does not.
About half an hour on two cores; a benchmark that was stopped goes on.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import tyro

from benchmarks.planted_corpora import COLUMN_OPTIONS, GENUINE, write_disagreement, write_forged_pictures
from experiments.ablate import ablate
from experiments.ablation.runs import StudyOptions
from experiments.config import DataConfig, EncoderConfig, LossConfig, TrainConfig
from experiments.prepare import prepare
from experiments.pretrain import pretrain
from experiments.quickstart import CROPS
from experiments.recipes import small
from experiments.run_folder import RunFolder
from experiments.scan import scan
from experiments.score_run import load_detector
from experiments.split import split
from experiments.train import train
from multimodal.labels import MODALITIES
from multimodal.report.pages.numbers import interval, p_value
from multimodal.report.study_table import is_significant
from multimodal.training.fit import FitOptions

#: Dense enough for lips: a token of sound each 80 ms, as many as there are frames.
DENSE_SOUND = EncoderConfig(name="spectrogram", options={"backbone": "test_resnet", "stage": 2})
MANY = replace(GENUINE, groups=10)
#: So many steps until encoders, which learn from labels alone what to look at, have found the lips.
LEARN = FitOptions(steps=200, learning_rate=1e-3, validate_every=50)
FIT = FitOptions(steps=600, learning_rate=1e-3, validate_every=100)
IN_STEP = LossConfig(synchrony_weight=1.0)
ALONE = ("video_only", "audio_only")
#: Each head of ``score`` knows one modality, and a sum of what they say does not tell whether it fits together.
EACH_ALONE = (*ALONE, "score")
ALONG_TIME = ("cross_attention", "transformer", "discrepancy")
TOGETHER = ("concat", "gated", "film", "bilinear", "bottleneck", *ALONG_TIME)


class Planted(NamedTuple):
    """A study of a corpus: who must stay at chance, and who must do better."""

    title: str
    results: dict[str, Any]
    chance: tuple[str, ...]
    beyond: tuple[str, ...]


def main(out: Path = Path("planted"), seeds: int = 3) -> None:
    """Make the corpora, study fusions on each, and say whether the planted truth came out.

    Args:
        out: folder of everything that it writes.
        seeds: trainings of each fusion.
    """
    amount = _disagreement(out / "amount", seeds, some_silent=True)
    _print(Planted("only the disagreement tells, in how much is said", amount, EACH_ALONE, TOGETHER))
    moment = _disagreement(out / "moment", seeds, some_silent=False)
    _print(Planted("only the disagreement tells, in when it is said", moment, EACH_ALONE, ALONG_TIME))
    pictures = _pictures(out / "pictures", seeds)
    _print(Planted("only the picture tells", pictures, ("audio_only",), ("video_only", "score", *TOGETHER)))


def _disagreement(folder: Path, seeds: int, *, some_silent: bool) -> dict[str, Any]:
    """Encoders learn what lips do end to end, with ``discrepancy``, on training clips; then all share them."""
    write_disagreement(folder / "corpus", MANY, some_silent=some_silent)
    data = replace(_data(folder), num_frames=16, silent_ends="keep")
    config = replace(small.train(), audio=DENSE_SOUND, data=data, loss=IN_STEP)
    discrepancy = replace(config.fusion, name="discrepancy")
    run = RunFolder(train(replace(config, fusion=discrepancy, fit=LEARN), folder / "learnt"))
    detector = load_detector(run, run.read_config(TrainConfig))
    for modality in MODALITIES:
        detector.encoders[modality].save_pretrained(folder / modality)
    video, audio = (replace(getattr(config, name), weights=folder / name) for name in MODALITIES)
    return _study(replace(config, video=video, audio=audio, fit=FIT), folder, seeds)


def _pictures(folder: Path, seeds: int) -> dict[str, Any]:
    """The video branch pretrained on the same training clips; the sound of random weights."""
    write_forged_pictures(folder / "corpus")
    data = _data(folder)
    video = pretrain(replace(small.pretrain_video(), data=data), folder / "pretrain-video")
    config = replace(small.train(), data=data)
    return _study(replace(config, video=replace(config.video, weights=video)), folder, seeds)


def _data(folder: Path) -> DataConfig:
    manifest, split_file, store = (folder / name for name in ("manifest.parquet", "split.parquet", "store"))
    scan("folder", root=folder / "corpus", out=manifest, options=COLUMN_OPTIONS)
    split((manifest,), protocol=("source_disjoint",), out=split_file)
    prepare((manifest,), store=store, options=CROPS, workers=2)
    return replace(small.DATA, manifest=manifest, split=split_file, store=store)


def _study(config: TrainConfig, folder: Path, seeds: int) -> dict[str, Any]:
    return ablate("fusion", config, StudyOptions(seeds=seeds, baseline="audio_only"), folder / "study")


def _print(planted: Planted) -> None:
    """A line a fusion: its AUC, and whether that is as planted."""
    print(f"\n{planted.title} (generated media)")
    for name, row in planted.results["variants"].items():
        entry = row["measures"]["auc_any"]
        line = f"  {name:<16}{entry['value']:.3f} {interval(entry):<16}"
        if name in planted.chance:
            line += f"holds 0.5: {'yes' if entry['low'] <= 0.5 <= entry['high'] else 'NO'}"
        elif name in planted.beyond:
            p_holm = entry["difference"]["p_holm"]
            line += f"beats the sound alone beyond chance: {'yes' if is_significant(entry) else 'NO'} "
            line += f"(p {p_value(p_holm)})"
        print(line)


if __name__ == "__main__":
    tyro.cli(main)
