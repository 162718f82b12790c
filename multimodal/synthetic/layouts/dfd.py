"""DFD: paid actors in scenes, inside the FaceForensics++ tree (official) or in two folders (Kaggle).

Real ACTOR__scene.mp4, fake TARGET_SOURCE__scene__EXPERIMENT.mp4. One pair and scene has two experiments.
"""

from pathlib import Path

from multimodal.synthetic.layouts import planned

SCENES = (
    "exit_phone_room",
    "kitchen_pan",
    "walking_outside_cafe_disgusted",
    "talking_against_wall",
    "walk_down_hall_angry",
    "podium_speech_happy",
    "secret_conversation",
    "outside_talking_pan_laughing",
)
_FRAME_RATE = 24


def real_videos(options: planned.LayoutOptions, folder: str) -> list[planned.VideoFile]:
    """Every actor in every scene; ``clips`` is how many scenes there are, at most eight."""
    return [
        planned.VideoFile(path=f"{folder}/{actor}__{scene}.mp4", take=_take(actor, scene), frame_rate=_FRAME_RATE)
        for actor in _actors(options)
        for scene in SCENES[: options.clips]
    ]


def fake_videos(options: planned.LayoutOptions, folder: str) -> list[planned.VideoFile]:
    """Each real video with the face of one other actor; the first of them twice."""
    actors = _actors(options)
    fakes = [
        _fake(options, folder, target, actors[(index + 1 + number) % len(actors)], scene, 0)
        for index, target in enumerate(actors)
        for number, scene in enumerate(SCENES[: options.clips])
        if actors[(index + 1 + number) % len(actors)] != target
    ]
    return [_fake(options, folder, actors[0], actors[1], SCENES[0], 1), *fakes]


def official(options: planned.LayoutOptions) -> planned.Tree:
    """As the FaceForensics++ script downloads it."""
    manipulated = "manipulated_sequences/DeepFakeDetection"
    fakes = fake_videos(options, f"{manipulated}/c23/videos")
    mask = planned.MaskFile(path=f"{manipulated}/masks/videos/{Path(fakes[0].path).name}", of=fakes[0])
    return planned.Tree(files=[*real_videos(options, "original_sequences/actors/c23/videos"), *fakes, mask])


def beside_faceforensics(options: planned.LayoutOptions) -> planned.Tree:
    """The same, where an original and a fake of FaceForensics++ itself were downloaded into the same folders."""
    neighbour = planned.Take("ffpp/033")
    original = planned.VideoFile(path="original_sequences/youtube/c23/videos/033.mp4", take=neighbour)
    fake_path = "manipulated_sequences/Deepfakes/c23/videos/033_097.mp4"
    fake = planned.VideoFile(path=fake_path, take=neighbour, face="ffpp/097")
    return planned.Tree(files=[*official(options).files, original, fake])


def kaggle(options: planned.LayoutOptions) -> planned.Tree:
    """Two folders, one with a space in its name and one doubled."""
    doubled = "DFD_manipulated_sequences/DFD_manipulated_sequences"
    return planned.Tree(files=[*real_videos(options, "DFD_original sequences"), *fake_videos(options, doubled)])


def _actors(options: planned.LayoutOptions) -> list[str]:
    return [f"{number:02d}" for number in range(1, options.identities + 1)]


def _take(actor: str, scene: str) -> planned.Take:
    return planned.Take(f"dfd/{actor}", SCENES.index(scene))


def _fake(
    options: planned.LayoutOptions, folder: str, target: str, source: str, scene: str, experiment: int
) -> planned.VideoFile:
    key = planned.word(
        options.seed, "dfd", target, source, scene, experiment, alphabet=planned.CAPITALS_AND_DIGITS, length=8
    )
    return planned.VideoFile(
        path=f"{folder}/{target}_{source}__{scene}__{key}.mp4",
        take=_take(target, scene),
        face=f"dfd/{source}",
        frame_rate=_FRAME_RATE,
    )


LAYOUT = planned.Layout(
    name="dfd",
    variants={"official": official, "beside_faceforensics": beside_faceforensics, "kaggle": kaggle},
)
