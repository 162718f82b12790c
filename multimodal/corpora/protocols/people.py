"""Who is in a clip, in any role, as arrays that stay fast for a million clips."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from multimodal.corpora.protocols.assignment import unit_of


class People(NamedTuple):
    """Every pair of clip and person: ``clip`` is the row in the table, ``person`` an index into ``names``.

    First one pair a clip for the person on screen, in the order of the clips; then one for each donor.
    """

    clip: np.ndarray
    person: np.ndarray
    names: np.ndarray


def people_of(clips: pd.DataFrame) -> People:
    """People of each clip; a clip without identity stands for its source clip."""
    seen = unit_of(clips, "identity").to_numpy(dtype=object)
    row, donor = list_items(clips["donors"])
    person, names = pd.factorize(np.concatenate([seen, donor]), sort=True)
    return People(np.concatenate([np.arange(len(clips)), row]), person, np.asarray(names, dtype=object))


def has_flag(clips: pd.DataFrame, flag: str) -> pd.Series:
    """Whether each clip carries a flag, aligned with the clips."""
    row, flags = list_items(clips["flags"])
    mask = np.zeros(len(clips), dtype=bool)
    mask[row[flags == flag]] = True
    return pd.Series(mask, index=clips.index)


def list_items(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Row number and value of every item in a column of lists."""
    lists = pa.array(column, pa.list_(pa.string()))
    row = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    return row.astype(np.int64), pc.list_flatten(lists).to_numpy(zero_copy_only=False).astype(object)
