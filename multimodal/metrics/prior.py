"""Moving probabilities from the share of fakes that they assume to the share where they are used.

Balanced training, or a weighted loss, changes the class prior that a detector has learned; its outputs are
probabilities only after this correction (Elkan 2001, theorem 2; Saerens, Latinne and Decaestecker 2002,
equation 4). It assumes that the classes themselves look the same in both places. Ranks within a target do not
change, except those of marginals of a corrected four-class posterior.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multimodal.labels import CLASSES
from multimodal.metrics.checks import Floats, as_probabilities, check_prior


def correct_prior(probabilities: ArrayLike, *, assumed: float, wanted: float) -> Floats:
    """Probabilities of fake under another share of fakes.

    Args:
        probabilities: (n,) of fake.
        assumed: share of fakes that they assume: that of training, 0.5 after balancing.
        wanted: share of fakes where they are used.

    >>> correct_prior([0.5], assumed=0.5, wanted=0.1).tolist()
    [0.1]
    """
    values = as_probabilities(probabilities)
    both = np.stack([1 - values, values], axis=1)
    return correct_class_prior(both, assumed=[1 - assumed, assumed], wanted=[1 - wanted, wanted])[:, 1]


def correct_class_prior(posteriors: ArrayLike, *, assumed: ArrayLike, wanted: ArrayLike) -> Floats:
    """Posteriors of several classes under other class shares.

    Args:
        posteriors: (n, classes), each row summing to 1.
        assumed: (classes,) shares that they assume, all above 0.
        wanted: (classes,) shares where they are used; 0 rules a class out.
    """
    table = np.asarray(posteriors, dtype=np.float64)
    before, after = _shares(assumed, "assumed"), _shares(wanted, "wanted")
    if table.ndim != 2 or not table.shape[1] == len(before) == len(after):
        raise ValueError(
            f"want posteriors (n, classes) and as many shares; got {table.shape}, {len(before)} and {len(after)}"
        )
    if not np.isfinite(table).all() or np.abs(table.sum(axis=1) - 1).max(initial=0) > 1e-4 or (table < 0).any():
        raise ValueError("posteriors must be at least 0 and sum to 1 in each row. Are they logits?")
    if (before == 0).any():
        raise ValueError("assumed has a share of 0: what was never seen in training cannot be corrected for")
    moved = table * (after / before)
    total = moved.sum(axis=1, keepdims=True)
    # a clip that was certainly of a class now ruled out: only the shares are left to go by
    return np.where(total > 0, moved / np.where(total > 0, total, 1), after)


def _shares(values: ArrayLike, name: str) -> Floats:
    shares = np.asarray(values, dtype=np.float64)
    if shares.ndim != 1 or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(
            f"{name} must be shares that sum to 1; got {shares.tolist()}. Counts? Divide by their sum"
        )
    return shares


# Shares of the four classes and what follows from them for each target: the prior that a probability assumes.


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
    check_prior(fake_prior)
    fakes = 1 - like["RVRA"]
    kinds = {name: fake_prior * like[name] / fakes for name in CLASSES if name != "RVRA"}
    return shares_of({"RVRA": 1 - fake_prior, **kinds})
