"""Celeb-DF v2: interviews of 59 celebrities with faces swapped among them, and genuine videos of others.

On disk: ``Celeb-real/id0_0000.mp4``, ``YouTube-real/00000.mp4``, ``Celeb-synthesis/id0_id1_0000.mp4`` and
``List_of_testing_videos.txt``. Whatever is easily got wrong here:

* **The list's labels are the other way round**: 1 is real, the reverse of this project. They only confirm the
  folders; a list with 1 for fake is somebody's edit, and said.
* A fake ``id0_id1_0000`` shows the body of id0 (its genuine clip is ``id0_0000``) with the face of id1.
* Test is the list and train all the rest; there is no official val. A widespread benchmark trains on the test
  clips too and validates on them.
* The official test is for models trained elsewhere: all of its celebrities are in train as well, and so are the
  genuine clips of two thirds of its fakes. Within the corpus use ``donor_disjoint``.
* No sound that could be judged: ``audio_fake`` is unknown throughout. Who is in ``YouTube-real`` is not known.
* Celeb-DF v1 has the same folders with fewer videos, and v3 (Celeb-DF++) has folders of methods below
  ``Celeb-synthesis``; both are recognised and named. v3's methods are read, but in no official split.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import COPY, NAME_UNPARSED, NameCheck, stem_of, warn_of_unparsed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.people import with_closed_groups
from multimodal.corpora.roots import list_folder
from multimodal.corpora.table_file import read_lines
from multimodal.corpora.walk import walk_clips

# The list of test videos, ``List_of_testing_videos.txt``.

URL = "https://github.com/yuezunli/celeb-deepfakeforensics"
#: Lines of the list by folder, in lower case.
NUM_LISTED = {"celeb-real": 108, "youtube-real": 70, "celeb-synthesis": 340}
_FILE = re.compile(r"(celeb-real|youtube-real|celeb-synthesis)[/\\](.*[/\\])?[^/\\]+?\.mp4", re.IGNORECASE)
_LABEL = re.compile(r"(?<![^\s,;])[01](?![^\s,;])")


def list_key(path: str) -> str:
    """Folder and name of a file, however it was repacked.

    >>> list_key("Celeb-DF-v2/Youtube-real/videos/00170.mp4")
    'youtube-real/00170.mp4'
    """
    parts = [part.lower() for part in path.replace("\\", "/").split("/")]
    folder = next((part for part in parts if part in NUM_LISTED), "")
    return f"{folder}/{parts[-1]}"


def find_test_list(root: Path, given: str, report: ScanReport) -> set[str]:
    """:func:`list_key` of the listed files; empty if there is no list.

    ``given`` is the file that the user named; else it is looked for at the root and one level above.
    """
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise ValueError(f"list of test videos not found: {path}. Get it with the corpus or from {URL}")
        return _read(path, report)
    for folder in (root, root.parent):
        for name in list_folder(folder).find("list*of*testing*videos*.txt", is_folder=False):
            return _read(folder / name, report)
    report.warn(
        "no official split: List_of_testing_videos.txt is not beside the data; give --options test_list FILE"
    )
    return set()


def _read(path: Path, report: ScanReport) -> set[str]:
    labels: dict[str, str | None] = {}
    num_unread = 0
    for line in read_lines(path):
        if found := _FILE.search(line):
            before, after = (_LABEL.findall(part) for part in (line[: found.start()], line[found.end() :]))
            labels[list_key(found.group())] = next(iter([*reversed(before), *after]), None)
        else:
            num_unread += 1
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} lines name no .mp4 file in one of the three folders")
    _check_labels(path, labels, report)
    _check_counts(path, labels, report)
    return set(labels)


def _check_labels(path: Path, labels: dict[str, str | None], report: ScanReport) -> None:
    """Whether the labels are the official ones, with 1 for real."""
    expected = {key: "0" if key.startswith("celeb-synthesis/") else "1" for key in labels}
    wrong = [key for key, label in labels.items() if label is not None and label != expected[key]]
    if wrong and len(wrong) == len(labels):
        report.warn(f"{path.name}: labels are the other way round (officially 1 is real); folders decide")
    elif wrong:
        report.warn(f"{path.name}: {len(wrong):,} labels contradict the folder, e.g. {wrong[0]}; folders decide")


def _check_counts(path: Path, labels: dict[str, str | None], report: ScanReport) -> None:
    counts = Counter(key.partition("/")[0] for key in labels)
    if wrong := [
        f"{folder} {counts[folder]} of {num}" for folder, num in NUM_LISTED.items() if counts[folder] != num
    ]:
        report.warn(
            f"{path.name} is not the official list of 518 (178 real, 340 fake): {', '.join(wrong)}. A folder of "
            f"which it names no file gets no split; get the list from {URL}"
        )


NAMESPACE = "celebdf"
#: The folder of the fakes in lower case, and the name of v2's one method.
SYNTHESIS = "celeb-synthesis"
#: Flag of fakes in a folder of their method, as in v3.
FROM_V3 = "celebdf_v3"
_V1_COUNTS = {"celeb-real": 158, "youtube-real": 250, "celeb-synthesis": 795}

_PERSON, _TAKE = r"id\d+", r"\d+"
#: Folder in lower case → what its names look like: target, then take, and for fakes the face in between.
_GRAMMAR = {
    "celeb-real": re.compile(rf"(?P<target>{_PERSON})_(?P<take>{_TAKE})"),
    "youtube-real": re.compile(r"\d+"),
    "celeb-synthesis": re.compile(rf"(?P<target>{_PERSON})_(?P<source>{_PERSON})_(?P<take>{_TAKE})"),
}
_TALKING_FACE = re.compile(
    rf"(?P<target>{_PERSON})_(?P<take>{_TAKE})_test_(?P<driver>id\d{{5}})_[A-Za-z0-9_-]{{11}}"
)


def read_clips(root: Path, report: ScanReport, *, test_list: str = "") -> Iterator[Clip]:
    """Every video of the three folders, with the label of its folder; test is what the list names."""
    files = list(_walk_folders(root, report))
    listed = find_test_list(root, test_list, report)
    takes = {
        _stem_of(path): path for path, _ in files if _kind_of(path) == "celeb-real" and not stem_of(path).is_copy
    }
    clips = [_clip(path, size_bytes, takes) for path, size_bytes in files]
    if missing := listed - {list_key(_as_video(path)) for path, _ in files}:
        report.warn(f"the test list names {len(missing):,} files that are not on disk, e.g. {min(missing)}")
    counts = Counter(_kind_of(path) for path, _ in files)
    if counts == _V1_COUNTS:
        report.warn("these are as many videos as Celeb-DF v1 has, not v2")
    warn_of_unparsed(clips, report)
    yield from _with_splits(with_closed_groups(clips), listed)


def _walk_folders(root: Path, report: ScanReport) -> Iterator[tuple[str, int]]:
    check = NameCheck("id0_0000 and 00000 are genuine, id0_id1_0000 is fake")
    folders = list_folder(root).folders
    for folder in folders:
        if folder.lower() not in _GRAMMAR:
            continue
        walked = walk_clips(root, report, is_clip=lambda path: _fake_by_name(path) is not None, under=folder)
        for path, size_bytes in walked:
            if check.accepts(path, int(_kind_of(path) == SYNTHESIS), _fake_by_name(path), report):
                yield path, size_bytes
    check.conclude(report)
    for kind in _GRAMMAR:
        if kind not in {folder.lower() for folder in folders}:
            report.warn(f"folder {kind} is missing under {root}")


def _as_video(path: str) -> str:
    """The name that a video has whose frames lie in a folder."""
    return path if path.lower().endswith(".mp4") else f"{path}.mp4"


def _kind_of(path: str) -> str:
    return path.partition("/")[0].lower()


def _stem_of(path: str) -> str:
    """A file's stem in lower case, as the corpus writes its people."""
    return stem_of(path).text.lower()


def _fake_by_name(path: str) -> int | None:
    """1 or 0 where the name follows the grammar of fakes or of genuine clips."""
    stem = _stem_of(path)
    kind = next((kind for kind, pattern in _GRAMMAR.items() if pattern.fullmatch(stem)), None)
    return None if kind is None else int(kind == SYNTHESIS)


def _clip(path: str, size_bytes: int, takes: dict[str, str]) -> Clip:
    kind, stem, method = _kind_of(path), stem_of(path), _method_of(path)
    is_fake, is_v3 = kind == SYNTHESIS, method != SYNTHESIS
    found = _GRAMMAR[kind].fullmatch(_stem_of(path)) or (
        _TALKING_FACE.fullmatch(_stem_of(path)) if is_v3 else None
    )
    named = found.groupdict() if found else {}
    target, source, driver = (named.get(role) for role in ("target", "source", "driver"))
    source_clip = takes.get(f"{target}_{named.get('take')}") if is_fake else None
    flags = [COPY] if stem.is_copy else []
    if found is None:
        flags.append(NAME_UNPARSED)
    elif is_fake and source_clip is None:
        flags.append("pair_missing")
    if is_fake and is_v3:
        flags.append(FROM_V3)
    return Clip(
        path=path,
        media="video",
        video_fake=int(is_fake),
        audio_fake=None,
        method=method if is_fake else "real",
        size_bytes=size_bytes,
        identity=f"{NAMESPACE}:{target}" if target else None,
        donors=(f"{NAMESPACE}:{source}",) if source else (f"vox2:{driver}",) if driver else (),
        source_clip=source_clip,
        flags=tuple(flags),
    )


def _method_of(path: str) -> str:
    """The folder of the method in v3, the one method of v2 otherwise."""
    between = [part for part in path.split("/")[1:-1] if part.lower() not in ("videos", "frames")]
    return between[-1] if between else SYNTHESIS


def _with_splits(clips: Iterable[Clip], listed: set[str]) -> Iterator[Clip]:
    """Test if listed, else train; nothing in a folder that the list does not mention."""
    mentioned = {_kind_of(key) for key in listed}
    for clip in clips:
        if _kind_of(clip.path) in mentioned and FROM_V3 not in clip.flags:
            key = list_key(f"{_kind_of(clip.path)}/{stem_of(clip.path).text}.mp4")
            clip = clip._replace(official_split="test" if key in listed else "train")
        yield clip


CORPUS = Corpus(
    name="celebdf",
    title="Celeb-DF v2",
    summary="590 genuine interviews of 59 celebrities and 300 of others, 5,639 with swapped faces; no sound",
    licence="research only, on the terms of the request form",
    request_url="https://github.com/yuezunli/celeb-deepfakeforensics",
    markers=(("Celeb-real/", "Celeb-synthesis/"),),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"folder": {"Celeb-real": 590, "YouTube-real": 300, "Celeb-synthesis": 5_639}},
    official_split="test is List_of_testing_videos.txt (518), train all the rest; no val",
    options={"test_list": "List_of_testing_videos.txt (default: looked for beside the data)"},
)
