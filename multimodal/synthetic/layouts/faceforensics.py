"""FaceForensics++: the official tree (c23, masks, split JSONs) and the Kaggle C23 tree (CSVs, some of DFD).

Originals are NNN.mp4, fakes TARGET_SOURCE.mp4; no file has sound. Two originals, one of train and one of val,
come from one YouTube video, as some of the real corpus do. Masks are written for the first fake of a method.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from multimodal.synthetic.layouts import dfd, planned
from multimodal.synthetic.randomness import keyed_generator

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
_REENACTMENTS = ("Face2Face", "NeuralTextures")
_WITHOUT_MASKS = ("FaceShifter",)
_FRAME_RATE = 30
_FEWEST_PAIRS = 3
_HEADER = ("", "File Path", "Label", "Frame Count", "Width", "Height", "Codec", "File Size(MB)")


class Original(NamedTuple):
    """One original sequence: its number, who is filmed, and from which YouTube video, as which clip of it."""

    number: str
    take: planned.Take
    video: str
    position: int


class Pair(NamedTuple):
    """Two originals that are swapped with each other, and the split of both."""

    split: str
    first: Original
    second: Original


def pairs_of(options: planned.LayoutOptions) -> list[Pair]:
    """The pairs of originals; their numbers are drawn, so that no list of pairs is sorted."""
    count = max(_FEWEST_PAIRS, options.recordings // 2)
    drawn = planned.numbers(options.seed, "faceforensics", count=2 * count, below=1000)
    pairs = [
        Pair(
            planned.split_of(index), _original(options, drawn[2 * index]), _original(options, drawn[2 * index + 1])
        )
        for index in range(count)
    ]
    earlier, later = sorted((pairs[0].first, pairs[1].first))
    again = later._replace(take=planned.Take(earlier.take.person, 1), video=earlier.video, position=1)
    return [pair._replace(first=again) if pair.first == later else pair for pair in pairs]


def originals_of(options: planned.LayoutOptions) -> list[Original]:
    """All originals by number."""
    return sorted(original for pair in pairs_of(options) for original in (pair.first, pair.second))


def original_videos(options: planned.LayoutOptions, folder: str) -> list[planned.VideoFile]:
    """The originals' files."""
    return [
        planned.VideoFile(path=f"{folder}/{original.number}.mp4", take=original.take, frame_rate=_FRAME_RATE)
        for original in originals_of(options)
    ]


def fake_videos(options: planned.LayoutOptions, method: str, folder: str) -> list[planned.VideoFile]:
    """The fakes of one method: both directions of every pair."""
    videos = []
    for pair in pairs_of(options):
        for target, source in ((pair.first, pair.second), (pair.second, pair.first)):
            video = planned.VideoFile(
                path=f"{folder}/{target.number}_{source.number}.mp4",
                take=target.take,
                face=None if method in _REENACTMENTS else source.take.person,
                swap="fsgan" if method == "FaceShifter" else "faceswap",
                lips=planned.Sound(source.take) if method in _REENACTMENTS else None,
                frame_rate=_FRAME_RATE,
            )
            videos.append(video)
    return videos


def official(options: planned.LayoutOptions) -> planned.Tree:
    """The tree that the download script writes, with the lists of the repository beside it."""
    files: list[planned.File] = [*original_videos(options, "original_sequences/youtube/c23/videos")]
    for method in METHODS:
        videos = fake_videos(options, method, f"manipulated_sequences/{method}/c23/videos")
        files += videos
        if method not in _WITHOUT_MASKS:
            name = Path(videos[0].path).name
            files.append(
                planned.MaskFile(path=f"manipulated_sequences/{method}/masks/videos/{name}", of=videos[0])
            )
    return planned.Tree(files=[*files, *_lists(options)])


def kaggle(options: planned.LayoutOptions) -> planned.Tree:
    """The Kaggle C23 tree: flat folders, half of DFD's fakes without their originals, CSVs of metadata."""
    folders = {"original": original_videos(options, "original")}
    folders |= {method: fake_videos(options, method, method) for method in METHODS}
    dfd_fakes = dfd.fake_videos(options, "DeepFakeDetection")
    folders["DeepFakeDetection"] = dfd_fakes[: max(1, len(dfd_fakes) // 2)]
    files: list[planned.File] = [video for videos in folders.values() for video in videos]
    for folder, videos in folders.items():
        files.append(planned.LateTextFile(path=f"csv/{folder}.csv", write=partial(_table, options, videos)))
    videos = [video for videos in folders.values() for video in videos]
    shuffled = [videos[index] for index in keyed_generator(options.seed, "csv").permutation(len(videos))]
    return planned.Tree(
        files=[
            *files,
            planned.LateTextFile(path="csv/FF++_Metadata.csv", write=partial(_table, options, videos)),
            planned.LateTextFile(path="csv/FF++_Metadata_Shuffled.csv", write=partial(_table, options, shuffled)),
            planned.TextFile(path="csv/Mean_Data.csv", text=_means(options, folders)),
        ]
    )


def _original(options: planned.LayoutOptions, number: int) -> Original:
    name = f"{number:03d}"
    return Original(name, planned.Take(f"ffpp/{name}"), planned.address(options.seed, "faceforensics", name), 0)


def _lists(options: planned.LayoutOptions) -> Iterator[planned.TextFile]:
    pairs = pairs_of(options)
    for split in ("train", "val", "test"):
        listed = [[pair.first.number, pair.second.number] for pair in pairs if pair.split == split]
        yield planned.TextFile(path=f"dataset/splits/{split}.json", text=planned.json_text(listed))
    origin = {original.number: f"{original.video} {original.position}" for original in originals_of(options)}
    yield planned.TextFile(path="dataset/conversion_dict.json", text=planned.json_text(origin))


def _table(options: planned.LayoutOptions, videos: list[planned.VideoFile], root: Path) -> str:
    rows = [
        (
            index,
            video.path,
            _label(video),
            planned.num_frames(options, video),
            options.frame_size,
            options.frame_size,
            "h264",
            round((root / video.path).stat().st_size / 2**20, 4),
        )
        for index, video in enumerate(videos)
    ]
    return planned.csv_text([_HEADER, *rows])


def _means(options: planned.LayoutOptions, folders: dict[str, list[planned.VideoFile]]) -> str:
    means = [
        (name, round(sum(planned.num_frames(options, video) for video in videos) / len(videos), 2))
        for name, videos in folders.items()
    ]
    return planned.csv_text([("Folder", "Mean Frame Count"), *means])


def _label(video: planned.VideoFile) -> str:
    return "REAL" if video.path.startswith("original/") else "FAKE"


LAYOUT = planned.Layout(
    name="faceforensics",
    variants={"official": official, "kaggle": kaggle},
)
