"""KoDF: about 400 Korean actors, each forged with several of five methods.

On disk: ``original_videos/<actor>/<actor>_001.mp4`` and
``synthesized_videos/<method>/<date>/<target>/<target>_<source>_<code>_0001.mp4``. Whatever is easily got wrong:

* Actors are 20 hexadecimal digits, or 5 or 6 decimal ones; no list of all of them is public, so that any letters
  and digits between the underscores are taken for an actor. Target and source can be the same person
  (``audio-driven`` and ``fo``); such a fake has no donor.
* The code in the name repeats the folder: 1 dfl, 2 dffs, 3 fsgan, 4 fo, 5 audio-driven. Labels and methods come
  from folders.
* **Nothing says whether the sound of a fake is its own**, and files of fsgan have none; so ``audio_fake`` is
  unknown for all fakes.
* There is no official split; people lend faces to each other, so use ``donor_disjoint``.
* What genuine clip a fake was made from is not said.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import COPY, NAME_UNPARSED, NameCheck, stem_of, warn_of_unparsed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.people import with_closed_groups
from multimodal.corpora.walk import walk_files

NAMESPACE = "kodf"
#: Folder of a method → code in the names.
METHODS = {"dfl": "1", "dffs": "2", "fsgan": "3", "fo": "4", "audio-driven": "5"}

# two parts or four tell genuine from fake, however long the names of actors and the numbers are
_ACTOR = "[0-9A-Za-z]+"
_REAL = re.compile(rf"(?P<target>{_ACTOR})_\d+")
_FAKE = re.compile(rf"(?P<target>{_ACTOR})_(?P<source>{_ACTOR})_(?P<code>\d)_\d+")


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every video in the originals or below the folder of a method, with the label of that folder."""
    check = NameCheck("ACTOR_001 is genuine, TARGET_SOURCE_CODE_0001 is fake")
    clips = []
    for path, size_bytes in walk_files(root, report, suffixes={".mp4"}):
        method = _method_of(path)
        if method is None:
            report.skip("neither in original_videos nor below one of the five methods", path)
        elif check.accepts(path, int(method != "real"), _fake_by_name(path), report):
            clips.append(_clip(path, size_bytes, method))
    check.conclude(report)
    warn_of_unparsed(clips, report)
    yield from with_closed_groups(clips)


def _method_of(path: str) -> str | None:
    folders = path.lower().split("/")[:-1]
    if "original_videos" in folders:
        return "real"
    return next((folder.replace("_", "-") for folder in folders if folder.replace("_", "-") in METHODS), None)


def _fake_by_name(path: str) -> int | None:
    stem = stem_of(path).text
    return 1 if _FAKE.fullmatch(stem) else 0 if _REAL.fullmatch(stem) else None


def _clip(path: str, size_bytes: int, method: str) -> Clip:
    is_fake, stem = method != "real", stem_of(path)
    found = (_FAKE if is_fake else _REAL).fullmatch(stem.text)
    named = found.groupdict() if found else {}
    flags = [COPY] if stem.is_copy else []
    if found is None:
        flags.append(NAME_UNPARSED)
    elif is_fake and named["code"] != METHODS[method]:
        flags.append("method_conflict")
    target, source = (named.get(role, "").lower() for role in ("target", "source"))
    return Clip(
        path=path,
        media="video",
        video_fake=int(is_fake),
        audio_fake=None if is_fake else 0,
        method=method,
        size_bytes=size_bytes,
        identity=f"{NAMESPACE}:{target}" if target else None,
        donors=(f"{NAMESPACE}:{source}",) if source and source != target else (),
        flags=tuple(flags),
    )


CORPUS = Corpus(
    name="kodf",
    title="KoDF",
    summary="62,166 genuine videos of 403 Korean actors and 175,776 fakes by five methods",
    licence="research only, on the terms of AI-Hub; may be limited to Korea",
    request_url="https://deepbrainai-research.github.io/kodf/",
    markers=(("original_videos/", "synthesized_videos/"), *(("original_videos/", f"{name}/") for name in METHODS)),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"folder": {"original_videos": 62_166, "synthesized_videos": 175_776}},
)
