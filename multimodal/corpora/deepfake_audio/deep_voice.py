"""DEEP-VOICE: eight speeches, each converted by RVC to the voices of the seven other speakers.

``<speaker>-original.wav`` is real; ``<source>-to-<target>.wav`` is the source's recording (words, rhythm, noise)
in the target's voice. Pre-cut copies add ``_frag7``. Whatever is easily got wrong here:

* Eight recordings underlie everything: each is there once as real and seven times as fake. A split of windows or
  files at random gives about 99 % and means nothing; divide by source recording and by target voice
  (``leave_two_speakers_out``), and drop the fakes that have one foot on each side.
* ``DATASET-balanced.csv`` holds features of windows of one second without a file or a speaker: it indexes nothing.
* Stereo at 40, 44.1 and 48 kHz; sample rate and the removal of music and noise go with the label.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.file_names import NAME_UNPARSED
from multimodal.corpora.labelled_folders import LabelledFile, walk_labelled
from multimodal.corpora.manifest import Clip
from multimodal.corpora.name_check import NameCheck
from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.variants import compare_counts

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
