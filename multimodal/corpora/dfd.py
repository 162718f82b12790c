"""DFD, the DeepFakeDetection corpus of Google and Jigsaw: 28 paid actors in 16 scenes, faces swapped among them.

It comes with the FaceForensics++ download (``original_sequences/actors`` and
``manipulated_sequences/DeepFakeDetection``) and, on Kaggle, as ``DFD_original sequences`` (with a blank) and
``DFD_manipulated_sequences/DFD_manipulated_sequences`` (doubled). Whatever is easily got wrong here:

* **It is not DFDC**, the Deepfake Detection Challenge, which is another corpus.
* Labels come from the folder. The download holds masks of the forgery as videos; those are left out.
* The 1,000 fakes in ``DeepFakeDetection`` of Kaggle's FaceForensics++ are some of these. Their identities are the
  same here and there (``dfd:01``), so that the overlap is found.
* There is no official split, and copies of DeepfakeBench put every clip into all three parts. Actors lend their
  faces to each other: use ``donor_disjoint``, which divides the 28 actors and keeps a fake only if both of its
  actors are on the same side.
* 1 genuine clip to 8.5 fakes. No sound that could be judged: ``audio_fake`` is unknown throughout.
* Copies differ in number by one clip or so; names that follow no grammar are listed, and copies that Windows made
  (``name (1).mp4``) are flagged.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.faceforensics.tree import (
    NAMESPACE,
    actor_clip,
    fake_by_actor_name,
    folders_in,
    parse_actor_name,
    walk_videos,
)
from multimodal.corpora.file_names import NameCheck, stem_of, warn_of_unparsed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.people import with_closed_groups

#: Whether a folder holds fakes: (folder above, pattern of its name) in the two trees.
_PLACES = {
    False: (("original_sequences", "actors"), ("", "dfd_original?sequences")),
    True: (("manipulated_sequences", "deepfakedetection"), ("", "dfd_manipulated?sequences")),
}


def read_clips(root: Path, report: ScanReport, *, compression: str = "") -> Iterator[Clip]:
    """Every video of the actors, with the label of its folder."""
    folders = {folder: is_fake for is_fake in _PLACES for folder in _folders(root, is_fake)}
    reals: dict[tuple[str, str], str] = {}
    videos = []
    check = NameCheck("01__scene is genuine, 01_02__scene__ABCD1234 is fake")
    for video in walk_videos(root, folders, report, fake_by_name=fake_by_actor_name, compression=compression):
        is_fake = folders[video.folder]
        if not check.accepts(video.path, int(is_fake), fake_by_actor_name(video.path), report):
            continue
        videos.append((video, is_fake))
        stem = stem_of(video.path)
        name = parse_actor_name(stem.text)
        if name and not is_fake and not stem.is_copy:
            reals[name.target, name.scene] = video.path
    check.conclude(report)
    clips = [actor_clip(video.path, video.size_bytes, is_fake=is_fake, reals=reals) for video, is_fake in videos]
    warn_of_unparsed(clips, report)
    yield from with_closed_groups(clips)


def _folders(root: Path, is_fake: bool) -> list[str]:
    return [
        folder
        for parent, pattern in _PLACES[is_fake]
        for folder in folders_in(root, parent)
        if fnmatchcase(folder.rpartition("/")[2].lower(), pattern)
    ]


CORPUS = Corpus(
    name="dfd",
    title="DFD (DeepFakeDetection of Google and Jigsaw)",
    summary="363 genuine videos of 28 actors and 3,068 with their faces swapped; no sound",
    licence="FaceForensics terms of use, research only",
    request_url="https://github.com/ondyari/FaceForensics",
    markers=(
        ("original_sequences/actors/", "manipulated_sequences/DeepFakeDetection/"),
        ("DFD_original?sequences/", "DFD_manipulated?sequences/"),
    ),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"method": {"real": 363, "DeepFakeDetection": 3_068}},
    options={"compression": "raw, c23 or c40, where several are on disk (default c23)"},
)
