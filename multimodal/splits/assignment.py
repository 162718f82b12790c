"""What a protocol returns, and how units (clips, people, source clips) are divided evenly and by a seed."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from multimodal.corpora.people import is_nameless, unit_of

TRAIN, VAL, TEST = "train", "val", "test"
SPLITS = (TRAIN, VAL, TEST)


class Assignment(NamedTuple):
    """Where each clip goes: ``split`` is train, val, test or null (dropped, for the ``reason`` beside it).

    Both series are aligned with the clips. ``notes`` are remarks for the person who made the split.
    """

    split: pd.Series
    reason: pd.Series
    notes: tuple[str, ...] = ()


def assign(split: pd.Series, reasons: dict[str, pd.Series], notes: tuple[str, ...] = ()) -> Assignment:
    """Drop the clips where a condition in ``reasons`` (text → mask) holds; the first reason that holds counts."""
    split = split.astype(object).where(split.notna(), None)
    reason = pd.Series([None] * len(split), index=split.index, dtype=object)
    for text, mask in reasons.items():
        mask = mask.astype("boolean").fillna(False).astype(bool)  # of objects, pandas 2 warns when it fills
        reason[mask & reason.isna()] = text
    split[reason.notna()] = None
    reason[split.isna() & reason.isna()] = "not assigned by the protocol"
    return Assignment(split, reason, notes)


def divide(strata: pd.Series, generator: np.random.Generator, *, val_share: float, test_share: float) -> pd.Series:
    """Divide units at random into train, val and test, with the shares met as nearly as can be in every stratum.

    ``strata`` has one entry a unit. Totals are exact roundings of the shares; where a share is above zero and
    there are three units or more, its split gets at least one.
    """
    if not (0 <= val_share < 1 and 0 < test_share < 1 and val_share + test_share < 1):
        raise ValueError(
            f"val_share and test_share must be shares that leave something for train; got {val_share} and "
            f"{test_share}. Give e.g. 0.07 and 0.30."
        )
    total = len(strata)
    order = np.lexsort((generator.random(total), pd.factorize(strata, sort=True)[0]))
    num_test, num_val = (_count(total, share) for share in (test_share, val_share))
    pattern = np.full(total, TRAIN, dtype=object)
    is_test = _evenly(total, num_test)
    pattern[is_test] = TEST
    rest = np.flatnonzero(~is_test)
    pattern[rest[_evenly(len(rest), num_val)]] = VAL
    split = np.empty(total, dtype=object)
    split[order] = pattern
    return pd.Series(split, index=strata.index)


def divide_units(
    clips: pd.DataFrame, by: str, generator: np.random.Generator, *, val_share: float, test_share: float
) -> pd.Series:
    """Split of each clip such that no unit is in two; even over groups and over units with reals or fakes."""
    units = unit_of(clips, by).astype(object)
    table = (
        pd.DataFrame(
            {
                "corpus": clips["corpus"],
                "group": clips["group"].fillna(""),
                "least": clips["any_fake"].fillna(-1),
                "most": clips["any_fake"].fillna(-1),
            }
        )
        .groupby(units, sort=True)
        .agg({"corpus": "first", "group": "first", "least": "min", "most": "max"})
    )
    strata = table.groupby(list(table.columns)).ngroup()
    return units.map(divide(strata, generator, val_share=val_share, test_share=test_share))


def divide_people(
    clips: pd.DataFrame,
    generator: np.random.Generator,
    *,
    val_share: float,
    test_share: float,
    keep_unknown_people: bool,
) -> tuple[pd.Series, dict[str, pd.Series], tuple[str, ...]]:
    """Split of each clip such that nobody on screen is in two, with the reasons of dropping and the notes.

    Clips of somebody whom nobody names could show people of every part, and are dropped; ``keep_unknown_people``
    divides them by their source clips.
    """
    reasons, notes = unknown_people(clips, keep=keep_unknown_people)
    is_known = ~reasons[PERSON_UNKNOWN]
    split = pd.Series(None, index=clips.index, dtype=object)
    known = clips[is_known]
    split[is_known] = divide_units(known, "identity", generator, val_share=val_share, test_share=test_share)
    return split, reasons, notes


#: Why a protocol that keeps people apart drops a clip, if the person in it is not named.
PERSON_UNKNOWN = "nobody says who is in it (keep_unknown_people true keeps it)"


def unknown_people(clips: pd.DataFrame, *, keep: bool) -> tuple[dict[str, pd.Series], tuple[str, ...]]:
    """Clips to drop because the person in them is not known, and notes on those that stay in spite of that."""
    nameless = is_nameless(clips)
    notes = []
    if keep and nameless.any():
        notes.append(f"{nameless.sum():,} clips kept of people whom nobody names: they may be in several parts")
    is_named = clips["identity"].notna().groupby(clips["corpus"].astype(object)).any()
    notes += [
        f"{corpus} names nobody: divided by genuine clips, so that its people may be in several parts"
        for corpus in is_named.index[~is_named]
    ]
    return {PERSON_UNKNOWN: nameless & (not keep)}, tuple(notes)


def _count(total: int, share: float) -> int:
    return max(round(total * share), int(share > 0 and total >= len(SPLITS)))


def _evenly(total: int, count: int) -> np.ndarray:
    """Mask with ``count`` of ``total`` positions, evenly spaced."""
    if total == 0:
        return np.zeros(0, dtype=bool)
    return np.diff((np.arange(total + 1) * count + total // 2) // total).astype(bool)
