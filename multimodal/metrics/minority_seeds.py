"""Minority measures of trainings that differ in their seed: means with intervals, and paired differences.

All trainings are judged on the same test clips with the same draws of identities, so differences are paired.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from multimodal.metrics.intervals import Precision, precision_of
from multimodal.metrics.minority import MINORITY_MEASURES, MinorityMeasures
from multimodal.metrics.resampling import IdentityResampler
from multimodal.metrics.seeds import Drawn, difference_over_seeds, mean_over_seeds
from multimodal.metrics.significance import holm

#: What differences are taken of.
COMPARED = ("recall", "f1", "auc", "ap", "cllr")

Name = TypeVar("Name")


class DrawnMeasures(NamedTuple):
    """Every measure of each seed, on the clips as they are and in each replicate."""

    of: Mapping[str, Drawn]
    precision: Precision

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
    draws = list(resampler.draw(replicates, np.random.default_rng(seed)))
    once = [one(np.ones((resampler.num_identities, 1))) for one in seeds]
    drawn = [[one(draw) for draw in draws] for one in seeds]
    measures = {
        name: Drawn(
            np.concatenate([one[name] for one in once]),
            np.stack([np.concatenate([chunk[name] for chunk in one]) for one in drawn]),
        )
        for name in MINORITY_MEASURES
    }
    return DrawnMeasures(measures, precision_of(resampler))


def means_of(drawn: DrawnMeasures) -> dict[str, dict[str, Any]]:
    """Measure → its mean over seeds with a 95 % interval for other identities and other seeds."""
    return {
        name: mean_over_seeds(*of, drawn.precision, bounds="positive" if name == "cllr" else "unit").as_json()
        for name, of in drawn.of.items()
    }


def compare_drawn(drawn: Mapping[Name, DrawnMeasures], baseline: Name) -> dict[Name, dict[str, dict[str, Any]]]:
    """Differences of all others from the baseline.

    Returns:
        Name → measure → ``{"value", "low", "high", "p_value", "reason", "p_holm"}``, the last corrected for the
        comparisons of this measure; nothing where the baseline is not there.
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
        corrected = holm([entry["p_value"] for entry in found])
        for name, entry, p_holm in zip(others, found, corrected, strict=True):
            report[name][measure] = {**entry, "p_holm": p_holm}
    return report
