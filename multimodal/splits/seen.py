"""Whether a model has met the clips that it is to be judged on, or the people in them, in any training before.

What a model learnt from travels beside its weights as hashes (:class:`encoders.learnt_from.LearntFrom`); here they
are made of the rows of a manifest, and looked for in others. People are named in the namespaces that corpora
share, so that a person of VoxCeleb2 is found again in FakeAVCeleb.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, UInt64

from encoders.learnt_from import LearntFrom
from multimodal.corpora.people import list_items, people_of, same_spelling, unit_of

#: Kinds of hashes: clips learnt from, everybody in them in any role, the genuine clips beneath, and the clips by
#: which weights, thresholds or calibration were chosen.
CLIPS, PEOPLE, SOURCES, CHOSEN = "clips", "people", "sources", "chosen"


class Seen(NamedTuple):
    """How many of ``clips`` a model knows.

    ``learnt`` were learnt from and ``chosen`` chose something of it; ``people`` show somebody, ``donors`` borrow
    from somebody and ``sources`` are made of a genuine clip that was learnt from. ``example`` is one of the
    ``learnt``, else of the ``chosen``.
    """

    clips: int
    learnt: int = 0
    chosen: int = 0
    people: int = 0
    donors: int = 0
    sources: int = 0
    example: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The counts as results keep them."""
        return self._asdict()


def name_hashes(names: Iterable[str]) -> UInt64[np.ndarray, " n"]:
    """A 64-bit hash of each name (BLAKE2b), the same on every machine.

    >>> name_hashes(["vox2:id00017"]).tolist() == name_hashes(["vox2:id00017"]).tolist()
    True
    """
    digests = b"".join(
        hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def learnt_from(train: pd.DataFrame, val: pd.DataFrame) -> LearntFrom:
    """What a training remembers: clips, people and genuine clips of ``train``, clips of ``val``."""
    people = people_of(train)
    is_named = np.ones(len(people.clip), dtype=bool)  # donors are; who is on screen need not be
    is_named[: len(train)] = train["identity"].notna()
    named = people.names[np.unique(people.person[is_named])]
    return LearntFrom(
        {
            CLIPS: _sorted(train["clip_id"]),
            PEOPLE: _sorted(named),
            SOURCES: _sorted(unit_of(train, "source_clip")),
            CHOSEN: _sorted(val["clip_id"]),
        }
    )


def find_seen(history: LearntFrom, clips: pd.DataFrame) -> Seen:
    """How many of the rows of a manifest, or of a scores table, are known to a model.

    Donors and genuine clips are counted where the table names them.
    """
    learnt, chosen = _known(history, CLIPS, clips["clip_id"]), _known(history, CHOSEN, clips["clip_id"])
    example = next(iter([*clips["clip_id"][learnt], *clips["clip_id"][chosen]]), None)
    counts = {name: int(mask.sum()) for name, mask in _traces(history, clips)}
    return Seen(len(clips), int(learnt.sum()), int(chosen.sum()), **counts, example=example)


def _traces(history: LearntFrom, clips: pd.DataFrame) -> Iterator[tuple[str, Bool[np.ndarray, " clips"]]]:
    if "identity" in clips:
        yield (
            "people",
            _known(history, PEOPLE, same_spelling(clips["identity"].to_numpy(dtype=object, na_value=None))),
        )
    if "donors" in clips:
        row, donor = list_items(clips["donors"])
        mask = np.zeros(len(clips), dtype=bool)
        mask[row[_known(history, PEOPLE, same_spelling(donor))]] = True
        yield "donors", mask
    if "source_clip" in clips:
        yield "sources", _known(history, SOURCES, unit_of(clips, "source_clip"))


def _known(history: LearntFrom, kind: str, names: Any) -> Bool[np.ndarray, " n"]:
    """Which of the names, None among them, a model knows as ``kind``."""
    codes, distinct = pd.factorize(np.asarray(names, dtype=object))
    known = np.isin(name_hashes(distinct), history.of(kind))
    return np.append(known, False)[codes]


def _sorted(names: Iterable[str]) -> UInt64[np.ndarray, " n"]:
    return np.unique(name_hashes(names))


def known_as(history: LearntFrom | None, path: str | Path, corpora: Iterable[str]) -> str:
    """Whether a file is one of the clips that a model knows, going by where it lies below its corpus.

    A file that was moved or renamed is not recognised.
    """
    if history is None:
        return "which clips this detector learnt from is not known"
    parts = Path(path).absolute().parts[1:]
    below = ["/".join(parts[start:]) for start in range(len(parts))]
    names = name_hashes(f"{corpus}/{name}" for corpus in sorted(corpora) for name in below)
    if np.isin(names, history.of(CLIPS)).any():
        return "learnt from this clip: its verdict says nothing about clips that are new"
    if np.isin(names, history.of(CHOSEN)).any():
        return "this clip chose weights and thresholds: its verdict flatters"
    return "not among the clips learnt from, going by its name"


# What is said of it, and what is refused.


def refuse_seen(seen: Mapping[str, Seen], of: str) -> None:
    """Raise ``ValueError`` where a part holds clips that ``of`` learnt from, or test clips that chose it.

    Args:
        seen: part of a split → what is known of its clips. Validation clips may have chosen weights before.
        of: whose history it is: "the video encoder of runs/a".
    """
    for part, found in seen.items():
        held = found.learnt or (found.chosen if part != "val" else 0)
        if held:
            how = "learnt from" if found.learnt else "was chosen by"
            raise ValueError(
                f"{of} {how} {held:,} of the {found.clips:,} {part} clips, e.g. {found.example}: results on them "
                "flatter. Use the split that it was made with, or say --allow-seen, which marks every result"
            )


def seen_lines(seen: Mapping[str, Seen], unknown: Iterable[str] = ()) -> list[str]:
    """What of each part was met before, a sentence a part, and what nobody knows; nothing where nothing was."""
    lines = []
    for part, found in seen.items():
        told = [
            (found.learnt, "were learnt from"),
            (found.chosen if part != "val" else 0, "chose weights or thresholds"),
            (found.people, "show people learnt from"),
            (found.donors, "borrow from people learnt from"),
            (found.sources, "are made of genuine clips learnt from"),
        ]
        counts = ", ".join(f"{count:,} {what}" for count, what in told if count)
        if counts:
            lines.append(f"of {found.clips:,} {part} clips {counts}")
    return [*lines, *(f"which clips {stage} learnt from is not known" for stage in unknown)]


def is_marked(seen: Mapping[str, Seen]) -> bool:
    """Whether results are to be marked: a clip that is judged was learnt from, or chose what it judges."""
    return any(found.learnt or (found.chosen and part != "val") for part, found in seen.items())


#: In front of every result on clips that were learnt from.
MARK = "clips that are judged were learnt from or chose something (--allow-seen): these numbers flatter"
