"""The protocol for corpora of a handful of speakers who lend their voices to each other, such as DEEP-VOICE."""

import numpy as np
import pandas as pd

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.people import people_of
from multimodal.corpora.protocols.assignment import SPLITS, TEST, TRAIN, VAL, Assignment, assign

_NUM_OUT = 2
_FEWEST = _NUM_OUT * len(SPLITS)


def leave_two_speakers_out(
    manifest: Manifest, generator: np.random.Generator, *, fold: int = 0, speakers: str = ""
) -> Assignment:
    """Test on two speakers, choose on two others, train on the rest; fakes with a foot on two sides are dropped.

    The seed deals speakers into pairs; pair number ``fold`` is test and the next one val, so that over all folds
    each pair is test once (an odd speaker out is always in train). ``speakers`` names the two of test instead, as
    in ``biden,linus``. A fake counts for the speaker of the recording and for the voice put over it: of the 56
    fakes of DEEP-VOICE 2 are left for test, 2 for val and 12 for train. Report all folds, not one.
    """
    clips = manifest.clips
    is_known = clips["identity"].notna()
    people = people_of(clips[is_known])
    if len(people.names) < _FEWEST:
        raise ValueError(
            f"leave_two_speakers_out needs {_FEWEST} speakers or more; this manifest names {len(people.names)}. "
            "Try source_disjoint or content_disjoint."
        )
    order = generator.permutation(len(people.names))
    test, val = _named(people.names, order, speakers) if speakers else _dealt(order, fold)
    side = np.full(len(people.names), SPLITS.index(TRAIN))
    side[test], side[val] = SPLITS.index(TEST), SPLITS.index(VAL)
    first = np.full(is_known.sum(), len(SPLITS))
    last = np.full(is_known.sum(), -1)
    np.minimum.at(first, people.clip, side[people.person])
    np.maximum.at(last, people.clip, side[people.person])
    split = pd.Series(None, index=clips.index, dtype=object)
    split[is_known] = np.array(SPLITS, dtype=object)[first]
    straddles = pd.Series(False, index=clips.index)
    straddles[is_known] = first != last
    reasons = {
        "nobody knows who speaks": ~is_known,
        "its recording and its voice are in different splits": straddles,
    }
    note = f"test: {', '.join(people.names[test])}; val: {', '.join(people.names[val])}"
    return assign(split, reasons, (note,))


def _dealt(order: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
    num_folds = len(order) // _NUM_OUT
    if not 0 <= fold < num_folds:
        raise ValueError(f"fold must be 0 to {num_folds - 1}, one for each pair of speakers; got {fold}")
    pairs = order[: num_folds * _NUM_OUT].reshape(num_folds, _NUM_OUT)
    return pairs[fold], pairs[(fold + 1) % num_folds]


def _named(names: np.ndarray, order: np.ndarray, speakers: str) -> tuple[np.ndarray, np.ndarray]:
    wanted = {name.strip().lower() for name in speakers.split(",") if name.strip()}
    known = {str(name).rpartition(":")[2].lower(): position for position, name in enumerate(names)}
    if len(wanted) != _NUM_OUT or not wanted <= set(known):
        raise ValueError(f"speakers must name two of {', '.join(sorted(known))}; got {speakers!r}")
    test = np.array([known[name] for name in sorted(wanted)])
    return test, order[~np.isin(order, test)][:_NUM_OUT]
