"""How well the rare reals are found at one threshold, for a stated share of reals where the detector is used.

Recall of the reals and the share of fakes called real do not depend on how many of each a test split has, so
precision, F1 and accuracy follow from them for any prior: ``precision = p r / (p r + (1 - p) f)`` with the prior
``p`` of real, recall ``r`` and share ``f``. A test split with many reals then tells more of a rare class than one
as thin as the use would be.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from multimodal.metrics import perfect
from multimodal.metrics.bootstrap import (
    IdentityResampler,
    Precision,
    bootstrap,
    identity_codes,
    no_surer_than_parts,
    precision_of,
)
from multimodal.metrics.checks import Floats, ratio
from multimodal.metrics.costs import log_likelihood_ratios, ratio_loss_bits
from multimodal.metrics.power import correct
from multimodal.metrics.ranking import average_precision_real_of, roc_auc_of
from multimodal.metrics.seeds import OverSeeds, difference_over_seeds, mean_over_seeds, over_seeds
from multimodal.metrics.sorted_scores import SortedScores

#: In the order of the table; the last is a cost, without an upper bound.
MINORITY_MEASURES = (
    "recall",
    "precision",
    "f1",
    "false_real",
    "balanced_accuracy",
    "accuracy",
    "auc",
    "ap",
    "cllr",
)

#: What a value at the end of its range says; that of the precision depends on the recall.
_BOUNDS = {
    "recall": perfect.share_of(0),
    "f1": perfect.f_measure(0),
    "false_real": perfect.share_of(1),
    "balanced_accuracy": perfect.BALANCED_ACCURACY,
    "accuracy": perfect.ACCURACY,
    "auc": perfect.AREA,
    "ap": perfect.average_precision(0),
    "cllr": perfect.OPEN_COST,
}


def f1_at(recall: Floats, false_real: Floats, real_prior: float) -> Floats:
    """F1 of the reals where so many reals are found, and so many fakes called real, at a prior of real.

    >>> float(f1_at(np.array(0.5), np.array(0.0), 0.1))
    0.6666666666666666
    """
    found = real_prior * recall
    return 2 * found / (found + (1 - real_prior) * false_real + real_prior)


class MinorityMeasures:
    """Measures of one training as a function of how often each identity is counted.

    Args:
        scores: a scores table of the test split, with ``score_any``, ``any_fake`` and ``identity``.
        threshold: below it a clip is called real.
        real_prior: share of reals where the detector is used.
        learnt_fake_prior: share of fakes that the scores assume, for Cllr.
    """

    def __init__(
        self, scores: pd.DataFrame, *, threshold: float, real_prior: float, learnt_fake_prior: float
    ) -> None:
        judged = scores[scores["score_any"].notna() & scores["any_fake"].notna()]
        self.real_prior = real_prior
        values, fake = judged["score_any"].to_numpy(float), judged["any_fake"].to_numpy(int) == 1
        self.labels = fake.astype(np.int64)
        self.identity = identity_codes(judged["identity"].to_numpy(dtype=object))
        called_real = values < threshold
        size = int(self.identity.max()) + 1
        ratios = log_likelihood_ratios(values, learnt_fake_prior)
        bits = np.where(fake, ratio_loss_bits(ratios, 1), ratio_loss_bits(ratios, 0))
        self._sums = {
            name: np.bincount(self.identity, weights=of, minlength=size)
            for name, of in {
                "reals": ~fake,
                "fakes": fake,
                "found": ~fake & called_real,
                "missed": fake & called_real,
                "real_bits": np.where(fake, 0, bits),
                "fake_bits": np.where(fake, bits, 0),
            }.items()
        }
        self._ranked = SortedScores(values[fake], values[~fake], self.identity[fake], self.identity[~fake])

    def __call__(self, multiplicities: Floats) -> dict[str, Floats]:
        """Every measure, (replicates,), for multiplicities (identities, replicates)."""
        total = {name: sums @ multiplicities for name, sums in self._sums.items()}
        recall = ratio(total["found"], total["reals"])
        false_real = ratio(total["missed"], total["fakes"])
        found, wrong = self.real_prior * recall, (1 - self.real_prior) * false_real
        counts = self._ranked.counts(multiplicities)
        real_bits, fake_bits = ratio(total["real_bits"], total["reals"]), ratio(total["fake_bits"], total["fakes"])
        return {
            "recall": recall,
            "precision": ratio(found, found + wrong),
            "f1": f1_at(recall, false_real, self.real_prior),
            "false_real": false_real,
            "balanced_accuracy": (recall + 1 - false_real) / 2,
            "accuracy": found + (1 - self.real_prior) - wrong,
            "auc": roc_auc_of(counts),
            "ap": average_precision_real_of(counts),
            "cllr": (real_bits + fake_bits) / 2,
        }

    def recall_at(self, false_real: float) -> float:
        """Recall of the reals at the threshold that calls at most this share of the fakes real."""
        counts = self._ranked.counts()
        share_called_real = 1 - (counts.fake() / counts.num_fake)[:, 0]
        recall = 1 - (counts.real() / counts.num_real)[:, 0]
        return float(recall[share_called_real <= false_real + 1e-12].max())


# Minority measures of trainings that differ in their seed: means with intervals, and paired differences.


#: What differences are taken of.
COMPARED = ("recall", "f1", "auc", "ap", "cllr")

Name = TypeVar("Name")


class DrawnMeasures(NamedTuple):
    """Every measure of each seed, on the clips as they are and in each replicate."""

    of: Mapping[str, OverSeeds]
    precision: Precision
    real_prior: float

    @property
    def num_seeds(self) -> int:
        """Trainings."""
        return len(next(iter(self.of.values())).values)


def draw_measures(seeds: Sequence[MinorityMeasures], *, replicates: int, seed: int = 0) -> DrawnMeasures:
    """Draw identities ``replicates`` times and measure every seed on each draw.

    Args:
        seeds: the measures of each training, of the same clips.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap; the same one for all that will be compared.
    """
    resampler = IdentityResampler(seeds[0].identity, seeds[0].labels)
    drawn = [bootstrap(one, resampler, replicates=replicates, seed=seed) for one in seeds]
    measures = {name: over_seeds(drawn, name) for name in MINORITY_MEASURES}
    known = {name: of for name, of in measures.items() if of is not None}
    return DrawnMeasures(known, precision_of(resampler), seeds[0].real_prior)


def means_of(drawn: DrawnMeasures) -> dict[str, dict[str, Any]]:
    """Measure → its mean over seeds with a 95 % interval for other identities and other seeds."""
    found = float(drawn.of["recall"].values.mean())
    bounds = {**_BOUNDS, "precision": perfect.precision(0, found)}
    at_prior = drawn.precision.sample._replace(clips=(drawn.real_prior, 1 - drawn.real_prior))
    priors = {name: drawn.precision._replace(sample=at_prior) for name in bounds if name != "ap"}
    means = {
        name: mean_over_seeds(of, priors.get(name, drawn.precision), bounds=bounds[name])
        for name, of in drawn.of.items()
    }
    halves = ("recall", "false_real")
    drawn_halves = [drawn.of[name].replicates.mean(axis=0) for name in halves]
    if means["balanced_accuracy"].value != 1:
        means["balanced_accuracy"] = no_surer_than_parts(
            means["balanced_accuracy"], [means[name] for name in halves], drawn_halves
        )
    return {name: found.as_json() for name, found in means.items()}


def compare_drawn(drawn: Mapping[Name, DrawnMeasures], baseline: Name) -> dict[Name, dict[str, dict[str, Any]]]:
    """Differences of all others from the baseline.

    Returns:
        Name → measure → ``{"value", "low", "high", "p_value", "reason", "p_holm", "detectable"}``, the last two
        corrected for the comparisons of this measure, see :mod:`.power`; nothing where the baseline is not there.
    """
    if baseline not in drawn:
        return {}
    others = [name for name in drawn if name != baseline]
    report: dict[Name, dict[str, dict[str, Any]]] = {name: {} for name in others}
    for measure in COMPARED:
        there = drawn[baseline].of[measure]
        found = [
            difference_over_seeds(drawn[name].of[measure], there, drawn[name].precision)._asdict()
            for name in others
        ]
        correct(found)
        for name, entry in zip(others, found, strict=True):
            report[name][measure] = entry
    return report
