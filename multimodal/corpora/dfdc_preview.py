"""The preview of the Deepfake Detection Challenge (DFDCP): actors with sound, faces swapped with two methods.

On disk: ``original_videos/<actor>/``, ``method_A/<actor>/`` and ``method_B/<actor>/`` beside ``dataset.json``, an
object with an entry for each path: ``label``, ``set`` (train or test), and in the authors' file ``target_id`` and
``swapped_id``. Whatever is easily got wrong here:

* Names of fakes are ``<swapped>_<target>_<take>_<number>``: **the face that went in comes first**, the reverse of
  FaceForensics++. The person on screen, who also names the folder, is the second.
* As in the full set, nothing says whether the sound of a fake was touched; ``any_fake`` is 1 and the modalities
  are unknown.
* Train and test have actors of their own; there is no official val.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.dfdc import fake_of, read_json_object
from multimodal.corpora.file_names import NAME_UNPARSED, NameCheck, stem_of, warn_of_unparsed
from multimodal.corpora.manifest import Clip
from multimodal.corpora.people import with_closed_groups
from multimodal.corpora.roots import file_named
from multimodal.corpora.walk import walk_files

NAMESPACE = "dfdcp"
_ORIGINALS = "original_videos"
_REAL = re.compile(r"(?P<target>\d+)(?P<take>_[A-Za-z]+_\d+)")
_FAKE = re.compile(r"(?P<swapped>\d+)_(?P<target>\d+)(?P<take>_[A-Za-z]+_\d+)")


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every video with an entry in ``dataset.json`` that its folder does not contradict."""
    table = read_json_object(file_named(root, "dataset.json") or root / "dataset.json")
    entries = {path.replace("\\", "/").strip("/").lower(): entry for path, entry in table.items()}
    sizes = dict(walk_files(root, report, suffixes={".mp4"}))
    files = {path.lower(): path for path in sizes}
    check = NameCheck("in dataset.json, original_videos must be real, method_A and method_B fake")
    clips = []
    for path, size_bytes in sizes.items():
        entry = entries.get(path.lower(), {})
        fake = fake_of(entry.get("label"))
        if fake is None:
            report.skip("no label in dataset.json", path)
        elif check.accepts(path, int(not path.lower().startswith(_ORIGINALS + "/")), fake, report):
            clips.append(_clip(path, size_bytes, fake, entry, files))
    check.conclude(report)
    if missing := set(entries) - set(files):
        report.warn(f"dataset.json lists {len(missing):,} videos that are not on disk, e.g. {min(missing)}")
    warn_of_unparsed(clips, report)
    yield from with_closed_groups(clips)


def _clip(path: str, size_bytes: int, fake: int, entry: dict[str, object], files: dict[str, str]) -> Clip:
    found = (_FAKE if fake else _REAL).fullmatch(stem_of(path).text)
    named = found.groupdict() if found else {}
    target, swapped = (entry.get(key) or named.get(role) for key, role in _PEOPLE)
    source_clip = None
    flags = [] if found else [NAME_UNPARSED]
    if fake and found:
        # takes may lie in folders of their own below the actor's
        folder = path.split("/")[1:-1]
        source_clip = "/".join([_ORIGINALS, *folder, f"{named['target']}{named['take']}.mp4"])
        candidates = (source_clip, f"{_ORIGINALS}/{named['target']}/{named['target']}{named['take']}.mp4")
        source_clip = next((files[one.lower()] for one in candidates if one.lower() in files), None)
        flags += [] if source_clip else ["pair_missing"]
    part = str(entry.get("set")).lower()
    return Clip(
        path=path,
        media="video",
        video_fake=None if fake else 0,
        audio_fake=None if fake else 0,
        any_fake=fake,
        method=_METHODS.get(path.partition("/")[0].lower(), path.partition("/")[0]) if fake else "real",
        size_bytes=size_bytes,
        identity=f"{NAMESPACE}:{target}" if target else None,
        donors=(f"{NAMESPACE}:{swapped}",) if fake and swapped else (),
        source_clip=source_clip,
        official_split=part if part in ("train", "test") else None,
        flags=tuple(flags),
    )


#: Folders of fakes in lower case → what the corpus calls them.
_METHODS = {"method_a": "method_A", "method_b": "method_B"}
_PEOPLE = (("target_id", "target"), ("swapped_id", "swapped"))

CORPUS = Corpus(
    name="dfdc_preview",
    title="DFDC preview",
    summary="1,131 genuine videos of paid actors and 4,119 with swapped faces, by two methods; with sound",
    licence="DFDC agreement, research only",
    request_url="https://ai.meta.com/datasets/dfdc/",
    markers=(("dataset.json", "original_videos/", "method_*/"),),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"method": {"real": 1_131}},
    official_split="train and test by actor, in dataset.json; no val",
)
