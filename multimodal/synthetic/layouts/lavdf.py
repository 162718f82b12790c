"""LAV-DF: short forged periods in longer clips; labels follow from modify_video and modify_audio."""

import json
from typing import Any

from multimodal.synthetic.layouts import planned
from multimodal.synthetic.randomness import keyed_generator

_SAMPLE_RATE = 16_000
#: modify_video, modify_audio.
_FORGERIES = ((True, True), (True, False), (False, True))
_SPLITS = ("train", "dev", "test")
_MINIMAL_FIELDS = (
    "file",
    "n_fakes",
    "fake_periods",
    "duration",
    "original",
    "modify_video",
    "modify_audio",
    "split",
    "video_frames",
    "audio_channels",
    "audio_frames",
)


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """Every clip genuine and forged in three ways; speakers are disjoint across splits and named nowhere."""
    videos: list[planned.VideoFile] = []
    entries: list[dict[str, Any]] = []
    for index in range(options.identities):
        split, person = planned.split_of(index, names=_SPLITS), planned.voxceleb2_id(index, in_fakeavceleb=True)
        for number in range(options.clips):
            take = planned.Take(person, 100 + number)
            original = f"{split}/{len(videos):06d}.mp4"
            videos.append(_video(original, take))
            entries.append(_entry(options, videos[-1], None, (False, False)))
            for forgery in _FORGERIES:
                path = f"{split}/{len(videos):06d}.mp4"
                videos.append(_forged(options, path, take, *forgery))
                entries.append(_entry(options, videos[-1], original, forgery))
    minimal = [{name: entry[name] for name in _MINIMAL_FIELDS} for entry in entries]
    files: list[planned.File] = [
        *videos,
        planned.TextFile(path="metadata.json", text=json.dumps(entries)),
        planned.TextFile(path="metadata.min.json", text=json.dumps(minimal)),
    ]
    return planned.Tree(files=files)


def forged_period(options: planned.LayoutOptions, path: str, seconds: float) -> tuple[float, float]:
    """Start and end of a forged stretch, anywhere between a tenth and nine tenths of the clip."""
    generator = keyed_generator(options.seed, "period", path)
    length = min(float(generator.uniform(*options.forged_seconds)), seconds / 2)
    start = float(generator.uniform(seconds / 10, seconds * 9 / 10 - length))
    return round(start, 2), round(start + length, 2)


def _video(path: str, take: planned.Take) -> planned.VideoFile:
    return planned.VideoFile(path=path, take=take, sound=planned.Sound(take), sample_rate=_SAMPLE_RATE)


def _forged(
    options: planned.LayoutOptions, path: str, take: planned.Take, modify_video: bool, modify_audio: bool
) -> planned.VideoFile:
    other = planned.Sound(take._replace(number=take.number + 1000), "sv2tts", take.person)
    return planned.VideoFile(
        path=path,
        take=take,
        sound=other if modify_audio else planned.Sound(take),
        lips=other if modify_video else None,
        period=forged_period(options, path, planned.num_frames(options, _video(path, take)) / planned.FRAME_RATE),
        sample_rate=_SAMPLE_RATE,
    )


def _entry(
    options: planned.LayoutOptions, video: planned.VideoFile, original: str | None, forgery: tuple[bool, bool]
) -> dict[str, Any]:
    frames = planned.num_frames(options, video)
    periods = [list(video.period)] if video.period else []
    return {
        "file": video.path,
        "n_fakes": len(periods),
        "fake_periods": periods,
        "timestamps": [["nothing", 0.0, frames / planned.FRAME_RATE]],
        "duration": frames / planned.FRAME_RATE,
        "transcript": "nothing",
        "original": original,
        "modify_video": forgery[0],
        "modify_audio": forgery[1],
        "split": video.path.partition("/")[0],
        "video_frames": frames,
        "audio_channels": 2,
        "audio_frames": round(frames / planned.FRAME_RATE * _SAMPLE_RATE),
    }


LAYOUT = planned.Layout(
    name="lavdf",
    variants={"full": plan},
    most_people=planned.MOST_VOXCELEB2_IDS,
)
