"""What goes round on Kaggle as "DeepFake_Audio": DEEP-VOICE or Fake-or-Real, told apart by their folders.

DEEP-VOICE is ``KAGGLE/AUDIO/{REAL,FAKE}``, or any real and fake folder with its names; Fake-or-Real has
``training``, ``validation`` and ``testing`` with real and fake in each. Real and fake folders with other names in
them are neither: their labels are somebody else's statement, and the corpus ``folder`` reads them.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import NAME_UNPARSED, LabelledFile, NameCheck, compare_counts, walk_labelled
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import has, list_folder

# DEEP-VOICE: eight speeches, each converted by RVC to the voices of the seven other speakers.


NAMESPACE = "deepvoice"
SPEAKERS = ("biden", "linus", "margot", "musk", "obama", "ryan", "taylor", "trump")

_NAME = re.compile(r"(?P<source>[a-z]+)-(?:original|to-(?P<target>[a-z]+))(?P<fragment>[_-]frag\d+)?")
_EXPECTED = {"whole": {"real": 8, "fake": 56}, "fragments": {"real": 628, "fake": 4_425}}


class SpokenName(NamedTuple):
    """What a file name says: whose recording, in whose voice (None: the own), and whether it is a fragment."""

    source: str
    target: str | None
    is_fragment: bool


def parse_name(stem: str) -> SpokenName | None:
    """Parts of a name in any case of letters, or None where it follows another grammar.

    >>> parse_name("Obama-to-Biden_frag12")
    SpokenName(source='obama', target='biden', is_fragment=True)
    """
    found = _NAME.fullmatch(stem.lower())
    return found and SpokenName(found["source"], found["target"], found["fragment"] is not None)


def read_deep_voice(root: Path, report: ScanReport, suffixes: frozenset[str]) -> Iterator[Clip]:
    """Every recording below a real or fake folder, with source and target voice from its name."""
    check = NameCheck("X-original is real, X-to-Y is fake")
    files = list(walk_labelled(root, report, suffixes=suffixes))
    names = {file.path: parse_name(file.path[file.path.rfind("/") + 1 : file.path.rfind(".")]) for file in files}
    originals = {
        name.source: path for path, name in names.items() if name and not name.target and not name.is_fragment
    }
    counts: Counter[str] = Counter()
    for file in files:
        name = names[file.path]
        fake_by_name = None if name is None else int(name.target is not None)
        if check.accepts(file.path, file.fake, fake_by_name, report):
            counts["fake" if file.fake else "real"] += 1
            yield _clip(file, name, originals)
    check.conclude(report)
    is_cut = any(name is not None and name.is_fragment for name in names.values())
    compare_counts("DEEP-VOICE", root, counts, _EXPECTED["fragments" if is_cut else "whole"], report)


def _clip(file: LabelledFile, name: SpokenName | None, originals: dict[str, str]) -> Clip:
    if name is None:
        method = "unknown" if file.fake else "real"
        return Clip(file.path, "audio", None, file.fake, method, file.size_bytes, flags=(NAME_UNPARSED,))
    recording = originals.get(name.source, f"{name.source}-original.wav")
    flags = (
        *(("fragment",) if name.is_fragment else ()),
        *(() if name.source in SPEAKERS else ("unlisted_speaker",)),
    )
    return Clip(
        file.path,
        "audio",
        None,
        file.fake,
        "rvc" if file.fake else "real",
        file.size_bytes,
        identity=f"{NAMESPACE}:{name.source}",
        donors=(f"{NAMESPACE}:{name.target}",) if name.target else (),
        source_clip=recording if recording != file.path else None,
        flags=flags,
    )


# Fake-or-Real (FoR): speech of volunteers and audio books against that of text-to-speech systems.


_VERSIONS = {"norm": "for-norm", "2s": "for-2sec", "rerec": "for-rerec", "orig": "for-original"}
_WAS_MP3 = ".mp3"


def read_fake_or_real(root: Path, report: ScanReport, suffixes: frozenset[str]) -> Iterator[Clip]:
    """Every utterance below a real or fake folder, with the split of the folder above."""
    found: set[tuple[str | None, int]] = set()
    for file in walk_labelled(root, report, suffixes=suffixes):
        found.add((file.split, file.fake))
        stem = file.path[file.path.rfind("/") + 1 : file.path.rfind(".")].lower()
        yield Clip(
            file.path,
            "audio",
            None,
            file.fake,
            "tts" if file.fake else "real",
            file.size_bytes,
            official_split=file.split,
            flags=("was_mp3",) if _WAS_MP3 in stem or file.path.lower().endswith(_WAS_MP3) else (),
        )
    missing = [
        f"{folder}/{label}"
        for split, folder in (("train", "training"), ("val", "validation"), ("test", "testing"))
        for fake, label in enumerate(("real", "fake"))
        if (split, fake) not in found
    ]
    if missing:
        report.warn(f"Fake-or-Real: nothing in {', '.join(missing)}. Is the download complete?")
    report.note(f"version: {_version_of(root)}; never train on one version and test on another")


def _version_of(root: Path) -> str:
    """Version of the corpus, by the names of the root and the folder above it: the versions are sorted alike.

    >>> _version_of(Path("/data/for-2sec/for-2seconds"))
    'for-2sec'
    """
    names = f"{root.parent.name}/{root.name}".lower()
    return next((version for mark, version in _VERSIONS.items() if f"for-{mark}" in names), "not known")


AUDIO_SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".m4a"})

_FAKE_OR_REAL = ("training/real/*.wav", "training/fake/*.wav", "testing/")
_DEEP_VOICE = (
    ("AUDIO/REAL/", "AUDIO/FAKE/"),
    ("REAL/*-original*.*", "FAKE/*-to-*.*"),
)


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Clips of whichever of the two lies at ``root``."""
    listing = list_folder(root)
    if all(has(listing, pattern) for pattern in _FAKE_OR_REAL):
        return read_fake_or_real(root, report, AUDIO_SUFFIXES)
    return read_deep_voice(root, report, AUDIO_SUFFIXES)


CORPUS = Corpus(
    name="deepfake_audio",
    title="DeepFake_Audio (DEEP-VOICE or Fake-or-Real)",
    summary="8 speeches converted to 7 other voices each; or utterances of people and of speech synthesis",
    licence="DEEP-VOICE: MIT, as stated; Fake-or-Real: academic use, see the page of York University",
    request_url="https://www.kaggle.com/datasets/birdy654/deep-voice-deepfake-voice-recognition and "
    "https://bil.eecs.yorku.ca/datasets/",
    markers=(*_DEEP_VOICE, _FAKE_OR_REAL),
    clips=read_clips,
    namespace=NAMESPACE,
    official_split="Fake-or-Real: folders training, validation, testing; DEEP-VOICE: none",
)
