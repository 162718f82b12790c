"""KoDF: Korean actors and five forgeries, each with its code in the file's name; fsgan's files have no sound."""

from typing import NamedTuple

from multimodal.synthetic.layouts.planned import Layout, LayoutOptions, Sound, Take, Tree, VideoFile, word

#: Method → code in file names.
_CODES = {"dfl": 1, "dffs": 2, "fsgan": 3, "fo": 4, "audio-driven": 5}
_SELF_DRIVEN = ("fo", "audio-driven")
_HEXADECIMAL = "0123456789abcdef"
_FRAME_RATE = 30


class _Actor(NamedTuple):
    name: str
    person: str


def plan(options: LayoutOptions) -> Tree:
    """``clips`` recordings of each actor, and one of them forged by each method."""
    actors = [_actor(options, index) for index in range(options.identities)]
    videos = []
    for index, target in enumerate(actors):
        for number in range(options.clips):
            take = Take(target.person, number)
            path = f"original_videos/{target.name}/{target.name}_{number + 1:03d}.mp4"
            videos.append(VideoFile(path=path, take=take, sound=Sound(take), frame_rate=_FRAME_RATE))
        for method, code in _CODES.items():
            is_self_driven = method in _SELF_DRIVEN and index % 2 == 0
            source = target if is_self_driven else actors[(index + code) % len(actors)]
            videos.append(_fake(method, target, source, index))
    return Tree(files=[*videos])


def _actor(options: LayoutOptions, index: int) -> _Actor:
    """Called by 20 hexadecimal digits, or by 5 or 6 decimal ones."""
    alphabet, length = (_HEXADECIMAL, 20) if index % 2 else (_HEXADECIMAL[:10], 6 - index // 2 % 2)
    return _Actor(word(options.seed, "kodf", index, alphabet=alphabet, length=length), f"kodf/{index}")


def _fake(method: str, target: _Actor, source: _Actor, index: int) -> VideoFile:
    folder = f"synthesized_videos/{method}/202007{13 + index % 10:02d}/{target.name}"
    take, driver = Take(target.person), Sound(Take(source.person, 50))
    is_reenactment = method in _SELF_DRIVEN
    heard = driver if method == "audio-driven" else Sound(take)
    return VideoFile(
        path=f"{folder}/{target.name}_{source.name}_{_CODES[method]}_{index + 1:04d}.mp4",
        take=take,
        sound=None if method == "fsgan" else heard,
        face=None if is_reenactment else source.person,
        swap="fsgan" if method == "fsgan" else "faceswap",
        lips=driver if is_reenactment else None,
        frame_rate=_FRAME_RATE,
    )


LAYOUT = Layout(
    name="kodf",
    variants={"release": plan},
)
