"""Whether lips and sound are in step: offsets that were put into genuine clips, found by what others taught.

    python -m benchmarks.synchrony [--out DIR] [--seeds N]

Genuine generated clips, prepared as any media are. For each seed a third of the people teach, a third say how wide
an interval must be, and the clips of the last third are moved by eleven offsets of up to 400 ms either way. Of
silence and of a still mouth nothing must be said; how often something is said of another person's sound is shown.
The exit status is 1 where a median error is above a frame, the intervals hold less than 93 or more than 97 % of
the offsets in the mean over seeds, or anything is said of silence or of a still mouth. One seed has 30 test clips,
too few to tell 93 from 97 %. A benchmark that was stopped goes on.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from experiments.generate import generate
from experiments.prepare import prepare
from experiments.runs.lips import judge_synchrony
from experiments.scan import scan
from multimodal.corpora.manifest import Manifest
from multimodal.media.prepared import PreparedClip, PrepareOptions
from multimodal.media.store.reader import Store
from multimodal.synchrony import Pair, Synchrony, fit_synchrony, pair_of
from multimodal.synthetic import LayoutOptions

CORPUS = LayoutOptions(identities=15, clips=6, clip_seconds=3.0, frame_size=128)
CROPS = PrepareOptions(crop_size=96)
MOST_ERROR, COVERED = 1 / CROPS.frame_rate, (0.93, 0.97)


class Spoken(NamedTuple):
    """A genuine clip, and who speaks."""

    person: str
    clip: PreparedClip
    pair: Pair


class Found(NamedTuple):
    """What one seed gave; ``strange`` is how often an offset was told of the sound of another person."""

    clips: int
    median_error: float
    coverage: float
    interval: tuple[float, float]
    cannot_say: float
    silent: float
    still: float
    strange: float

    @property
    def is_held(self) -> bool:
        """Whether it is exact to a frame, and nothing is said where nothing can be."""
        return self.silent == self.still == 1 and self.median_error <= MOST_ERROR


def main(out: Path = Path("synchrony"), seeds: int = 3, workers: int = 2) -> int:
    """Make the clips, move them, and say how well it is seen.

    Args:
        out: folder of everything that it writes.
        seeds: draws of who teaches, calibrates and is judged.
        workers: processes that draw and prepare clips.
    """
    spoken = make(out, CORPUS, workers)
    print("seed  clips  median error  coverage               cannot say  silence  still  another's sound told")
    seen = []
    for seed in range(seeds):
        found = judge(*parts_of(spoken, seed))
        seen.append(found)
        print(
            f"{seed:<6}{found.clips:<7}{1000 * found.median_error:4.1f} ms       {found.coverage:.1%} "
            f"[{found.interval[0]:.1%}, {found.interval[1]:.1%}]  {found.cannot_say:9.1%}  {found.silent:7.0%}  "
            f"{found.still:5.0%}  {found.strange:.1%}"
        )
    coverage = float(np.mean([found.coverage for found in seen]))
    print(f"coverage in the mean {coverage:.1%} (generated media)")
    return 0 if all(found.is_held for found in seen) and COVERED[0] <= coverage <= COVERED[1] else 1


def make(out: Path, corpus: LayoutOptions, workers: int) -> list[Spoken]:
    """Genuine clips in the layout of VoxCeleb2, generated and prepared."""
    generate("voxceleb2", out=out / "corpus", options=corpus, workers=workers)
    scan("voxceleb2", root=out / "corpus", out=out / "manifest.parquet")
    prepare((out / "manifest.parquet",), store=out / "store", options=CROPS, workers=workers)
    store, clips = Store.open(out / "store"), Manifest.read(out / "manifest.parquet").clips
    found = ((row.identity, store.read(row.clip_id)) for row in clips.itertuples())
    paired = ((person, clip, pair_of(clip)) for person, clip in found)
    return [Spoken(person, clip, pair) for person, clip, pair in paired if pair is not None]


def parts_of(spoken: Sequence[Spoken], seed: int) -> list[list[Spoken]]:
    """Clips of a third of the people each, drawn by the seed."""
    people = sorted({one.person for one in spoken})
    np.random.default_rng(seed).shuffle(people)
    return [[one for one in spoken if one.person in part] for part in np.array_split(people, 3)]


def judge(training: Sequence[Spoken], validation: Sequence[Spoken], test: Sequence[Spoken]) -> Found:
    """Learn of two parts, and ask about the third."""
    learnt = fit_synchrony([one.pair for one in training], [one.pair for one in validation])
    all_found = judge_synchrony(learnt, [one.pair for one in test])
    others = [replace(one.clip, waveform=other.clip.waveform) for one, other in _of_another(test)]
    return Found(
        clips=len(test),
        median_error=all_found["median_error_seconds"] or np.inf,
        coverage=all_found["coverage"] or 0.0,
        interval=_interval(learnt, test),
        cannot_say=all_found["cannot_say"] or 0.0,
        silent=1 - _told(learnt, [replace(one.clip, waveform=0 * one.clip.waveform) for one in test]),
        still=1 - _told(learnt, [replace(one.clip, frames=_held(one.clip.frames)) for one in test]),
        strange=_told(learnt, others),
    )


def _told(learnt: Synchrony, clips: Sequence[PreparedClip]) -> float:
    return float(np.mean([learnt.offset(pair_of(clip)).seconds is not None for clip in clips]))


def _held(frames: np.ndarray) -> np.ndarray:
    """The first frame all the time, with the noise of a camera."""
    noise = np.random.default_rng(0).normal(0, 1, frames.shape)
    return np.clip(frames[:1] + noise, 0, 255).round().astype(np.uint8)


def _of_another(test: Sequence[Spoken]) -> Iterator[tuple[Spoken, Spoken]]:
    """Each clip beside one of another person that is at least as long."""
    for number, one in enumerate(test):
        for other in [*test[number:], *test[:number]]:
            if other.person != one.person and len(other.clip.waveform) >= len(one.clip.waveform):
                yield one, other
                break


def _interval(learnt: Synchrony, test: Sequence[Spoken]) -> tuple[float, float]:
    """95 % interval of the coverage, by drawing the people of the test clips again."""
    found = [(one.person, judge_synchrony(learnt, [one.pair])) for one in test]
    people = sorted({person for person, _ in found})
    told, held = np.zeros(len(people)), np.zeros(len(people))
    for person, one in found:
        said = 1 - (one["cannot_say"] or 0.0)
        told[people.index(person)] += said
        held[people.index(person)] += said * (one["coverage"] or 0.0)
    drawn = np.random.default_rng(0).integers(0, len(people), (2000, len(people)))
    low, high = np.quantile(held[drawn].sum(axis=1) / told[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
