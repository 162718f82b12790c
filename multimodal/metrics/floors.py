"""What systems that do not look at a clip reach, given the class counts.

``random`` draws each probability evenly from [0, 1], whatever the clip; figures are expectations. ``always_fake``
gives every clip the probability 1. :func:`constant_floors` are of a third that says the share of fakes. A result
means something by its distance from these. None where a floor is not defined: a log loss of certainty that is
wrong, precision of a class that is never called.
"""

import numpy as np
from scipy import special

from multimodal.metrics.costs import ASVSPOOF5, cllr, log_likelihood_ratios

Floor = dict[str, float | None]


# Of the metrics of a binary target.


def binary_floors(num_fake: int, num_real: int, fake_prior: float = 0.5) -> dict[str, Floor]:
    """Floors of every metric of a binary target: ``{"random": {...}, "always_fake": {...}}``.

    Args:
        num_fake: fake clips judged.
        num_real: real clips judged.
        fake_prior: that the probabilities are said to assume (for Cllr and actDCF).

    >>> round(binary_floors(num_fake=6516, num_real=151)["random"]["ap_fake"], 3)
    0.977
    """
    if num_fake == 0 or num_real == 0:
        return {"random": {}, "always_fake": {}}
    share = num_fake / (num_fake + num_real)
    return {
        "random": _random(num_fake, num_real, share, fake_prior),
        "always_fake": _always_fake(share),
    }


def _random(num_fake: int, num_real: int, share: float, fake_prior: float) -> Floor:
    allowed = int(0.01 * num_real + 1e-9)
    # of the probabilities that are below the one whose ratio is ASVspoof's threshold, all are called real
    called_real = float(special.expit(ASVSPOOF5.threshold + special.logit(fake_prior)))
    missed_weight, flagged_weight = ASVSPOOF5.weights
    return {
        "auc": 0.5,
        "ap_fake": expected_average_precision(num_fake, num_real),
        "ap_real": expected_average_precision(num_real, num_fake),
        "eer": 0.5,
        "tpr_at_fpr_1pct": (allowed + 1) / (num_real + 1),
        "min_dcf": 1.0,
        "accuracy": 0.5,
        "balanced_accuracy": 0.5,
        "precision": share,
        "recall": 0.5,
        "f1": share / (share + 0.5),
        "precision_real": 1 - share,
        "recall_real": 0.5,
        "f1_real": (1 - share) / (1.5 - share),
        "brier": 1 / 3,
        "log_loss": 1.0,
        "ece": (share**2 + (1 - share) ** 2) / 2,
        "cllr": _random_cllr(fake_prior),
        "act_dcf": missed_weight * called_real + flagged_weight * (1 - called_real),
    }


def _random_cllr(fake_prior: float) -> float:
    """Mean over evenly spread probabilities, by the midpoint rule."""
    ratios = log_likelihood_ratios((np.arange(100_000) + 0.5) / 100_000, fake_prior)
    return cllr(ratios, ratios)


def _always_fake(share: float) -> Floor:
    return {
        "auc": 0.5,
        "ap_fake": share,
        "ap_real": 1 - share,
        "eer": 0.5,
        "tpr_at_fpr_1pct": 0.0,
        "min_dcf": 1.0,
        "accuracy": share,
        "balanced_accuracy": 0.5,
        "precision": share,
        "recall": 1.0,
        "f1": 2 * share / (1 + share),
        "precision_real": None,
        "recall_real": 0.0,
        "f1_real": 0.0,
        "brier": 1 - share,
        "log_loss": None,
        "ece": 1 - share,
        "cllr": None,
        "act_dcf": ASVSPOOF5.weights[1],
    }


def expected_average_precision(num_sought: int, num_other: int) -> float:
    """Mean average precision of a random order (Bestgen 2015, "Exact expected average precision").

    >>> expected_average_precision(num_sought=1, num_other=1)
    0.75
    """
    total = num_sought + num_other
    if num_other == 0:
        return 1.0
    harmonic = float(special.digamma(total + 1) + np.euler_gamma)
    sought = (num_sought - 1) / (total - 1)
    return sought + (1 - sought) * harmonic / total


def constant_floors(share: float) -> dict[str, float]:
    """What the share of fakes reaches when it is said of every clip: the floor of metrics of probabilities.

    >>> constant_floors(0.5)["brier"]
    0.25
    """
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return {"ece": 0.0, "brier": share * (1 - share), "log_loss": float(entropy), "cllr": 1.0}


# Of the metrics of the four classes.


def class_floors(counts: dict[str, int]) -> dict[str, Floor]:
    """Floors of the four-class metrics, from the number of clips of each class.

    ``random`` calls every class as often; ``always_fake`` calls FVFA always.
    """
    total = sum(counts.values())
    if total == 0 or not all(counts.values()):
        return {"random": {}, "always_fake": {}}
    size = len(counts)
    shares = {name: count / total for name, count in counts.items()}
    guessed = [2 * share / size / (share + 1 / size) for share in shares.values()]
    random: Floor = {"balanced_accuracy": 1 / size, "macro_auc": 0.5, "accuracy": 1 / size}
    always: Floor = {"balanced_accuracy": 1 / size, "macro_auc": 0.5, "accuracy": shares["FVFA"]}
    random["macro_f1"] = sum(guessed) / size
    always["macro_f1"] = 2 * shares["FVFA"] / (1 + shares["FVFA"]) / size
    for name in counts:
        random |= {f"recall_{name}": 1 / size, f"auc_{name}": 0.5}
        always |= {f"recall_{name}": float(name == "FVFA"), f"auc_{name}": 0.5}
    return {"random": random, "always_fake": always}
