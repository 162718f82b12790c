"""The protocol that holds out whole groups: nobody is shared and no clip is lost, at the price of a shift."""

import numpy as np

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols.assignment import TEST, TRAIN, VAL, Assignment, assign


def group_out(manifest: Manifest, generator: np.random.Generator, *, fold: int = 0) -> Assignment:
    """Hold out group number ``fold`` (in alphabetical order) for test and another, drawn by the seed, for val.

    In FakeAVCeleb the groups are the ten cells of race and gender; donors never come from another cell, so that
    no clip is dropped. But test people differ from train people in race or gender too: report another protocol
    beside it. Over all folds of one seed each group is test once and val once.
    """
    clips = manifest.clips
    groups = list_groups(manifest)
    if len(groups) < 3:
        raise ValueError(
            f"group_out needs three groups or more; this manifest has {len(groups)}. Try donor_disjoint or "
            "source_disjoint."
        )
    if not 0 <= fold < len(groups):
        raise ValueError(f"fold must be 0 to {len(groups) - 1}, one for each of the groups; got {fold}")
    circle = generator.permutation(len(groups))
    place = int(np.flatnonzero(circle == fold)[0])
    test, val = groups[fold], groups[circle[(place + 1) % len(groups)]]
    split = clips["group"].map(dict.fromkeys(groups, TRAIN) | {test: TEST, val: VAL})
    note = f"fold {fold} of {len(groups)}: test {test}, val {val}"
    return assign(split, {"no group is known": clips["group"].isna()}, (note,))


def list_groups(manifest: Manifest) -> list[str]:
    """Groups of a manifest in the order of the folds.

    Raises ``ValueError`` where the clips come from several corpora, whose groups mean different things.
    """
    corpora = sorted(manifest.clips["corpus"].unique())
    if len(corpora) > 1:
        raise ValueError(f"group_out takes one corpus at a time; got {', '.join(corpora)}")
    return sorted(manifest.clips["group"].dropna().unique())
