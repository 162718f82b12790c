"""FaceForensics++: 1,000 news and interview videos of YouTube, each forged with four or five methods.

Two trees are read: the authors' download (``original_sequences/youtube/c23/videos/000.mp4``,
``manipulated_sequences/Deepfakes/c23/videos/000_003.mp4``) and Kaggle's C23 copy, which has a folder a method
(``original/000.mp4``, ``Deepfakes/000_003.mp4``). In either a folder of frames (``c23/frames/000/000.png``,
``Deepfakes/000_003/0.jpg``) may stand in the place of a video. Whatever is easily got wrong here:

* A fake ``000_003`` shows the body and background of 000 (its genuine clip is ``000.mp4``) with the face, or in
  Face2Face and NeuralTextures the expression, of 003. Sequences swap in pairs, so the pair is the smallest unit
  that can be split off.
* The **official split is a list of pairs** and the names say nothing of it: see
  :mod:`~multimodal.corpora.faceforensics.splits`. The Kaggle copy comes without it.
* The official split is not clean: 1,000 sequences come from 977 videos, and seven videos are cut into sequences
  of two parts. ``strict=true`` takes the second of each out of the official split.
* **No sound.** ``audio_fake`` is null; sound fetched again from YouTube would be that of the body and genuine.
* The download has masks of the forgery as videos, and may hold several compressions of each video.
* **``DeepFakeDetection`` in Kaggle's copy is not FaceForensics++** but a third of DFD's fakes, 1920x1080 without
  its genuine clips: beside YouTube's smaller originals a model learns the size. They are left out unless
  ``include_dfd=true``; then they carry a flag, the identities of DFD and no split. DFD in the authors' download is
  read as the corpus ``dfd``.
* FaceShifter was added later; in papers "FF++" means the other four methods. One genuine clip to four or five
  fakes.
* Labels come from folders; the CSV files of the Kaggle copy are not needed.

Identities are sequences (``ffpp:000``), as in DeeperForensics-1.0, whose targets these are; nobody has published
who the people are.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.faceforensics.splits import OfficialSplits, find_splits
from multimodal.corpora.faceforensics.tree import Video, actor_clip, fake_by_actor_name, folders_in, walk_videos
from multimodal.corpora.file_names import COPY, NAME_UNPARSED, NameCheck, stem_of, warn_of_unparsed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.people import with_closed_groups

NAMESPACE = "ffpp"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
#: Sequences cut from one YouTube video that stand in two parts of the official split.
SHARED_VIDEOS = (
    ("605", "606"),
    ("639", "640"),
    ("755", "756"),
    ("837", "838"),
    ("875", "876"),
    ("954", "955"),
    ("982", "983"),
)
#: Flag of clips with the second sequence of such a video.
SHARED_VIDEO = "video_in_two_splits"
#: Flag of clips that belong to DFD.
DFD_SUBSET = "dfd_subset"

_ORIGINAL = re.compile(r"(\d{3})")
_FAKE = re.compile(r"(\d{3})_(\d{3})")
_REAL, _DFD = "real", "DeepFakeDetection"
_SECOND = frozenset(second for _, second in SHARED_VIDEOS)


class Context(NamedTuple):
    """What the clips of one scan share: the official split, the genuine clips by number, and the options."""

    splits: OfficialSplits
    reals: dict[str, str]
    is_strict: bool


def read_clips(
    root: Path,
    report: ScanReport,
    *,
    splits: str = "",
    compression: str = "",
    strict: str = "",
    include_dfd: str = "",
) -> Iterator[Clip]:
    """Every video of the originals and the five methods, with the label of its folder."""
    folders = _find_folders(root, report)
    is_strict, has_dfd = _is_true("strict", strict), _is_true("include_dfd", include_dfd)
    videos, dfd_videos = [], []
    check = NameCheck("000 is an original, 000_003 is a fake")
    for video in walk_videos(root, folders, report, fake_by_name=_named_as, compression=compression):
        method = folders[video.folder]
        if method == _DFD:
            dfd_videos.append(video)
        elif check.accepts(video.path, int(method != _REAL), _fake_by_name(video.path), report):
            videos.append(video)
    check.conclude(report)
    reals = {
        stem_of(video.path).text: video.path
        for video in videos
        if folders[video.folder] == _REAL and not stem_of(video.path).is_copy
    }
    context = Context(find_splits(root, splits, report), reals, is_strict)
    clips = [_clip(video, folders[video.folder], context) for video in videos]
    clips += _dfd_clips(dfd_videos, has_dfd, report)
    warn_of_unparsed(clips, report)
    ties = [(f"{NAMESPACE}:{one}", f"{NAMESPACE}:{other}") for one, other in SHARED_VIDEOS]
    yield from with_closed_groups(clips, ties)


def _find_folders(root: Path, report: ScanReport) -> dict[str, str]:
    """Folder → method, "real" for the originals."""
    names = {method.lower(): method for method in METHODS}
    fakes = folders_in(root, "manipulated_sequences")
    found = {}
    if fakes:
        originals = folders_in(root, "original_sequences")
        found = {path: _REAL for path in originals if path.lower().endswith("/youtube")}
    else:
        fakes = folders_in(root)
        names |= {"original": _REAL, _DFD.lower(): _DFD}
    for path in fakes:
        name = path.rpartition("/")[2].lower()
        if name in names:
            found[path] = names[name]
        elif name == _DFD.lower():
            report.note(f"{path} is another corpus beside this one: scan dfd")
    for method in METHODS:
        if method not in found.values():
            report.warn(f"folder {method} is missing under {root}")
    if _REAL not in found.values():
        report.warn(f"no originals under {root}: there is nothing genuine to tell the fakes from")
    return found


def _fake_by_name(path: str) -> int | None:
    stem = stem_of(path).text
    return 1 if _FAKE.fullmatch(stem) else 0 if _ORIGINAL.fullmatch(stem) else None


def _named_as(path: str) -> int | None:
    """1 or 0 where a name is that of a fake or of an original, of DFD too."""
    return fake_by_actor_name(path) if _fake_by_name(path) is None else _fake_by_name(path)


def _clip(video: Video, method: str, context: Context) -> Clip:
    is_fake, stem = method != _REAL, stem_of(video.path)
    found = (_FAKE if is_fake else _ORIGINAL).fullmatch(stem.text)
    numbers = found.groups() if found else ()
    flags = [COPY] if stem.is_copy else []
    if not numbers:
        flags.append(NAME_UNPARSED)
    source_clip = context.reals.get(numbers[0]) if is_fake and numbers else None
    if is_fake and numbers and source_clip is None:
        flags.append("pair_missing")
    if has_shared_video := not _SECOND.isdisjoint(numbers):
        flags.append(SHARED_VIDEO)
    people = tuple(f"{NAMESPACE}:{number}" for number in numbers)
    return Clip(
        path=video.path,
        media="video",
        video_fake=int(is_fake),
        audio_fake=None,
        method=method,
        size_bytes=video.size_bytes,
        identity=people[0] if people else None,
        donors=people[1:],
        source_clip=source_clip,
        official_split=None if has_shared_video and context.is_strict else _split_of(numbers, context.splits),
        flags=tuple(flags),
    )


def _split_of(numbers: tuple[str, ...], splits: OfficialSplits) -> str | None:
    if not numbers:
        return None
    return splits.of_original(*numbers) if len(numbers) == 1 else splits.of_fake(*numbers)


def _dfd_clips(videos: list[Video], is_included: bool, report: ScanReport) -> list[Clip]:
    clips = []
    for video in videos:
        if not is_included:
            report.skip(
                "a part of DFD and not of FaceForensics++; --options include_dfd true reads it", video.path
            )
        elif fake_by_actor_name(video.path) == 0:
            report.skip("its name contradicts its folder, so its label is not certain", video.path)
        else:
            clip = actor_clip(video.path, video.size_bytes, is_fake=True, reals={})
            flags = [flag for flag in clip.flags if flag != "pair_missing"]
            clips.append(clip._replace(flags=(*flags, DFD_SUBSET)))
    return clips


def _is_true(name: str, value: str) -> bool:
    if value.lower() not in ("", "true", "false"):
        raise ValueError(f"{name} must be true or false; got {value!r}")
    return value.lower() == "true"


CORPUS = Corpus(
    name="faceforensics",
    title="FaceForensics++",
    summary="1,000 genuine videos of YouTube and 5,000 forged from them with five methods; no sound",
    licence="FaceForensics terms of use, research only; the Kaggle copies are not the authors'",
    request_url="https://github.com/ondyari/FaceForensics",
    markers=(
        ("original_sequences/youtube/", "manipulated_sequences/"),
        ("original/", "Deepfakes/", "Face2Face/"),
        *((f"manipulated_sequences/{method}/",) for method in METHODS),
        *((f"{method}/[0-9]*_[0-9]*.mp4",) for method in METHODS),
        *((f"{method}/[0-9]*_[0-9]*/",) for method in METHODS),
    ),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"method": dict.fromkeys((_REAL, *METHODS), 1_000)},
    official_split="360, 70 and 70 pairs of sequences, in train.json, val.json and test.json of the repository",
    options={
        "splits": "folder with the official train.json, val.json, test.json (default: looked for beside the data)",
        "compression": "raw, c23 or c40, where several are on disk (default c23)",
        "strict": "true takes the sequences whose video stands in two parts out of the official split",
        "include_dfd": "true also reads DeepFakeDetection of the Kaggle copy, flagged and in no split",
    },
)
