"""What a split lets through: how many test clips show or borrow from somebody, or something, seen in training.

A corpus does not always say who is in a clip. Such a clip cannot be found in another part, so that every share is
then a bound from below ("at least 3.0%"), and the clips themselves are a row of their own (``not_known``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.people import has_flag, people_of, unit_of
from multimodal.splits.assignment import SPLITS, TEST, TRAIN, VAL
from multimodal.splits.split import Split

#: (clips of this split, that have something in this one)
PAIRS = ((TEST, TRAIN), (VAL, TRAIN), (TEST, VAL))

OVERLAPS = {
    "identity": "the person on screen is on screen in B too",
    "donor_on_screen": "a donor of face or voice is on screen in B",
    "donor": "a donor of face or voice occurs in B, in any role",
    "person": "anybody at all occurs in B, in any role",
    "source_clip": "the genuine clip beneath occurs in B, itself or in a fake",
    "method": "it is a fake of a method that occurs in B",
}
#: Row of a table beside the overlaps, and its legend.
NOT_KNOWN = "not_known"
_NOT_KNOWN_LEGEND = "somebody is not named, on screen or as a donor"


@dataclass(frozen=True)
class Leakage:
    """Overlap of a split's parts.

    ``overlap`` has a row for each of :data:`PAIRS` (``"test in train"``) and a column for each of
    :data:`OVERLAPS`: the share of the first part's clips, NaN where nothing is known of it. ``unknown`` has a row
    a part and the same columns: the share of the part's clips of which this is not known. ``counts`` has a row a
    part (and ``dropped``) and a column a class, with ``donor_unknown`` and ``clips`` beside them.
    """

    protocol: str
    overlap: pd.DataFrame
    unknown: pd.DataFrame
    counts: pd.DataFrame
    dropped: dict[str, int]
    notes: tuple[str, ...]

    def text(self, one: str, other: str, name: str, *, decimals: int = 1) -> str:
        """The overlap ``name`` of part ``one`` in part ``other``, with "at least" where something is not known."""
        share = self.overlap.loc[_section(one, other), name]
        if np.isnan(share):
            return "not known"
        is_bound = self.unknown.loc[[one, other], name].max() > 0
        return f"{'at least ' * bool(is_bound)}{share:.{decimals}%}"


def measure_leakage(manifest: Manifest, split: Split) -> Leakage:
    """Compare every part of a split with the others, by person, donor and source clip."""
    clips = manifest.clips
    part = split.of(clips).astype(object).where(lambda column: column.notna(), "dropped").to_numpy()
    overlap, unknown = overlap_of(clips, part)
    return Leakage(split.protocol, overlap, unknown, _counts(clips, part), split.dropped, split.notes)


def overlap_of(clips: pd.DataFrame, part: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``overlap`` and ``unknown`` of :class:`Leakage`, for clips whose ``part`` stands beside them."""
    traces = _traces(clips)
    overlap = pd.DataFrame(
        {name: {_section(*pair): _share(part, *pair, *trace) for pair in PAIRS} for name, trace in traces.items()},
    )
    unknown = pd.DataFrame(
        {name: {one: _mean(mask[part == one]) for one in SPLITS} for name, mask in _unknown(clips).items()}
    )
    return overlap, unknown


def sharing_clips(clips: pd.DataFrame, part: np.ndarray, one: str, other: str, name: str) -> np.ndarray:
    """Which clips of part ``one`` have the overlap ``name`` with part ``other``, as a mask."""
    return _found(part, one, other, *_traces(clips)[name])


def leakage_table(leakages: Sequence[Leakage], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Several splits side by side: a column a split, named by its protocol if not by ``names``.

    Rows are (section, measure): shares for the sections of :data:`PAIRS`, below them the share of clips of which
    somebody is not known; counts for train, val, test, dropped and for the reasons of dropping.
    """
    names = list(names or _distinct([one.protocol for one in leakages]))
    columns = {}
    for name, leakage in zip(names, leakages, strict=True):
        columns[name] = pd.concat(
            {
                **{_section(*pair): _shares(leakage, *pair) for pair in PAIRS},
                **dict(leakage.counts.iterrows()),
                "dropped because": pd.Series(leakage.dropped, dtype=float),
            }
        )
    return pd.concat(columns, axis=1, sort=False)


def leakage_text(leakages: Sequence[Leakage], names: Sequence[str] | None = None) -> str:
    """The same table as text, for a terminal, with its legend and the notes of the protocols."""
    table = leakage_table(leakages, names)
    sections = {_section(*pair): pair for pair in PAIRS}
    is_share = table.index.get_level_values(0).isin(list(sections))
    cells = table.astype(object)
    for row, (section, measure) in enumerate(table.index):
        if measure in OVERLAPS:
            cells.iloc[row] = [one.text(*sections[section], measure) for one in leakages]
        else:
            cells.iloc[row] = [(f"{one:.1%}" if is_share[row] else _count_text(one)) for one in table.iloc[row]]
    shown = cells[is_share | (table.fillna(0) != 0).any(axis=1).to_numpy()]
    legend = [f"  {name:<16} {meaning}" for name, meaning in {**OVERLAPS, NOT_KNOWN: _NOT_KNOWN_LEGEND}.items()]
    notes = [f"{name}: {note}" for name, one in zip(table, leakages, strict=True) for note in one.notes]
    head = "\nA in B: share of the clips of A of which"
    return "\n".join([shown.to_string(), head, *legend, *notes])


def _traces(clips: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """For each kind of overlap: (clip, key) pairs that are asked for and (clip, key) pairs to be found."""
    people = people_of(clips)
    is_seen = np.arange(len(people.clip)) < len(clips)
    is_known = ~is_seen
    is_known[: len(clips)] = clips["identity"].notna()
    source = pd.factorize(unit_of(clips, "source_clip"))[0]
    row = np.arange(len(clips))
    seen = (people.clip[is_seen & is_known], people.person[is_seen & is_known])
    donors = (people.clip[~is_seen], people.person[~is_seen])
    anyone = (people.clip[is_known], people.person[is_known])
    has_source = _has_source(clips)
    fake = row[(clips["any_fake"] == 1).fillna(False).to_numpy(dtype=bool)]
    fake = fake[clips["method"].notna().to_numpy(dtype=bool)[fake]]
    method = pd.factorize(clips["corpus"].astype(object) + " " + clips["method"].astype(object))[0][fake]
    return {
        "identity": (*seen, *seen),
        "donor_on_screen": (*donors, *seen),
        "donor": (*donors, *anyone),
        "person": (*anyone, *anyone),
        "source_clip": (row[has_source], source[has_source], row[has_source], source[has_source]),
        "method": (fake, method, fake, method),
    }


def _unknown(clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """For each kind of overlap: whether a clip may have more of it than its row says."""
    is_named = clips["identity"].notna().to_numpy(dtype=bool)
    is_real = (clips["any_fake"] == 0).fillna(False).to_numpy(dtype=bool)
    # a genuine clip borrows from nobody; of a fake whose name says nothing not even the person is known
    has_donors = is_real | (is_named & ~has_flag(clips, "donor_unknown").to_numpy())
    return {
        "identity": ~is_named,
        "donor_on_screen": ~has_donors,
        "donor": ~has_donors,
        "person": ~(is_named & has_donors),
        "source_clip": ~_has_source(clips),
        "method": ~is_real & clips["method"].isna().to_numpy(dtype=bool),
    }


def _has_source(clips: pd.DataFrame) -> np.ndarray:
    """Whether the genuine clip beneath is known; a genuine clip is its own."""
    return (clips["source_clip"].notna() | (clips["any_fake"] == 0).fillna(False)).to_numpy(dtype=bool)


def _shares(leakage: Leakage, one: str, other: str) -> pd.Series:
    own = pd.Series({NOT_KNOWN: leakage.unknown.loc[one, "person"]})
    return pd.concat([leakage.overlap.loc[_section(one, other)], own])


def _mean(mask: np.ndarray) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _share(
    part: np.ndarray,
    one: str,
    other: str,
    asked_clip: np.ndarray,
    asked_key: np.ndarray,
    there_clip: np.ndarray,
    there_key: np.ndarray,
) -> float:
    """Share of the clips of part ``one`` with a key that occurs in part ``other``; NaN where none has a key."""
    is_one = part == one
    if not is_one[asked_clip].any():
        return float("nan")
    found = _found(part, one, other, asked_clip, asked_key, there_clip, there_key)
    return float(found.sum() / is_one.sum())


def _found(
    part: np.ndarray,
    one: str,
    other: str,
    asked_clip: np.ndarray,
    asked_key: np.ndarray,
    there_clip: np.ndarray,
    there_key: np.ndarray,
) -> np.ndarray:
    """Mask of the clips of part ``one`` with a key that occurs in part ``other``."""
    is_asked, is_other = (part == one)[asked_clip], part == other
    found = np.zeros(len(part), dtype=bool)
    if not is_asked.any():
        return found
    # donors can be named where nobody on screen is: then there is nothing to be found
    is_there = np.zeros(max(asked_key.max(), there_key.max(initial=-1)) + 1, dtype=bool)
    is_there[there_key[is_other[there_clip]]] = True
    found[asked_clip[is_asked & is_there[asked_key]]] = True
    return found


def _counts(clips: pd.DataFrame, part: np.ndarray) -> pd.DataFrame:
    kind = clips["av_class"].astype(object)
    label = clips["any_fake"].map({0: "real", 1: "fake"}).astype(object)
    kind = kind.where(kind.notna(), label).fillna("unknown")
    counts = pd.crosstab(part, kind.to_numpy(dtype=object)).reindex([*SPLITS, "dropped"], fill_value=0)
    counts["donor_unknown"] = pd.Series(part[has_flag(clips, "donor_unknown").to_numpy()]).value_counts()
    counts["clips"] = pd.Series(part).value_counts()
    return counts.fillna(0).astype(int).rename_axis(index=None, columns=None)


def _section(one: str, other: str) -> str:
    return f"{one} in {other}"


def _distinct(names: list[str]) -> list[str]:
    return [f"{name} ({position + 1})" if names.count(name) > 1 else name for position, name in enumerate(names)]


def _count_text(value: float) -> str:
    return "0" if np.isnan(value) else f"{int(value):,}"
