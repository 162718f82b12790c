"""The grammar of DFD's file names: ``01__exit_phone_room`` and ``01_02__exit_phone_room__YVGY8LOK``.

Names of scenes hold underscores, so only the double one separates. The eight characters at the end tell apart
several fakes of the same two actors in the same scene.
"""

import re
from typing import NamedTuple

from multimodal.corpora.file_names import COPY, NAME_UNPARSED, stem_of
from multimodal.corpora.manifest import Clip

NAMESPACE = "dfd"

_REAL = re.compile(r"(?P<target>\d{2})__(?P<scene>.+)")
_FAKE = re.compile(r"(?P<target>\d{2})_(?P<source>\d{2})__(?P<scene>.+)__[A-Z0-9]{8}")


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
