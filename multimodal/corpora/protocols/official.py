"""The split that the authors of a corpus published, as far as they did."""

import numpy as np

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols.assignment import SPLITS, TEST, TRAIN, VAL, Assignment, assign, divide_units


def official(manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.1) -> Assignment:
    """Take ``official_split`` of the manifest; test is never touched.

    Where a corpus has a train but no val part, ``val_share`` of the people in train become val: models and
    thresholds must not be chosen on test. Where there are too few people for that (WaveFake has one a language),
    source clips are divided instead. ``val_share=0`` leaves val empty.
    """
    clips = manifest.clips
    known = clips["official_split"].isin(SPLITS)
    if not known.any():
        raise ValueError(
            f"{', '.join(sorted(clips['corpus'].unique()))}: no official split is known. "
            "Choose a protocol that makes one, e.g. source_disjoint."
        )
    split = clips["official_split"].where(known)
    notes = []
    for corpus, rows in clips.groupby("corpus"):
        names = set(split[rows.index].dropna())
        if TRAIN in names and VAL not in names and val_share > 0:
            train = rows[split[rows.index] == TRAIN]
            parts = divide_units(train, "identity", generator, val_share=0.0, test_share=val_share)
            if is_one_side := not (parts == TEST).any():
                parts = divide_units(train, "source_clip", generator, val_share=0.0, test_share=val_share)
            split[train.index] = parts.replace({TEST: VAL})
            how = ", whose people stay in train too" if is_one_side else ""
            notes.append(
                f"{corpus}: no official val; {(parts == TEST).sum():,} clips of train were taken for it{how}"
            )
    others = sorted(clips["official_split"][~known].dropna().unique())
    reasons = {
        "in no official split": clips["official_split"].isna(),
        **{f"official part {name} is not to be scored": clips["official_split"] == name for name in others},
    }
    return assign(split, reasons, tuple(notes))
