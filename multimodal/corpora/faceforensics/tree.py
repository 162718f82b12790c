"""The two trees in which FaceForensics++ and DFD come: the authors' download and copies without its inner folders.

The download puts videos into ``<folder>/<compression>/videos/`` and masks of the forgery beside them, as videos
too; the copies on Kaggle put videos straight into a folder named after the method.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from multimodal.catalog import choose
from multimodal.corpora.base import ScanReport
from multimodal.corpora.file_names import COPY, NAME_UNPARSED, stem_of
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import Listing, list_folder
from multimodal.corpora.walk import walk_clips

#: Folder → level of compression; the script of the authors writes ``raw``, their text says ``c0``.
LEVELS = {"raw": "raw", "c0": "raw", "c23": "c23", "c40": "c40"}
_PREFERRED = ("c23", "raw", "c40")
_NOT_CLIPS = {"masks": "mask of a forgery, not a clip", "models": "model, not a clip"}


class Video(NamedTuple):
    """One video below a folder of the tree; ``level`` is None in trees without levels."""

    folder: str
    path: str
    size_bytes: int
    level: str | None


def folders_in(root: Path, parent: str = "") -> list[str]:
    """Paths relative to ``root`` of the folders in ``root``, or in its folder ``parent`` in whatever case."""
    listing = list_folder(root)
    if not parent:
        return list(listing.folders)
    return [
        f"{found}/{name}"
        for found in listing.find(parent, is_folder=True)
        for name in _list_readable(root / found).folders
    ]


def _list_readable(path: Path) -> Listing:
    """Names in a folder, none if it cannot be read."""
    try:
        return list_folder(path)
    except OSError:
        return Listing(str(path), (), ())


def walk_videos(
    root: Path,
    folders: Iterable[str],
    report: ScanReport,
    *,
    fake_by_name: Callable[[str], int | None],
    compression: str = "",
) -> list[Video]:
    """Videos below each of the folders (relative to ``root``), of one level of compression.

    A folder of frames whose name ``fake_by_name`` knows is a video.

    ``compression`` is raw, c23 or c40; where it is empty and there are several, c23 is taken, for mixing them
    would give every video several times. Masks, models and videos of other levels are told to ``report``.
    """
    if compression:
        choose(LEVELS, compression, "compression")
    videos = [video for folder in folders for video in _walk(root, folder, report, fake_by_name)]
    levels = Counter(video.level for video in videos if video.level)
    chosen = LEVELS.get(compression) or next((level for level in _PREFERRED if level in levels), None)
    if compression and levels and chosen not in levels:
        raise ValueError(f"no video of compression {compression} in {root}; there is {', '.join(sorted(levels))}")
    if not compression and len(levels) > 1:
        found = ", ".join(f"{level} ({count:,} videos)" for level, count in sorted(levels.items()))
        report.warn(
            f"several compressions: {found}; {chosen} is read, choose another with --options compression NAME"
        )
    for video in videos:
        if video.level not in (None, chosen):
            report.skip(f"compression {video.level}, not the {chosen} that is read", video.path)
    return [video for video in videos if video.level in (None, chosen)]


def _walk(root: Path, folder: str, report: ScanReport, fake_by_name: Callable[[str], int | None]) -> list[Video]:
    videos = []
    walked = walk_clips(root, report, is_clip=lambda path: fake_by_name(path) is not None, under=folder)
    for path, size_bytes in walked:
        between = [part.lower() for part in path[len(folder) + 1 :].split("/")[:-1]]
        reason = next((_NOT_CLIPS[part] for part in between if part in _NOT_CLIPS), None)
        if reason:
            report.skip(reason, path)
        else:
            level = next((LEVELS[part] for part in between if part in LEVELS), None)
            videos.append(Video(folder, path, size_bytes, level))
    return videos


# The grammar of DFD's file names: ``01__exit_phone_room`` and ``01_02__exit_phone_room__YVGY8LOK``.


NAMESPACE = "dfd"

_REAL = re.compile(r"(?P<target>\d+)__(?P<scene>.+)")
_FAKE = re.compile(r"(?P<target>\d+)_(?P<source>\d+)__(?P<scene>.+)__[A-Za-z0-9]+")


class ActorName(NamedTuple):
    """What a name says: the actor on screen, whose face went in (None in a genuine clip), and the scene."""

    target: str
    source: str | None
    scene: str


def parse_actor_name(stem: str) -> ActorName | None:
    """Read a name without its suffix; None where it follows neither grammar.

    >>> parse_actor_name("01_02__exit_phone_room__YVGY8LOK")
    ActorName(target='01', source='02', scene='exit_phone_room')
    """
    found = _FAKE.fullmatch(stem) or _REAL.fullmatch(stem)
    if found is None:
        return None
    groups = found.groupdict()
    return ActorName(groups["target"], groups.get("source"), groups["scene"])


def fake_by_actor_name(path: str) -> int | None:
    """1 or 0 where the name of a file is that of a fake or of a genuine clip."""
    name = parse_actor_name(stem_of(path).text)
    return None if name is None else int(name.source is not None)


def actor_clip(path: str, size_bytes: int, *, is_fake: bool, reals: dict[tuple[str, str], str]) -> Clip:
    """One clip of DFD; ``reals`` maps (actor, scene) to the path of the genuine clip."""
    stem = stem_of(path)
    name = parse_actor_name(stem.text)
    flags = [COPY] if stem.is_copy else []
    source_clip = reals.get((name.target, name.scene)) if name and is_fake else None
    if name is None:
        flags.append(NAME_UNPARSED)
    elif is_fake and source_clip is None:
        flags.append("pair_missing")
    return Clip(
        path=path,
        media="video",
        video_fake=int(is_fake),
        audio_fake=None,
        method="DeepFakeDetection" if is_fake else "real",
        size_bytes=size_bytes,
        identity=f"{NAMESPACE}:{name.target}" if name else None,
        donors=(f"{NAMESPACE}:{name.source}",) if name and name.source else (),
        source_clip=source_clip,
        flags=tuple(flags),
    )
