"""DeeperForensics-1.0: actors' faces swapped onto FaceForensics++ originals, lists, and the actors' recordings.

The originals themselves are not part of it: they are those of the generated FaceForensics++ with the same
options. Four of the eleven variants are written; the distorted ones are compressed harder.
"""

from multimodal.synthetic.layouts import planned
from multimodal.synthetic.layouts.faceforensics import originals_of

#: Variant → x264's rate factor.
_VARIANTS = {
    "end_to_end": planned.CRF,
    "end_to_end_level_3": 32,
    "end_to_end_mix_2_distortions": 36,
    "reenact_postprocess": planned.CRF,
}
_FRAME_RATE = 30


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """Every original with one actor's face; splits go by actor."""
    actors = _actors(options)
    files: list[planned.File] = []
    splits: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for index, original in enumerate(originals_of(options)):
        actor = actors[index % len(actors)]
        splits[planned.split_of(actors.index(actor))].append(f"{original.number}_{actor}.mp4")
        for variant, crf in _VARIANTS.items():
            video = planned.VideoFile(
                path=f"manipulated_videos/{variant}/{original.number}_{actor}.mp4",
                take=original.take,
                face=actor,
                swap="fsgan" if variant == "reenact_postprocess" else "faceswap",
                frame_rate=_FRAME_RATE,
                crf=crf,
            )
            files.append(video)
    files += [_source(actor) for actor in actors]
    return planned.Tree(files=[*files, *_lists(files, splits)])


def _actors(options: planned.LayoutOptions) -> list[str]:
    """M004 and the like; the letter is M or W, the first digit 0 or 1."""
    names = []
    for index in range(options.identities):
        number = f"{index % 2}{index + 4:02d}"
        names.append(f"{'W' if planned.group_of(options.seed, f'M{number}')[1] == 'women' else 'M'}{number}")
    return names


def _source(actor: str) -> planned.VideoFile:
    name = f"{actor}_light_uniform_neutral_camera_front"
    path = f"source_videos/{actor}/light_uniform/neutral/camera_front/{name}.mp4"
    return planned.VideoFile(path=path, take=planned.Take(actor), frame_rate=_FRAME_RATE)


def _lists(videos: list[planned.File], splits: dict[str, list[str]]) -> list[planned.File]:
    lists: list[planned.File] = [
        planned.TextFile(path=f"lists/splits/{split}.txt", text=planned.lines_text(names))
        for split, names in splits.items()
    ]
    for variant in _VARIANTS:
        listed = [video.path for video in videos if video.path.startswith(f"manipulated_videos/{variant}/")]
        path = f"lists/manipulated_videos_lists/manipulated_videos_{variant}_list.txt"
        lists.append(planned.TextFile(path=path, text=planned.lines_text(listed)))
    return lists


LAYOUT = planned.Layout(
    name="deeperforensics",
    variants={"release": plan},
)
