"""Protocols that divide clips, people or source clips by a seed."""

import numpy as np

from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols.assignment import Assignment, assign, divide, divide_units


def random(
    manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.07, test_share: float = 0.30
) -> Assignment:
    """Divide clips, stratified by class, without regard to people.

    This is how several published numbers were made; the person and the source clip of nearly every test clip
    are then in train. It is here for comparison.
    """
    clips = manifest.clips
    strata = clips["corpus"] + "|" + clips["av_class"].fillna(clips["any_fake"].astype("string").fillna("?"))
    return assign(divide(strata, generator, val_share=val_share, test_share=test_share), {})


def source_disjoint(
    manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.07, test_share: float = 0.30
) -> Assignment:
    """Divide the people on screen, evenly over groups; donors are not looked at.

    The default shares are those of the list published with AVH-Align (314, 35 and 151 of 500 people).
    """
    split = divide_units(manifest.clips, "identity", generator, val_share=val_share, test_share=test_share)
    return assign(split, {})


def content_disjoint(
    manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.07, test_share: float = 0.30
) -> Assignment:
    """Divide source clips: a genuine clip and all fakes made from it go to one side."""
    split = divide_units(manifest.clips, "source_clip", generator, val_share=val_share, test_share=test_share)
    return assign(split, {})
