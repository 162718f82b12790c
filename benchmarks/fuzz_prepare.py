"""Thousands of damaged files through ``prepare``: ``python -m benchmarks.fuzz_prepare [--files 2000]``.

Small clips in several containers and codecs are damaged: bytes overwritten, runs zeroed, pieces cut out or
doubled, ends cut off. Every file must end as a prepared clip, whose sound lasts exactly as long as its picture, or
as a row in the failures; no worker may run past its limit, and the run must come to its end.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer, OutputContainer

from multimodal.corpora.manifest import Clip, collect
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.reader import Store
from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import write_clip
from multimodal.synthetic.plan import plan_clips

#: Container, codec of the picture and of the sound; None for a copy of the generated streams.
CONTAINERS = {
    "mp4": (None, {}),
    "fragmented.mp4": (None, {"movflags": "frag_keyframe+empty_moov"}),
    "mkv": (None, {}),
    "ts": (("libx264", "aac"), {}),
    "webm": (("libvpx-vp9", "libopus"), {}),
    "avi": (("mpeg4", "libmp3lame"), {}),
}
SECONDS_PER_CLIP = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "corpus")
        root.mkdir()
        plant(root, arguments.files, np.random.default_rng(arguments.seed))
        return report(root, Path(folder, "store"), arguments.workers)


def plant(root: Path, count: int, rng: np.random.Generator) -> None:
    """Write ``count`` damaged files, the containers in turn."""
    source = root.parent / "whole.mp4"
    options = SyntheticOptions(clip_seconds=1.0, frame_size=128, groups=1, identities_per_group=2)
    clip = next(clip for clip in plan_clips(options) if clip.method == "real")
    write_clip(root.parent, clip, options)
    (root.parent / clip.path).rename(source)
    contents = {}
    for name, (codecs, muxer) in CONTAINERS.items():
        path = convert(source, root.parent / f"container.{name}", codecs, muxer)
        contents[name] = np.frombuffer(path.read_bytes(), np.uint8)
    names = list(contents)
    for number in range(count):
        name = names[number % len(names)]
        (root / f"{number:05d}.{name}").write_bytes(damage(contents[name], rng).tobytes())


def damage(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One to three random injuries."""
    damaged = content.copy()
    for _ in range(rng.integers(1, 4)):
        damaged = INJURIES[rng.integers(len(INJURIES))](damaged, rng)
    return damaged


def _overwrite(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    places = rng.integers(0, len(content), rng.integers(1, 50))
    content[places] = rng.integers(0, 256, len(places))
    return content


def _overwrite_header(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    head = int(rng.choice([64, 512, 2048]))
    places = rng.integers(0, min(head, len(content)), 4) * rng.choice([1, -1])  # the index may stand at the end
    content[places] = rng.integers(0, 256, len(places))
    return content


def _zero_run(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    start, end = _span(content, rng)
    content[start:end] = 0
    return content


def _cut_out(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    start, end = _span(content, rng)
    return np.concatenate([content[:start], content[end:]])


def _double(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    start, end = _span(content, rng)
    return np.concatenate([content[:end], content[start:]])


def _cut_off(content: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return content[: rng.integers(1, len(content))]


INJURIES = (_overwrite, _overwrite_header, _zero_run, _cut_out, _double, _cut_off)


def _span(content: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    start = int(rng.integers(0, len(content)))
    return start, min(len(content), start + int(2 ** rng.uniform(0, 14)))


def convert(source: Path, path: Path, codecs: tuple[str, str] | None, muxer: dict[str, str]) -> Path:
    """Copy the streams into another container, or encode them again."""
    with av.open(str(source)) as whole, av.open(str(path), "w", options=muxer) as target:
        pairs = [(stream, _add_stream(target, stream, codecs)) for stream in whole.streams]
        for old, new in pairs:
            whole.seek(0)
            _copy(whole, old, target, new, is_encoded=codecs is not None)
    return path


def _add_stream(target: OutputContainer, stream: Any, codecs: tuple[str, str] | None) -> Any:
    if codecs is None:
        return target.add_stream_from_template(stream)
    if stream.type == "audio":
        return target.add_stream(codecs[1], rate=48_000, layout="mono")
    new = target.add_stream(codecs[0], rate=25)
    new.width, new.height, new.pix_fmt = stream.width, stream.height, "yuv420p"
    return new


def _copy(whole: InputContainer, old: Any, target: OutputContainer, new: Any, *, is_encoded: bool) -> None:
    if not is_encoded:
        for packet in whole.demux(old):
            if packet.size:
                packet.stream = new
                target.mux(packet)
        return
    resampler = None
    if old.type == "audio":
        resampler = av.AudioResampler(new.format, new.layout, new.rate, frame_size=new.frame_size or 1024)
    for frame in whole.decode(old):
        for piece in [frame] if resampler is None else resampler.resample(frame):
            target.mux(new.encode(piece))
    target.mux(new.encode(None))


def report(root: Path, where: Path, workers: int) -> int:
    """Prepare all, check every clip, print what became of the files."""
    clips = [Clip(path.name, "video", 0, 0, "real", size_bytes=1) for path in sorted(root.iterdir())]
    start = time.monotonic()
    summary = prepare_corpus(
        collect(clips, corpus="fuzz", root=root),
        where,
        PrepareOptions(crop_size=48),
        workers=workers,
        seconds_per_clip=SECONDS_PER_CLIP,
    )
    seconds = time.monotonic() - start
    store = Store.open(where)
    wrong = [clip_id for clip_id in store.index["clip_id"] if not _is_paired(store, clip_id)]
    stages = Counter(store.failures["stage"])
    lost = len(clips) - len(store.index) - len(store.failures)
    told = int(store.index["damage"].notna().sum())
    print(f"{len(clips)} damaged files, {seconds:.0f} s with {workers} workers")
    print(f"{summary.prepared:6d}  prepared, {told} of them with their damage told")
    for stage, count in stages.most_common():
        print(f"{count:6d}  failed at: {stage}")
    print(f"{lost:6d}  lost, {len(wrong)} with sound and picture of different length {wrong[:5]}")
    return 1 if lost or wrong or stages["time limit"] else 0


def _is_paired(store: Store, clip_id: str) -> bool:
    clip = store.read(clip_id)
    if clip.frames is None or clip.waveform is None:
        return clip.frames is not None or clip.waveform is not None
    return len(clip.waveform) == round(len(clip.frames) / clip.frame_rate * clip.sample_rate)


if __name__ == "__main__":
    sys.exit(main())
