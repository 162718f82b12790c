"""Protocols that leave something out of training altogether: a kind of forgery, or two speakers of a handful."""

import numpy as np
import pandas as pd

from multimodal.catalog import choose
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.people import people_of
from multimodal.splits.assignment import SPLITS, TEST, TRAIN, VAL, Assignment, assign, divide_people

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
    keep_unknown_people: bool = False,
) -> Assignment:
    """Test on one kind of fake and held-out reals; train and val see all other kinds.

    ``held_out`` is one of :data:`CATEGORIES`, or a method of the manifest. People on screen are divided as in
    ``source_disjoint``; test holds the genuine clips and the held-out fakes of the test people. One voice cloner
    made all of FakeAVCeleb's fake sound, so that unseen there never means an unseen voice cloner.
    """
    clips = manifest.clips
    is_fake = (clips["any_fake"] == 1).fillna(False).astype(bool)
    is_held_out = is_fake & _is_kind(clips, held_out)
    split, reasons, notes = divide_people(
        clips,
        generator,
        val_share=val_share,
        test_share=test_share,
        keep_unknown_people=keep_unknown_people,
    )
    reasons |= {
        "its method is not known": is_fake & (clips["method"].fillna("unknown") == "unknown"),
        "a held-out fake of a person in train or val": is_held_out & (split != TEST),
        "another kind of fake, of a person in test": is_fake & ~is_held_out & (split == TEST),
    }
    return assign(split, reasons, (f"held out: {held_out}, {is_held_out.sum():,} clips", *notes))


def _is_kind(clips: pd.DataFrame, held_out: str) -> pd.Series:
    kinds = {
        name: (clips["av_class"] == av) & (clips["method"] == method) for name, (av, method) in CATEGORIES.items()
    }
    kinds = {name: mask for name, mask in kinds.items() if mask.any()}
    methods = clips["method"][clips["any_fake"] == 1].dropna().unique()
    kinds |= {name: clips["method"] == name for name in methods if name != "unknown"}
    return choose(kinds, held_out, "kind of fake").astype("boolean").fillna(False).astype(bool)


# The protocol for corpora of a handful of speakers who lend their voices to each other, such as DEEP-VOICE.


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
