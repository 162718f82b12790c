"""What a split lets through: how many test clips show or borrow from somebody, or something, seen in training."""

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
}


@dataclass(frozen=True)
class Leakage:
    """Overlap of a split's parts.

    ``overlap`` has a row for each of :data:`PAIRS` (``"test in train"``) and a column for each of
    :data:`OVERLAPS`: the share of the first part's clips, NaN where nothing is known of it. ``counts`` has a row
    a part (and ``dropped``) and a column a class, with ``donor_unknown`` and ``clips`` beside them.
    """

    protocol: str
    overlap: pd.DataFrame
    counts: pd.DataFrame
    dropped: dict[str, int]
    notes: tuple[str, ...]


def measure_leakage(manifest: Manifest, split: Split) -> Leakage:
    """Compare every part of a split with the others, by person, donor and source clip."""
    clips = manifest.clips
    part = split.of(clips).astype(object).where(lambda column: column.notna(), "dropped").to_numpy()
    traces = _traces(clips)
    overlap = pd.DataFrame(
        {name: {_section(*pair): _share(part, *pair, *trace) for pair in PAIRS} for name, trace in traces.items()},
    )
    return Leakage(split.protocol, overlap, _counts(clips, part), split.dropped, split.notes)


def leakage_table(leakages: Sequence[Leakage], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Several splits side by side: a column a split, named by its protocol if not by ``names``.

    Rows are (section, measure): shares for the sections of :data:`PAIRS`, counts for train, val, test, dropped and
    for the reasons of dropping.
    """
    names = list(names or _distinct([one.protocol for one in leakages]))
    columns = {}
    for name, leakage in zip(names, leakages, strict=True):
        columns[name] = pd.concat(
            {
                **dict(leakage.overlap.iterrows()),
                **dict(leakage.counts.iterrows()),
                "dropped because": pd.Series(leakage.dropped, dtype=float),
            }
        )
    return pd.concat(columns, axis=1, sort=False)


def leakage_text(leakages: Sequence[Leakage], names: Sequence[str] | None = None) -> str:
    """The same table as text, for a terminal, with its legend and the notes of the protocols."""
    table = leakage_table(leakages, names)
    is_share = table.index.get_level_values(0).isin([_section(*pair) for pair in PAIRS])
    cells = table.astype(object)
    for row, share in enumerate(is_share):
        cells.iloc[row] = [(_share_text if share else _count_text)(value) for value in table.iloc[row]]
    shown = cells[is_share | (table.fillna(0) != 0).any(axis=1).to_numpy()]
    legend = [f"  {name:<16} {meaning}" for name, meaning in OVERLAPS.items()]
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
    has_source = (clips["source_clip"].notna() | (clips["any_fake"] == 0).fillna(False)).to_numpy(dtype=bool)
    return {
        "identity": (*seen, *seen),
        "donor_on_screen": (*donors, *seen),
        "donor": (*donors, *anyone),
        "person": (*anyone, *anyone),
        "source_clip": (row[has_source], source[has_source], row[has_source], source[has_source]),
    }


def _share(
    part: np.ndarray,
    one: str,
    other: str,
    asked_clip: np.ndarray,
    asked_key: np.ndarray,
    there_clip: np.ndarray,
    there_key: np.ndarray,
) -> float:
    """Share of the clips of part ``one`` with a key that occurs in part ``other``."""
    is_one, is_other = part == one, part == other
    is_asked = is_one[asked_clip]
    if not is_asked.any():
        return float("nan")
    is_there = np.zeros(max(asked_key.max(), there_key.max()) + 1, dtype=bool)
    is_there[there_key[is_other[there_clip]]] = True
    found = np.zeros(len(part), dtype=bool)
    found[asked_clip[is_asked & is_there[asked_key]]] = True
    return float(found.sum() / is_one.sum())


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


def _share_text(value: float) -> str:
    return "not known" if np.isnan(value) else f"{value:.1%}"


def _count_text(value: float) -> str:
    return "0" if np.isnan(value) else f"{int(value):,}"
