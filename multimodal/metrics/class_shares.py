"""Shares of the four classes and what follows from them for each target: the prior that a probability assumes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from multimodal.labels import CLASSES

#: class, target or modality alone → share of clips that are of the class, or fake
Shares = dict[str, float]


def shares_of(classes: Mapping[str, float], **alone: float) -> Shares:
    """Shares of fakes of every target from those of the classes.

    Args:
        classes: class → share, summing to 1.
        alone: ``video_alone`` and ``audio_alone`` where a modality's own head assumes another share.

    >>> shares_of({"RVRA": 0.4, "RVFA": 0.1, "FVRA": 0.2, "FVFA": 0.3})["video"]
    0.5
    """
    video, audio = classes["FVRA"] + classes["FVFA"], classes["RVFA"] + classes["FVFA"]
    fakes = {
        "any": 1 - classes["RVRA"],
        "video": video,
        "audio": audio,
        "video_alone": video,
        "audio_alone": audio,
    }
    return {**classes, **fakes, **alone}


def smoothed_shares(counts: Mapping[str, float]) -> Shares:
    """Class shares with one clip more of each class, so that a class that few clips happen to lack stays possible.

    >>> smoothed_shares({"RVRA": 0, "FVFA": 6})
    {'RVRA': 0.1, 'RVFA': 0.1, 'FVRA': 0.1, 'FVFA': 0.7}
    """
    total = sum(counts.get(name, 0) for name in CLASSES) + len(CLASSES)
    return {name: (counts.get(name, 0) + 1) / total for name in CLASSES}


def observed_shares(scores: pd.DataFrame) -> Shares:
    """The (smoothed) shares in a scores table, of clips whose class is known."""
    counts = scores["av_class"].value_counts()
    return shares_of(smoothed_shares({str(name): float(count) for name, count in counts.items()}))


def stated_shares(fake_prior: float, like: Mapping[str, float]) -> Shares:
    """The shares where ``fake_prior`` of the clips are fake; the kinds of fake keep their proportions in ``like``.

    >>> found = stated_shares(0.1, {"RVRA": 0.4, "RVFA": 0.1, "FVRA": 0.2, "FVFA": 0.3})
    >>> round(found["any"], 6), round(found["FVFA"], 6), round(found["video"], 6)
    (0.1, 0.05, 0.083333)
    """
    if not 0 < fake_prior < 1:
        raise ValueError(f"fake_prior must lie inside (0, 1); got {fake_prior}. Percent? Divide by 100")
    fakes = 1 - like["RVRA"]
    kinds = {name: fake_prior * like[name] / fakes for name in CLASSES if name != "RVRA"}
    return shares_of({"RVRA": 1 - fake_prior, **kinds})


def weighted_shares(shares: Mapping[str, float], weights: Mapping[str, float]) -> Shares:
    """The class shares that a learner sees when each clip of a class counts ``weights`` times.

    >>> weighted_shares({"real": 0.1, "fake": 0.9}, {"real": 9, "fake": 1})
    {'real': 0.5, 'fake': 0.5}
    """
    seen = {name: share * weights[name] for name, share in shares.items()}
    total = float(np.sum(list(seen.values())))
    return {name: value / total for name, value in seen.items()}
