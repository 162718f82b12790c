"""VoxCeleb2: celebrities in interviews, all of it genuine; more reals for corpora that were made from it.

On disk: ``{dev,test}/mp4/<id>/<YouTube id>/<utterance>.mp4``, and the sound alone in ``{dev,test}/aac/...m4a``.
Whatever is easily got wrong here:

* ``dev`` is what one trains on and ``test`` holds other people; there is no validation part.
* FakeAVCeleb, LAV-DF and AV-Deepfake1M were made from these videos. Leave out the people of the corpus that is
  judged (``--options exclude fakeavceleb.parquet``), or its test people are seen in training.
* Reals from here beside fakes from elsewhere let a detector learn the corpus instead of the forgery: sizes, codecs
  and loudness differ. Of the corpora made from it FakeAVCeleb is processed the most alike.
* The same utterance is a video in ``mp4`` and a sound in ``aac``; only one of the two is read at a time.
* The header and the values of ``vox2_meta.csv`` end with blanks; the sex of each person, ``men`` or ``women``,
  becomes the group by which results are parted. Nobody is kept apart by it.
* Copies of ``mp4`` without sound exist; clips without sound are found when they are prepared.

Identities are VoxCeleb2's (``vox2:id00017``), as in FakeAVCeleb, LAV-DF and AV-Deepfake1M.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import compare_counts
from multimodal.corpora.manifest import Clip, Manifest
from multimodal.corpora.people import list_items
from multimodal.corpora.roots import folders_named, list_folder
from multimodal.corpora.table_file import read_rows, read_text
from multimodal.corpora.walk import walk_files

NAMESPACE = "vox2"
SPLITS = {"dev": "train", "test": "test"}

_NUM_UTTERANCES = {"dev": 1_092_009, "test": 36_237}
_PERSON = re.compile(r"id\d{5}")
_SEXES = {"f": "women", "m": "men"}
_PLACE = re.compile(r"[^/]+/[^/]+/(?P<person>id\d{5})/[^/]+/[^/]+", re.IGNORECASE)


def read_clips(root: Path, report: ScanReport, *, media: str = "video", exclude: str = "") -> Iterator[Clip]:
    """Every utterance; ``exclude`` is a manifest or a text whose people are left out."""
    kinds = {"video": ("mp4", ".mp4"), "audio": ("aac", ".m4a")}
    if media not in kinds:
        raise ValueError(f"media must be video or audio; got {media!r}. Give e.g. --options media audio")
    folder, suffix = kinds[media]
    excluded = _read_people(Path(exclude).expanduser()) if exclude else frozenset()
    sexes = _read_sexes(root, report)
    left_out: Counter[str | None] = Counter()
    counts: Counter[str] = Counter()
    for part, split in SPLITS.items():
        found = [place.relative_to(root).as_posix() for place in folders_named(root, f"{part}/{folder}")]
        if not found:
            report.note(f"folder {part}/{folder} is missing under {root}")
            continue
        counts[part] = 0
        for path, size_bytes in chain.from_iterable(
            walk_files(root, report, suffixes={suffix}, under=under) for under in found
        ):
            place = _PLACE.fullmatch(path)
            person = place["person"].lower() if place else None
            counts[part] += 1
            if person in excluded:
                left_out[person] += 1
                continue
            yield Clip(
                path=path,
                media="video" if media == "video" else "audio",
                video_fake=0 if media == "video" else None,
                audio_fake=0,
                method="real",
                size_bytes=size_bytes,
                identity=person and f"{NAMESPACE}:{person}",
                group=sexes.get(person or ""),
                official_split=split,
                flags=() if person else ("unexpected_folder",),
            )
    compare_counts(CORPUS.title, root, counts, {part: _NUM_UTTERANCES[part] for part in counts}, report)
    other = next(name for name, _ in kinds.values() if name != folder)
    for part in SPLITS:
        if any(folders_named(root, f"{part}/{other}")):
            report.note(f"{part}/{other} holds the same utterances and is not read; see --options media")
    if excluded:
        clips, people = sum(left_out.values()), len(left_out)
        report.note(f"left out {clips:,} clips of {people:,} people; {exclude} names {len(excluded):,}")


def _read_sexes(root: Path, report: ScanReport) -> dict[str, str]:
    """Person → ``men`` or ``women``, where ``vox2_meta.csv`` lies beside the parts."""
    names = list_folder(root).find("vox2_meta.csv", is_folder=False)
    if not names:
        report.note("no vox2_meta.csv beside the parts: nobody's sex is known, and results are not parted by it")
        return {}
    sexes = {}
    for row in read_rows(root / names[0]):
        told = {name.lower(): value for name, value in row.items()}
        sex = _SEXES.get(told.get("gender", "").lower()[:1])
        if sex is not None:
            sexes[told.get("voxceleb2 id", "").lower()] = sex
    if not sexes:
        report.warn(f"{names[0]} has no column Gender of f and m beside VoxCeleb2 ID; nobody's sex is known")
    return sexes


def _read_people(path: Path) -> frozenset[str]:
    """People of a manifest, in any role, or every ``id`` and five digits in a text."""
    if path.suffix == ".parquet":
        clips = Manifest.read(path).clips
        names = {*clips["identity"].dropna(), *list_items(clips["donors"])[1]}
        people = {name.partition(":")[2] for name in names if name.startswith(f"{NAMESPACE}:")}
    elif path.is_file():
        people = set(_PERSON.findall(read_text(path)))
    else:
        raise ValueError(f"no such file: {path}. exclude takes a manifest or a text with ids such as id00017")
    if not people:
        raise ValueError(f"{path} names nobody of VoxCeleb2 (id00017); is it the right file?")
    return frozenset(people)


CORPUS = Corpus(
    name="voxceleb2",
    title="VoxCeleb2",
    summary="about 1.1 million genuine utterances of 6,112 celebrities; no fakes",
    licence="research use, on the terms of the request form; the videos stay their owners'",
    request_url="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox2.html",
    markers=(("dev/mp4/id*/",), ("test/mp4/id*/",), ("dev/aac/id*/",), ("test/aac/id*/",)),
    clips=read_clips,
    namespace=NAMESPACE,
    has_closed_groups=False,
    official_split="dev (here train) and test, other people in each; no val",
    options={
        "media": "video (default) or audio: the files in mp4 or those in aac",
        "exclude": "a manifest, or a text with ids, whose people are left out",
    },
)
