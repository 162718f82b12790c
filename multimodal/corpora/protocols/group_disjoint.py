"""The protocol for corpora whose people fall into closed groups: nobody is shared and no clip is lost."""

import numpy as np

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.people import unit_of
from multimodal.corpora.protocols.assignment import Assignment, assign, divide


def group_disjoint(
    manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.14, test_share: float = 0.14
) -> Assignment:
    """Divide closed groups of people; a clip without a group is divided by its person or source clip.

    Made for FaceForensics++, whose sequences swap faces in pairs: the default shares are those of its official
    split (140 of 1,000 sequences each), and this takes its place where the published lists are not at hand.
    Where groups are few or large (Celeb-DF, FakeAVCeleb), shares of clips can be far from the shares of groups;
    see ``donor_disjoint`` and ``group_out``.
    """
    clips = manifest.clips
    has_group = clips["group"].notna()
    group = (clips["corpus"] + "|" + clips["group"].fillna("")).where(has_group)
    units = group.fillna("one|" + unit_of(clips, "identity"))
    kinds = clips["corpus"] + has_group.map({True: "|group", False: "|one"})
    strata = kinds.groupby(units, sort=True).first()
    split = units.map(divide(strata, generator, val_share=val_share, test_share=test_share))
    return assign(split, {}, (f"{strata.size:,} groups, of {has_group.sum():,} clips in a group",))
