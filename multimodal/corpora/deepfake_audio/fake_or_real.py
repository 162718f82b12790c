"""Fake-or-Real (FoR): speech of volunteers and audio books against that of text-to-speech systems.

Four versions hold the same utterances, processed differently: ``for-original`` (mixed rates and lengths),
``for-norm`` (16 kHz, mono, normalised), ``for-2sec`` (cut) and ``for-rerec`` (replayed). Whatever is easily got
wrong here:

* Never train on one version and test on another: test utterances would be in train. A scan takes one version.
* Kaggle doubles the folder and renames the inner one (``for-2sec/for-2seconds``, ``for-rerec/for-rerecorded``).
* Most fakes came through MP3 (``.mp3`` stands in the middle of their names) and no real did; silence and bandwidth
  differ by class too. Such files carry the flag ``was_mp3``.
* Nobody names the speakers, so no split can keep them apart. Test fakes come from systems that are not in train.
* Some files of ``for-original`` are empty or cannot be decoded.
"""

from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.labelled_folders import walk_labelled
from multimodal.corpora.manifest import Clip
from multimodal.corpora.scan_report import ScanReport

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
    """By the names of the root and the folder above it, since the versions are sorted alike.

    >>> _version_of(Path("/data/for-2sec/for-2seconds"))
    'for-2sec'
    """
    names = f"{root.parent.name}/{root.name}".lower()
    return next((version for mark, version in _VERSIONS.items() if f"for-{mark}" in names), "not known")
