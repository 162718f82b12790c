"""How fast media are prepared and how well: ``python -m benchmarks.prepare [--media FOLDER] [--minutes 10]``.

On generated clips (and those of a folder), all in one run and as ratios, so that other machines can be compared:

* time beside the floor, which is decoding every frame at full size with the same reader (decord, or PyAV where
  decord would hold too much in memory) and threads: with 32 crops of 224 pixels stored (at most 2.0 times at
  1080p, 2.5 at 512x512), and with every frame stored;
* beside the naive way, MTCNN on each of 32 frames at full size (at least 10 times as slow at 1080p);
* agreement with it: the share of its faces found (at least 0.98) and the mean overlap of boxes (at least 0.90);
* peak memory of a worker (at most 1.5 GB for any length) and growth of time with length (linear);
* windows of 16 crops with their sound read a second on one core (at least 100 lossless, 200 from JPEG);
* what a crop takes in each format: kilobytes, milliseconds of writing and of reading.

``--quick`` measures the first and the last of these alone.

Seconds are those of the processor, all threads together, so that other work on the machine counts little.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import torch

from benchmarks.prepare_agreement import NaiveFaces, agreement
from benchmarks.prepare_clips import write_full_hd, write_repeated, write_square

NUM_CROPS = 32
ROUNDS = 5
WINDOW_FRAMES, NUM_WINDOWS = 16, 150


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, help="folder of real videos to measure on too")
    parser.add_argument("--minutes", type=float, default=0.0, help="length of one more 1080p clip, e.g. 10")
    parser.add_argument("--quick", action="store_true", help="only beside the floor")
    parser.add_argument("--one", nargs=2, metavar=("FILE", "RATE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.one:
        print(json.dumps(prepare_alone(Path(arguments.one[0]), float(arguments.one[1]))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        clips = [write_full_hd(Path(folder, "generated_1080p.mp4"), 4.2)]
        clips += [write_square(Path(folder, "generated_512p.mp4"), 18.0)]
        if arguments.media:
            clips += sorted(path for path in arguments.media.iterdir() if path.suffix in (".mp4", ".mkv", ".webm"))
        compare_clips(clips, is_quick=arguments.quick)
        compare_formats(clips)
        if arguments.quick:
            return 0
        measure_length(Path(folder), arguments.minutes)
        measure_reading(clips[1], Path(folder))
    return 0


def compare_clips(clips: list[Path], *, is_quick: bool = False) -> None:
    """A line a clip: time beside the floor and, unless it is to be quick, the naive way, and agreement with it."""
    print(f"{'':<38}{'times the floor':>20}{'naive':>8}{'largest face':>16}{'all faces':>16}{'worker':>8}")
    print(
        f"{'clip':<22}{'reader':>7}{'floor s':>9}{'32 crops':>10}{'all':>10}{'/ ours':>8}"
        f"{'found':>8}{'IoU':>8}{'found':>8}{'IoU':>8}{'MB':>8}"
    )
    for path in clips:
        seconds, num_frames = length_of(path)
        rate = NUM_CROPS / seconds
        every_frame = partial(store, path, num_frames / seconds)
        reader = reader_of(path, rate)
        floor, some, every = best_of_rounds(partial(DECODE[reader], path), partial(store, path, rate), every_frame)
        print(
            f"{path.stem[:21]:<22}{reader:>7}{floor:>9.2f}{some / floor:>10.2f}{every / floor:>10.2f}",
            end="\n" if is_quick else "",
            flush=True,
        )
        if is_quick:
            continue
        naive = NaiveFaces.look(path, rate)
        agreed = agreement(path, naive, rate)
        worker = alone(path, rate)
        print(
            f"{naive.seconds / some:>8.1f}{agreed.largest_found:>8.3f}{agreed.largest_iou:>8.3f}"
            f"{agreed.all_found:>8.3f}{agreed.all_iou:>8.3f}{worker['bytes'] / 1e6:>8.0f}",
            flush=True,
        )


def compare_formats(clips: list[Path]) -> None:
    """A line a format: the crops of all clips, 16 of each, written and read as a store does."""
    from multimodal.media.crops import decode_crops, encode_crop
    from multimodal.media.prepare import prepare_file
    from multimodal.media.prepared import FrameFormat, PrepareOptions

    formats = {name: PrepareOptions(frame_format=name) for name in get_args(FrameFormat)}
    crops = [list(prepare_file(path, "bench/clip", formats["lz4"])[0].crops())[:WINDOW_FRAMES] for path in clips]
    every = [one for some in crops for one in some]
    packed = {name: [[encode_crop(one, how) for one in some] for some in crops] for name, how in formats.items()}
    write = [partial(_each, partial(encode_crop, options=how), every) for how in formats.values()]
    read = [partial(_each, partial(decode_crops, options=how), packed[name]) for name, how in formats.items()]
    seconds = best_of_rounds(*write, *read)
    count = len(every)
    print(f"\n{f'format, {count} crops':<22}{'kB':>9}{'write, ms':>12}{'read, ms':>12}")
    for number, name in enumerate(formats):
        size = sum(len(one) for some in packed[name] for one in some) / count
        written, taken = (1e3 * one / count for one in (seconds[number], seconds[number + len(formats)]))
        print(f"{name:<22}{size / 1e3:>9.1f}{written:>12.2f}{taken:>12.2f}", flush=True)


def _each(function: Callable[[Any], Any], values: list[Any]) -> None:
    for value in values:
        function(value)


def measure_length(folder: Path, minutes: float) -> None:
    """Time a second of media, and peak memory, of 1080p clips of growing length, every frame stored."""
    print(f"\n{'1080p clip':<22}{'seconds':>9}{'s / s':>10}{'worker MB':>12}")
    whole = write_full_hd(folder / "whole.mp4", 16.0)
    for seconds in (16.0, 60.0, *([minutes * 60] if minutes else [])):
        path = write_repeated(folder / f"long_{seconds:g}.mp4", whole, seconds)
        worker = alone(path, 25.0)
        print(f"{path.stem:<22}{seconds:>9.0f}{worker['seconds'] / seconds:>10.2f}{worker['bytes'] / 1e6:>12.0f}")


def measure_reading(clip: Path, folder: Path) -> None:
    """Random windows with their sound as tensors, from both formats."""
    from multimodal.media.prepared import FrameFormat

    print(f"\n{'store':<22}{'windows / s':>12}{'MB a minute':>13}")
    for frame_format in get_args(FrameFormat):
        where = folder / frame_format
        store(clip, 25.0, where, frame_format=frame_format)
        size = sum(path.stat().st_size for path in (where / "shards").iterdir())
        rate = windows_per_second(where)
        print(f"{frame_format:<22}{rate:>12.0f}{size / 1e6 / (length_of(clip)[0] / 60):>13.0f}", flush=True)


def windows_per_second(where: Path) -> float:
    """Windows of a second of processor time, as a training draws them."""
    import pandas as pd

    from multimodal.data.cutting import WindowShape
    from multimodal.data.order import SampleKey
    from multimodal.data.windows import TrainingWindows
    from multimodal.media.store.reader import Store

    clips = pd.DataFrame({"clip_id": ["bench/clip"], "video_fake": [0], "audio_fake": [0]})
    shape = WindowShape(num_frames=WINDOW_FRAMES, frame_size=224, frame_rate=25.0, sample_rate=16_000)
    windows = TrainingWindows(Store.open(where), clips, shape, seed=0)

    def read() -> None:
        for epoch in range(NUM_WINDOWS):
            windows[SampleKey(0, epoch, 0)]

    return NUM_WINDOWS / best_of_rounds(read)[0]


def store(path: Path, frame_rate: float, where: Path | None = None, *, frame_format: Any = "lz4") -> None:
    """Prepare one clip and write it to a store, as a worker does."""
    from multimodal.media.prepare import prepare_file
    from multimodal.media.prepared import PrepareOptions
    from multimodal.media.store.format import claim_store
    from multimodal.media.store.journal import merge
    from multimodal.media.store.writer import StoreWriter

    options = PrepareOptions(frame_rate=frame_rate, frame_format=frame_format)
    with tempfile.TemporaryDirectory() as folder:
        where = where or Path(folder)
        where.mkdir(exist_ok=True)
        claim_store(where, options)
        writer = StoreWriter(where)
        writer.write(prepare_file(path, "bench/clip", options)[0])
        writer.close()
        merge(where)


def decode_with_decord(path: Path) -> None:
    """Every frame at full size, as RGB, with the number of threads of a worker."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    reader = decord.VideoReader(str(path), num_threads=1)
    for _ in range(len(reader)):
        reader.next()


def decode_with_pyav(path: Path) -> None:
    """The same with PyAV."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        for frame in container.decode(video=0):
            frame.to_ndarray(format="rgb24")


DECODE = {"decord": decode_with_decord, "pyav": decode_with_pyav}


def reader_of(path: Path, frame_rate: float) -> str:
    """Which reader prepares a clip."""
    from multimodal.media.prepare import prepare_file
    from multimodal.media.prepared import PrepareOptions

    return prepare_file(path, "bench/clip", PrepareOptions(frame_rate=frame_rate))[0].reader or "none"


def length_of(path: Path) -> tuple[float, int]:
    """Seconds and number of frames."""
    from multimodal.media.reading.probe import probe

    info = probe(path)
    times = info.frame_times
    return float(times[-1] - times[0] + info.last_frame_seconds), len(times)


def best_of_rounds(*actions: Callable[[], Any]) -> list[float]:
    """Least processor seconds of each, measured in turns."""
    best = [float("inf")] * len(actions)
    for _ in range(ROUNDS):
        for place, action in enumerate(actions):
            start = time.process_time()
            action()
            best[place] = min(best[place], time.process_time() - start)
    return best


def prepare_alone(path: Path, frame_rate: float) -> dict[str, float]:
    """Seconds and peak memory of this process for one clip, every crop stored."""
    from multimodal.media.mtcnn import MtcnnDetector

    MtcnnDetector().find(np.zeros((96, 96, 3), np.uint8), 48)
    start = time.process_time()
    store(path, frame_rate)
    seconds = time.process_time() - start
    status = Path("/proc/self/status").read_text()  # getrusage would count what the parent held when it forked
    return {"seconds": seconds, "bytes": int(status.partition("VmHWM:")[2].split()[0]) * 1024}


def alone(path: Path, frame_rate: float) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.prepare", "--one", str(path), str(frame_rate)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
