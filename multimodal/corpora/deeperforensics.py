"""DeeperForensics-1.0: faces of 100 paid actors on FaceForensics++'s originals, clean and distorted; no reals.

On disk: ``manipulated_videos/<variant>/<target>_<actor>.mp4``, eleven variants of 1,000 videos, ``source_videos``
of the actors, and ``lists``. Whatever is easily got wrong here:

* **The genuine part is FaceForensics++ (c23), which is another download**: scan ``faceforensics`` and use both
  manifests. Targets have its identities (``ffpp:000``).
* ``source_videos``, 48,475 recordings of actors in a studio, are not that part. They are left out and counted.
* The official split goes by actor (``lists/splits``; 703, 96 and 201 videos of each variant) and **is not that of
  FaceForensics++**: a model trained on the latter's train part has seen targets of this one's test. Check the two
  together.
* The eleven variants are the same 1,000 forgeries, distorted in different ways (two are made in another way); all
  variants of one go to the same part.
* No sound. An actor lends the face to about ten targets, and each target takes one: the actor with the targets is
  a closed group.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import COPY, NAME_UNPARSED, stem_of, warn_of_unparsed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.people import with_closed_groups
from multimodal.corpora.roots import file_named, folders_named, list_folder
from multimodal.corpora.table_file import read_text
from multimodal.corpora.walk import walk_files

NAMESPACE = "deeperforensics"
TARGET_NAMESPACE = "ffpp"
VARIANTS = (
    "end_to_end",
    *(f"end_to_end_level_{level}" for level in range(1, 6)),
    *(f"end_to_end_mix_{count}_distortions" for count in range(2, 5)),
    "end_to_end_random_level",
    "reenact_postprocess",
)
NUM_LISTED = {"train": 703, "val": 96, "test": 201}

_NAME = re.compile(r"(?P<target>\d{3})_(?P<actor>[MW]\d{3})", re.IGNORECASE)
_LISTED = re.compile(rf"{_NAME.pattern}(?:\.mp4)?\b", re.IGNORECASE)


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every manipulated video; ``source_videos`` are counted as left out."""
    lists = next(folders_named(root, "lists/splits"), root / "lists" / "splits")
    splits = _read_splits(lists, report)
    clips = []
    for folder in list_folder(root).folders:
        for path, size_bytes in walk_files(root, report, suffixes={".mp4"}, under=folder):
            if path.lower().startswith("manipulated_videos/"):
                clips.append(_clip(path, size_bytes, splits))
            else:
                report.skip("recording of an actor, not a genuine clip of the corpus", path)
    if unknown := {clip.method for clip in clips} - set(VARIANTS):
        report.warn(f"folders that are none of the eleven variants: {', '.join(sorted(unknown))}")
    report.note("all clips are fake; the genuine part is FaceForensics++ c23: scan faceforensics")
    warn_of_unparsed(clips, report)
    yield from with_closed_groups(clips)


def _clip(path: str, size_bytes: int, splits: dict[str, str]) -> Clip:
    stem, folders = stem_of(path), path.split("/")[1:-1]
    found = _NAME.fullmatch(stem.text)
    flags = [COPY] if stem.is_copy else []
    if found is None:
        flags.append(NAME_UNPARSED)
    return Clip(
        path=path,
        media="video",
        video_fake=1,
        audio_fake=None,
        method=next(
            (folder.lower() for folder in folders if folder.lower() in VARIANTS),
            folders[-1] if folders else "unknown",
        ),
        size_bytes=size_bytes,
        identity=f"{TARGET_NAMESPACE}:{found['target']}" if found else None,
        donors=(f"{NAMESPACE}:{found['actor'].upper()}",) if found else (),
        official_split=splits.get(stem.text.upper()),
        flags=tuple(flags),
    )


def _read_splits(folder: Path, report: ScanReport) -> dict[str, str]:
    """Stem of a video in capitals → its part, from ``train.txt``, ``val.txt`` and ``test.txt``."""
    splits: dict[str, str] = {}
    twice = set()
    for split, count in NUM_LISTED.items():
        path = file_named(folder, f"{split}.txt")
        if path is None:
            report.warn(f"no official {split}: {folder / split}.txt is missing")
            continue
        stems = {f"{found['target']}_{found['actor']}".upper() for found in _LISTED.finditer(read_text(path))}
        if len(stems) != count:
            report.warn(f"{path} names {len(stems):,} videos; the official list names {count}")
        twice |= stems & set(splits)
        splits |= dict.fromkeys(stems, split)
    if twice:
        report.warn(f"the lists name {len(twice):,} videos in two parts, e.g. {min(twice)}; these are in none")
    return {stem: split for stem, split in splits.items() if stem not in twice}


CORPUS = Corpus(
    name="deeperforensics",
    title="DeeperForensics-1.0",
    summary="11,000 videos: 1,000 face swaps onto FaceForensics++ in eleven variants; no genuine clips, no sound",
    licence="non-commercial research, on the terms of the request form",
    request_url="https://github.com/EndlessSora/DeeperForensics-1.0",
    markers=(("manipulated_videos/end_to_end*/",), ("manipulated_videos/reenact_postprocess/",)),
    clips=read_clips,
    namespace=TARGET_NAMESPACE,
    expected={"method": dict.fromkeys(VARIANTS, 1_000)},
    official_split="703, 96 and 201 fakes of each variant by actor, in lists/splits",
)
