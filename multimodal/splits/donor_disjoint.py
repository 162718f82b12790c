"""The protocol in which nobody seen or heard in one split is in another, in whatever role."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.people import People, has_flag, people_of
from multimodal.splits.assignment import PERSON_UNKNOWN, SPLITS, Assignment, assign, divide, unknown_people

#: Every part needs two people for a fake with somebody else's face or voice.
_SMALLEST_GROUP = 2 * len(SPLITS)


def donor_disjoint(
    manifest: Manifest,
    generator: np.random.Generator,
    *,
    val_share: float = 0.07,
    test_share: float = 0.30,
    search_rounds: int = 100,
    keep_unknown_donors: bool = False,
    keep_unknown_people: bool = False,
) -> Assignment:
    """Divide people within their groups and keep a clip only if all its people are on one side.

    Where everybody lends a face or a voice to many others, that drops about half of the fakes. A local search
    then swaps two people of a group whenever that keeps as many clips or more; the number of people per split
    stays. ``search_rounds`` is the number of swaps tried for each person. ``keep_unknown_donors`` also keeps
    fakes whose donor nobody names, and ``keep_unknown_people`` clips in which nobody is named, at the price of the
    guarantee.
    """
    unknown, notes = unknown_people(manifest.clips, keep=keep_unknown_people)
    clips = manifest.clips[~unknown[PERSON_UNKNOWN]]
    people = people_of(clips)
    group = _group_of_people(clips, people)
    split = divide(pd.Series(group), generator, val_share=val_share, test_share=test_share).to_numpy()
    rows = _distinct_people(people, len(clips))
    is_unknown = has_flag(clips, "donor_unknown") if not keep_unknown_donors else pd.Series(False, clips.index)
    before = _one_sided(split, rows)
    split = swap_people(split, group, rows[~is_unknown.to_numpy()], generator, search_rounds)
    kept = _one_sided(split, rows)
    note = f"clips with all people on one side: {before.sum():,} at random, {kept.sum():,} after the search"
    everything = manifest.clips.index
    reasons = unknown | {
        "a donor is not known": is_unknown.reindex(everything),
        "its people are in different splits": pd.Series(~kept, index=clips.index).reindex(everything),
    }
    return assign(pd.Series(split[rows[:, 0]], index=clips.index).reindex(everything), reasons, (note, *notes))


def swap_people(
    split: np.ndarray, group: np.ndarray, rows: np.ndarray, generator: np.random.Generator, num_rounds: int
) -> np.ndarray:
    """Swap the splits of two people of one group wherever no fewer clips stay whole.

    Args:
        split: (people,) names of splits.
        group: (people,) who may be swapped with whom.
        rows: (clips, width) indices of the people in each clip, repeated to fill the width.
        generator: draws the pairs.
        num_rounds: pairs tried for each person.

    Returns the improved ``split``; the number of people of each split in each group is unchanged.
    """
    sides, codes = np.unique(split, return_inverse=True)
    edges, weights = _edges(rows)
    if not len(edges):
        return split
    edges_of = _edges_of_people(edges, len(split))
    pools = [np.flatnonzero(group == name) for name in np.unique(group[np.unique(edges)])]
    for one, other in _pairs(pools, generator, num_rounds):
        if codes[one] == codes[other]:
            continue
        touched = np.union1d(edges_of[one], edges_of[other])
        before = weights[touched][_whole(codes, edges[touched])].sum()
        codes[[one, other]] = codes[[other, one]]
        if weights[touched][_whole(codes, edges[touched])].sum() < before:
            codes[[one, other]] = codes[[other, one]]
    return sides[codes]


def _pairs(pools: list[np.ndarray], generator: np.random.Generator, num_rounds: int) -> Iterator[tuple[int, int]]:
    """Pairs of people of one pool, each pool as often as it has people times rounds."""
    turns = generator.permutation(np.repeat(np.arange(len(pools)), [len(pool) * num_rounds for pool in pools]))
    for turn, (first, second) in zip(turns, generator.random((len(turns), 2)), strict=True):
        pool = pools[turn]
        yield pool[int(first * len(pool))], pool[int(second * len(pool))]


def _group_of_people(clips: pd.DataFrame, people: People) -> np.ndarray:
    """Group of each person: that of a clip that shows them, or else of one that they lent something to.

    Small groups of a corpus count as one, since a group of two, divided on its own, would never stay whole.
    """
    corpus = clips["corpus"].to_numpy(dtype=object)[people.clip]
    group = clips["group"].fillna("").to_numpy(dtype=object)[people.clip]
    first = pd.DataFrame({"corpus": corpus, "group": group}).groupby(people.person).first()
    size = first.groupby(["corpus", "group"])["group"].transform("size")
    named = first["group"].where(size >= _SMALLEST_GROUP, "")
    return (first["corpus"] + "|" + named).to_numpy(dtype=object)


def _distinct_people(people: People, num_clips: int) -> np.ndarray:
    """People of each clip as (clips, width), the person on screen first and repeated to fill the width."""
    order = np.argsort(people.clip, kind="stable")
    clip, person = people.clip[order], people.person[order]
    start = np.searchsorted(clip, np.arange(num_clips))
    place = np.arange(len(clip)) - start[clip]
    rows = np.repeat(person[start][:, None], place.max(initial=0) + 1, axis=1)
    rows[clip, place] = person
    return rows


def _edges(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct sets of two people or more, and how many clips have each."""
    several = rows[(rows != rows[:, :1]).any(axis=1)]
    if not len(several):
        return several, np.zeros(0, dtype=np.int64)
    return np.unique(np.sort(several, axis=1), axis=0, return_counts=True)


def _edges_of_people(edges: np.ndarray, num_people: int) -> list[np.ndarray]:
    edge = np.repeat(np.arange(len(edges)), edges.shape[1])
    order = np.argsort(edges.reshape(-1), kind="stable")
    bounds = np.searchsorted(edges.reshape(-1)[order], np.arange(num_people + 1))
    return [np.unique(edge[order[first:last]]) for first, last in pairwise(bounds)]


def _whole(codes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    sides = codes[edges]
    return (sides == sides[:, :1]).all(axis=1)


def _one_sided(split: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return _whole(np.unique(split, return_inverse=True)[1], rows)
