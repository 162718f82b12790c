"""The grammar of FakeAVCeleb's file names: what a name says of the method and of whose face and voice went in.

A name begins with the number of the genuine clip. A person is ``id`` and five digits; a VoxCeleb2 video is eleven
characters that may themselves hold underscores, so names cannot be split at underscores. The rules of one type
folder are tried in order and must match the whole stem. Which id is the face donor and which the voice is read
from the order in the name and the authors' pipeline; the authors do not document it.
"""

import re
from dataclasses import dataclass

TYPES: dict[str, tuple[int, int]] = {
    "RealVideo-RealAudio": (0, 0),
    "RealVideo-FakeAudio": (0, 1),
    "FakeVideo-RealAudio": (1, 0),
    "FakeVideo-FakeAudio": (1, 1),
}
#: The letter by which the authors' table calls each of them.
CATEGORIES = dict(zip("ABCD", TYPES, strict=True))
METHODS = ("real", "rtvc", "faceswap", "fsgan", "wav2lip", "faceswap-wav2lip", "fsgan-wav2lip")

_CLIP = r"(?P<clip>\d+)"
_ID = r"id\d{5}"
_YOUTUBE = r"[A-Za-z0-9_-]{11}"


@dataclass(frozen=True)
class NameRule:
    """One row of the grammar.

    ``methods`` are all that such a name can stand for, the likeliest first. ``hides_donor`` marks names over a
    face swap that do not say whose face was swapped in; ``lacks_suffix`` those that look like the genuine clip's.
    """

    name: str
    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    hides_donor: bool = False
    lacks_suffix: bool = False


def _rule(name: str, pattern: str, *methods: str, hides_donor: bool = False) -> NameRule:
    lacks_suffix = pattern == _CLIP and methods != ("real",)
    return NameRule(name, re.compile(pattern, re.IGNORECASE), methods, hides_donor, lacks_suffix)


RULES: dict[str, tuple[NameRule, ...]] = {
    "RealVideo-RealAudio": (_rule("CLIP", _CLIP, "real"),),
    "RealVideo-FakeAudio": (
        _rule("CLIP_fake", f"{_CLIP}_fake", "rtvc"),
        _rule("CLIP", _CLIP, "rtvc"),
    ),
    "FakeVideo-RealAudio": (
        _rule("CLIP_ID_wavtolip", f"{_CLIP}_(?P<voice>{_ID})_wavtolip", "wav2lip"),
        _rule("CLIP_ID_YT_faceswap", f"{_CLIP}_(?P<face>{_ID})_{_YOUTUBE}_faceswap", "faceswap"),
        _rule("CLIP_ID_YT", f"{_CLIP}_(?P<face>{_ID})_{_YOUTUBE}", "fsgan"),
        _rule("CLIP_n", rf"{_CLIP}(_\d+){{1,2}}", "faceswap", hides_donor=True),
        _rule("CLIP", _CLIP, "faceswap", hides_donor=True),
    ),
    "FakeVideo-FakeAudio": (
        _rule(
            "CLIP_ID_YT_faceswap_ID_wavtolip",
            f"{_CLIP}_(?P<face>{_ID})_{_YOUTUBE}_faceswap_(?P<voice>{_ID})_wavtolip",
            "faceswap-wav2lip",
        ),
        _rule(
            "CLIP_ID_YT_ID_wavtolip",
            f"{_CLIP}_(?P<face>{_ID})_{_YOUTUBE}_(?P<voice>{_ID})_wavtolip",
            "fsgan-wav2lip",
        ),
        # the authors' table calls at least some of these wav2lip, though a face swap lies beneath
        _rule(
            "CLIP_n_ID_wavtolip",
            rf"{_CLIP}(_\d+)+_(?P<voice>{_ID})_wavtolip",
            "faceswap-wav2lip",
            "wav2lip",
            hides_donor=True,
        ),
        # a few lie over a face swap whose own name has no suffix; only the authors' table can tell
        _rule("CLIP_ID_wavtolip", f"{_CLIP}_(?P<voice>{_ID})_wavtolip", "wav2lip", "faceswap-wav2lip"),
    ),
}


@dataclass(frozen=True)
class ParsedName:
    """What a name says; ``clip`` is the number of the genuine clip, ``donors`` are ids, face before voice."""

    rule: NameRule
    clip: str
    donors: tuple[str, ...]


def parse_name(type_folder: str, stem: str) -> ParsedName | None:
    """Read a file name without its suffix; None where it does not follow the grammar of its type folder.

    >>> parse_name("FakeVideo-FakeAudio", "00195_id01661_SdP_Monh-_4_id04547_wavtolip").donors
    ('id01661', 'id04547')
    """
    for rule in RULES[type_folder]:
        if found := rule.pattern.fullmatch(stem):
            groups = found.groupdict()
            donors = tuple(groups[role].lower() for role in ("face", "voice") if groups.get(role))
            return ParsedName(rule, groups["clip"], donors)
    return None


def type_of_name(type_folder: str, stem: str) -> str | None:
    """The type folder in which such a name belongs: its own if it can, None if no folder has such names.

    A bare number says nothing in a folder that has none, for a few fakes have lost what followed theirs.

    >>> type_of_name("RealVideo-RealAudio", "00109_id00476_wavtolip")
    'FakeVideo-RealAudio'
    """
    folders = (type_folder,) if stem.isdecimal() else (type_folder, *RULES)
    return next((one for one in folders if parse_name(one, stem)), None)
