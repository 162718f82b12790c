"""Whether the study of fusions finds what was planted, and nothing else: two generated corpora of known truth.

    python -m benchmarks.planted_truth [--out DIR] [--seeds N]

In the first, only the disagreement of sound and picture tells fake from real: no modality alone can do better than
an AUC of 0.5, and a fusion of tokens averaged over time (``concat``) hardly; those that compare along time should.
In the second, only the picture tells: the sound alone stays at 0.5, everything that sees the picture does not.
About half an hour on two cores; a benchmark that was stopped goes on.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro

from benchmarks.planted_corpora import COLUMN_OPTIONS, GENUINE, write_disagreement, write_forged_pictures
from experiments.ablate import ablate
from experiments.ablation.runs import StudyOptions
from experiments.config import DataConfig, EncoderConfig, LossConfig, TrainConfig
from experiments.prepare import prepare
from experiments.pretrain import pretrain
from experiments.quickstart import CROPS
from experiments.recipes import small
from experiments.scan import scan
from experiments.split import split
from multimodal.report.pages.numbers import interval, p_value
from multimodal.report.study_table import is_significant
from multimodal.training.fit import FitOptions

#: Dense enough for lips: a token of sound each 80 ms, as many as there are frames.
DENSE_SOUND = EncoderConfig(name="spectrogram", options={"backbone": "test_resnet", "stage": 2})
#: Attention learns in two thousand steps and from many people what `discrepancy` has in its equation.
FIT = FitOptions(steps=3600, learning_rate=2e-3, validate_every=200)
MANY = replace(GENUINE, groups=10)
ALONE = ("video_only", "audio_only")
ALONG_TIME = ("cross_attention", "discrepancy")


def main(out: Path = Path("planted"), seeds: int = 3) -> None:
    """Make both corpora, study fusions on each, and say whether the planted truth came out.

    Args:
        out: folder of everything that it writes.
        seeds: trainings of each fusion.
    """
    disagreement = _disagreement(out / "disagreement", seeds)
    _print("only the disagreement tells", disagreement, chance=ALONE, beyond=ALONG_TIME)
    pictures = _pictures(out / "pictures", seeds)
    _print(
        "only the picture tells", pictures, chance=("audio_only",), beyond=("video_only", "concat", *ALONG_TIME)
    )


def _disagreement(folder: Path, seeds: int) -> dict[str, Any]:
    """Frozen encoders of random weights: what lips do and how loud the sound is survives in them."""
    write_disagreement(folder / "corpus", MANY)
    data = replace(_data(folder), num_frames=16, silent_ends="keep")
    loss = LossConfig(synchrony_weight=1.0)
    return _study(replace(small.train(), audio=DENSE_SOUND, data=data, fit=FIT, loss=loss), folder, seeds)


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
    options = StudyOptions(seeds=seeds, only=(*ALONE, "concat", *ALONG_TIME), baseline="audio_only")
    return ablate("fusion", config, options, folder / "study")


def _print(title: str, results: dict[str, Any], *, chance: tuple[str, ...], beyond: tuple[str, ...]) -> None:
    """A line a fusion: its AUC, and whether that is as planted."""
    print(f"\n{title} (generated media)")
    for name, row in results["variants"].items():
        entry = row["measures"]["auc_any"]
        line = f"  {name:<16}{entry['value']:.3f} {interval(entry):<16}"
        if name in chance:
            line += f"holds 0.5: {'yes' if entry['low'] <= 0.5 <= entry['high'] else 'NO'}"
        elif name in beyond:
            p_holm = entry["difference"]["p_holm"]
            line += f"beats the sound alone beyond chance: {'yes' if is_significant(entry) else 'NO'} "
            line += f"(p {p_value(p_holm)})"
        print(line)


if __name__ == "__main__":
    tyro.cli(main)
