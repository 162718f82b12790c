"""Who is in a clip, in any role, as arrays that stay fast for a million clips, and who is in none.

:func:`people_of` pairs clips and people, :func:`unit_of` says what must not be torn apart, :func:`is_nameless` of
which clips nobody says who is in them, and :func:`with_closed_groups` who lends a face or a voice to whom.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from multimodal.corpora.manifest import Clip


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
    donor = same_spelling(donor)
    person, names = pd.factorize(np.concatenate([seen, donor]), sort=True)
    return People(np.concatenate([np.arange(len(clips)), row]), person, np.asarray(names, dtype=object))


def same_spelling(people: np.ndarray) -> np.ndarray:
    """Names of people with their namespace in lower case, so that the same person is found across corpora.

    >>> same_spelling(np.array(["VOX2:id00017", None, "Anna"], dtype=object)).tolist()
    ['vox2:id00017', None, 'Anna']
    """
    codes, names = pd.factorize(people)
    spelt = [namespace.lower() + colon + name for namespace, colon, name in (one.rpartition(":") for one in names)]
    return np.array([*spelt, None], dtype=object)[codes]


def is_nameless(clips: pd.DataFrame) -> pd.Series:
    """Whether nobody says who is on screen in a clip, though its corpus names the people of others.

    A corpus that names nobody at all (DFDC, most images) has no such clip: there is nothing to keep apart by.
    """
    is_named = clips["identity"].notna()
    return ~is_named & is_named.groupby(clips["corpus"].astype(object)).transform("any")


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


# Closed groups of people: nobody in one lends a face or a voice to anybody in another.


def with_closed_groups(clips: Iterable[Clip], ties: Iterable[tuple[str, ...]] = ()) -> Iterator[Clip]:
    """Give each clip the ``group`` of its people; clips without identity are left alone.

    Groups are the connected components of who is in a clip with whom, and of ``ties``, further people who belong
    together. A group is named after the first of its people in alphabetical order.
    """
    clips = list(clips)
    groups = closed_groups(
        [*ties, *((clip.identity, *clip.donors) for clip in clips if clip.identity is not None)]
    )
    for clip in clips:
        yield clip if clip.identity is None else clip._replace(group=groups[clip.identity])


def closed_groups(ties: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Person → name of the group, such that all people of a tie share it.

    >>> closed_groups([("b", "a"), ("c",), ("d", "b")])
    {'b': 'a', 'a': 'a', 'c': 'c', 'd': 'a'}
    """
    leader: dict[str, str] = {}

    def find(person: str) -> str:
        leader.setdefault(person, person)
        while leader[person] != person:
            leader[person] = leader[leader[person]]
            person = leader[person]
        return person

    for first, *others in ties:
        find(first)
        for other in others:
            one, two = sorted((find(first), find(other)))
            leader[two] = one
    return {person: find(person) for person in leader}


def unit_of(clips: pd.DataFrame, by: str) -> pd.Series:
    """What must not be torn apart: the ``identity`` or the ``source_clip`` of each clip.

    A clip without identity stands for its source clip, and one without source clip (every genuine one) for itself.
    """
    source, path = (clips[name].astype("string") for name in ("source_clip", "path"))
    own = clips["corpus"] + "/" + source.fillna(path)
    if by != "identity":
        return own
    named = pd.Series(same_spelling(clips["identity"].to_numpy(dtype=object, na_value=None)), index=clips.index)
    return named.where(named.notna(), own)
