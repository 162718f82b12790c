"""The clips of ``benchmarks/prepare.py``: one invented person, at 512x512 and walking through 1080p."""

import math
from collections.abc import Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import av
import numpy as np
from PIL import Image

from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import clip_frames, record, show, write_video
from multimodal.synthetic.plan import plan_clips

FRAME_RATE = 25
WIDTH, HEIGHT = 1920, 1080
_GRAIN_PATTERNS = 16


def write_square(path: Path, seconds: float) -> Path:
    """A talking head that fills 512x512, as FakeAVCeleb's and others' cropped videos are."""
    frames, sound = _talking(512, seconds)
    write_video(path, frames, frame_rate=FRAME_RATE, crf=23, sound=sound)
    return path


def write_full_hd(path: Path, seconds: float) -> Path:
    """The head walks to and fro in a textured room at 1920x1080 with the grain of a camera.

    The grain matters: without it x264 leaves out most of each picture, and decoding, the floor of the benchmark,
    is cheaper than that of any recording.
    """
    frames, sound = _talking(480, min(seconds, 8.0))
    count = round(seconds * FRAME_RATE)
    repeats = -(-count // (len(sound) * FRAME_RATE // 44_100))
    walk = _walk(list(frames), count)
    write_video(path, walk, frame_rate=FRAME_RATE, crf=23, sound=np.tile(sound, repeats)[: count * 44_100 // 25])
    return path


def write_repeated(path: Path, whole: Path, seconds: float) -> Path:
    """A clip over and over, its packets copied, until it lasts so long."""
    with av.open(str(whole)) as once, av.open(str(path), "w") as target:
        streams = [target.add_stream_from_template(stream) for stream in once.streams]
        lasts = once.duration / av.time_base + 2 / FRAME_RATE  # the sound is a little longer than the picture
        for number in range(math.ceil(seconds / lasts)):
            once.seek(0)
            for packet in once.demux():
                if packet.size:
                    shift = round(number * lasts / packet.time_base)
                    packet.stream, packet.pts = streams[packet.stream.index], packet.pts + shift
                    packet.dts += shift
                    target.mux(packet)
    return path


def _talking(side: int, seconds: float) -> tuple[Iterator[np.ndarray], np.ndarray]:
    options = SyntheticOptions(clip_seconds=seconds, clip_seconds_spread=0.0, frame_size=side)
    clip = next(clip for clip in plan_clips(options) if clip.method == "real")
    sound = record(clip, clip.take, options, clip_frames(clip.take, options))
    return show(clip, options, filmed_sound=sound, sound=sound), sound


def _walk(heads: list[np.ndarray], count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 190, (HEIGHT // 24, WIDTH // 24, 3), dtype=np.uint8)
    room = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.int16)
    grain = [rng.normal(0, 3, (HEIGHT, WIDTH, 1)).astype(np.int16) for _ in range(_GRAIN_PATTERNS)]
    there_and_back = islice(chain.from_iterable(repeat([*heads, *heads[::-1]])), count)
    side = heads[0].shape[0]
    for number, head in enumerate(there_and_back):
        left = round((WIDTH - side) * (0.5 - 0.45 * np.cos(2 * np.pi * number / FRAME_RATE / 8)))
        top = round((HEIGHT - side) * (0.5 + 0.1 * np.sin(2 * np.pi * number / FRAME_RATE / 3)))
        picture = room.copy()
        picture[top : top + side, left : left + side] = head
        yield np.clip(picture + grain[number % _GRAIN_PATTERNS], 0, 255).astype(np.uint8)
