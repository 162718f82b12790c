"""The protocol that asks how a detector fares on a kind of forgery that it never saw."""

import numpy as np
import pandas as pd

from multimodal.corpora.choose import choose
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.protocols.assignment import TEST, Assignment, assign, divide_units

#: FakeAVCeleb's categories as AVFF and Feng et al. name them (WL wav2lip, FS face swap, GAN fsgan), and the two
#: that they leave out; class and method of each.
CATEGORIES = {
    "RVFA": ("RVFA", "rtvc"),
    "FVRA-WL": ("FVRA", "wav2lip"),
    "FVRA-FS": ("FVRA", "faceswap"),
    "FVRA-GAN": ("FVRA", "fsgan"),
    "FVFA-WL": ("FVFA", "wav2lip"),
    "FVFA-FS": ("FVFA", "faceswap-wav2lip"),
    "FVFA-GAN": ("FVFA", "fsgan-wav2lip"),
}


def leave_method_out(
    manifest: Manifest,
    generator: np.random.Generator,
    *,
    held_out: str = "RVFA",
    val_share: float = 0.07,
    test_share: float = 0.30,
) -> Assignment:
    """Test on one kind of fake and held-out reals; train and val see all other kinds.

    ``held_out`` is one of :data:`CATEGORIES`, or a method of the manifest. People on screen are divided as in
    ``source_disjoint``; test holds the genuine clips and the held-out fakes of the test people. One voice cloner
    made all of FakeAVCeleb's fake sound, so that unseen there never means an unseen voice cloner.
    """
    clips = manifest.clips
    is_fake = (clips["any_fake"] == 1).fillna(False).astype(bool)
    is_held_out = is_fake & _is_kind(clips, held_out)
    split = divide_units(clips, "identity", generator, val_share=val_share, test_share=test_share)
    reasons = {
        "its method is not known": is_fake & (clips["method"] == "unknown"),
        "a held-out fake of a person in train or val": is_held_out & (split != TEST),
        "another kind of fake, of a person in test": is_fake & ~is_held_out & (split == TEST),
    }
    return assign(split, reasons, (f"held out: {held_out}, {is_held_out.sum():,} clips",))


def _is_kind(clips: pd.DataFrame, held_out: str) -> pd.Series:
    kinds = {
        name: (clips["av_class"] == av) & (clips["method"] == method) for name, (av, method) in CATEGORIES.items()
    }
    kinds = {name: mask for name, mask in kinds.items() if mask.any()}
    methods = clips["method"][clips["any_fake"] == 1].unique()
    kinds |= {name: clips["method"] == name for name in methods if name != "unknown"}
    return choose(kinds, held_out, "kind of fake").fillna(False).astype(bool)
