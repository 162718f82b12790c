"""AV-Deepfake1M: VoxCeleb2-like folders with a genuine clip and up to three forgeries; a flat test set.

Paths in the metadata are relative to the folder of the split.
"""

import json
from typing import Any

from multimodal.synthetic.layouts import planned
from multimodal.synthetic.layouts.lavdf import forged_period

_SAMPLE_RATE = 16_000
#: File name → modify_type.
_TYPES = {
    "real": "real",
    "fake_video_real_audio": "visual_modified",
    "real_video_fake_audio": "audio_modified",
    "fake_video_fake_audio": "both_modified",
}
_AUDIO_MODELS = ("vits", "yourtts")
_TEST_CLIPS = 3


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """All but the last speaker in train, the last in val; a few unlabelled clips in test."""
    files: list[planned.File] = []
    for split, indices in _speakers(options).items():
        entries = []
        for index in indices:
            for number in range(options.clips):
                for name, modify_type in _TYPES.items():
                    video, entry = _clip(options, split, index, number, name, modify_type)
                    files += [video, _own_metadata(split, entry)]
                    entries.append(entry)
        files.append(planned.TextFile(path=f"{split}_metadata.json", text=json.dumps(entries)))
    names = [f"{number:06d}.mp4" for number in range(_TEST_CLIPS)]
    for number, name in enumerate(names):
        take = planned.Take("av1m test", number)
        lips = planned.Sound(planned.Take("av1m test", 100), "vits", "av1m test") if number % 2 else None
        files.append(_video(f"test/{name}", take, lips=lips))
    return planned.Tree(files=[*files, planned.TextFile(path="test_files.txt", text=planned.lines_text(names))])


def _speakers(options: planned.LayoutOptions) -> dict[str, range]:
    return {"train": range(options.identities - 1), "val": range(options.identities - 1, options.identities)}


def _clip(
    options: planned.LayoutOptions, split: str, index: int, number: int, name: str, modify_type: str
) -> tuple[planned.VideoFile, dict[str, Any]]:
    person = planned.voxceleb2_id(index, in_fakeavceleb=True)
    folder = f"{person}/{planned.address(options.seed, 'av1m', person, number)}/{number + 1:05d}"
    take, file = planned.Take(person, 200 + number), f"{folder}/{name}.mp4"
    model = _AUDIO_MODELS[index % len(_AUDIO_MODELS)]
    other = planned.Sound(take._replace(number=take.number + 1000), model, person)
    is_visual = modify_type in ("visual_modified", "both_modified")
    is_audio = modify_type in ("audio_modified", "both_modified")
    plain = _video(f"{split}/{file}", take)
    frames = planned.num_frames(options, plain)
    period = forged_period(options, file, frames / planned.FRAME_RATE)
    video = plain
    if modify_type != "real":
        sound, lips = (other if is_audio else planned.Sound(take)), (other if is_visual else None)
        video = _video(f"{split}/{file}", take, sound=sound, lips=lips, period=period)
    entry = {
        "file": file,
        "original": None if modify_type == "real" else f"{folder}/real.mp4",
        "split": split,
        "modify_type": modify_type,
        "audio_model": model if is_audio else None,
        "fake_segments": [list(period)] if is_visual or is_audio else [],
        "audio_fake_segments": [list(period)] if is_audio else [],
        "visual_fake_segments": [list(period)] if is_visual else [],
        "video_frames": frames,
        "audio_frames": round(frames / planned.FRAME_RATE * _SAMPLE_RATE),
    }
    return video, entry


def _own_metadata(split: str, entry: dict[str, Any]) -> planned.TextFile:
    path = f"{split}_metadata/{entry['file'].removesuffix('.mp4')}.json"
    return planned.TextFile(path=path, text=json.dumps(entry))


def _video(
    path: str,
    take: planned.Take,
    *,
    sound: planned.Sound | None = None,
    lips: planned.Sound | None = None,
    period: tuple[float, float] | None = None,
) -> planned.VideoFile:
    heard = sound or planned.Sound(take)
    return planned.VideoFile(path=path, take=take, sound=heard, lips=lips, period=period, sample_rate=_SAMPLE_RATE)


LAYOUT = planned.Layout(
    name="avdeepfake1m",
    variants={"full": plan},
    most_people=planned.MOST_VOXCELEB2_IDS,
)
