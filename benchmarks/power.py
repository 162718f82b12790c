"""How often a planted difference is found, against the 80 % that are stated beside "could be seen".

    python -m benchmarks.power
    python -m benchmarks.power --trials 500 --replicates 500

Two systems judge the same simulated people: scores are normal, a share of their variance is the person's, and
noise common to both makes the comparison a paired one. A first pass compares systems that do not differ and takes
the middle of the smallest differences in ROC area that are said to be seen; a second one plants exactly that
difference, half of it above and half below, and counts how often it is found at the same level. Status 1 if a row
is outside 70 to 90 %.
"""

import argparse
import sys
from typing import NamedTuple

import numpy as np
from scipy import stats

from multimodal.metrics.bootstrap import Difference, IdentityResampler, bootstrap, paired_difference, precision_of
from multimodal.metrics.power import POWER, detectable
from multimodal.metrics.ranking import roc_auc_of
from multimodal.metrics.sorted_scores import SortedScores

DEFENDED = (0.7, 0.9)
LEVEL = 0.95


class Scenario(NamedTuple):
    """Clips of each class for each person, the area halfway between the systems, tests that share the level."""

    people: int
    clips: int
    area: float
    tests: int


SCENARIOS = [
    Scenario(20, 4, 0.80, 1),
    Scenario(60, 4, 0.80, 1),
    Scenario(60, 4, 0.90, 1),
    Scenario(60, 4, 0.80, 6),
    Scenario(200, 2, 0.90, 1),
]


def difference_of(scenario: Scenario, planted: float, replicates: int, rng: np.random.Generator) -> Difference:
    """The difference found in one simulated test set, of two systems as far apart as planted."""
    person = np.repeat(np.arange(scenario.people), 2 * scenario.clips)
    label = np.tile(np.repeat([0, 1], scenario.clips), scenario.people)
    common = 0.5 * rng.normal(size=scenario.people)[person] + 0.5 * rng.normal(size=len(person))
    resampler = IdentityResampler(person, label)
    seed = int(rng.integers(2**31))
    drawn = []
    for area in (scenario.area + planted / 2, scenario.area - planted / 2):
        own = np.sqrt(0.5) * rng.normal(size=len(person))
        scores = np.sqrt(2) * stats.norm.ppf(area) * label + common + own
        fake, real = label == 1, label == 0
        ranked = SortedScores(scores[fake], scores[real], person[fake], person[real])

        def measure(draw: np.ndarray, ranked: SortedScores = ranked) -> dict[str, np.ndarray]:
            return {"auc": roc_auc_of(ranked.counts(draw))}

        drawn.append(bootstrap(measure, resampler, replicates=replicates, seed=seed)["auc"])
    a, b = drawn
    return paired_difference(a.value - b.value, a.replicates - b.replicates, precision_of(resampler))


def found_share(scenario: Scenario, trials: int, replicates: int, seed: int) -> tuple[float, float]:
    """The difference that is said to be seen, and how often it is found when it is planted."""
    rng = np.random.default_rng(seed)
    equal = [difference_of(scenario, 0.0, replicates, rng) for _ in range(trials)]
    stated = [detectable(one.error, one.degrees, tests=scenario.tests) for one in equal if one.error is not None]
    planted = float(np.median(stated))
    unlike = [difference_of(scenario, planted, replicates, rng) for _ in range(trials)]
    found = [one.p_value is not None and one.p_value < (1 - LEVEL) / scenario.tests for one in unlike]
    return planted, float(np.mean(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300, help="simulated test sets of each pass")
    parser.add_argument("--replicates", type=int, default=200, help="bootstrap replicates a test set")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"power in %, stated {100 * POWER:.0f}, {options.trials} trials of {options.replicates} replicates")
    print(f"{'people':>8}{'clips':>8}{'AUC':>8}{'tests':>8}{'could be seen':>16}{'found':>8}")
    outside = 0
    for scenario in SCENARIOS:
        planted, share = found_share(scenario, options.trials, options.replicates, options.seed)
        missed = not DEFENDED[0] <= share <= DEFENDED[1]
        outside += missed
        clips = 2 * scenario.people * scenario.clips
        print(
            f"{scenario.people:>8}{clips:>8}{scenario.area:>8.2f}{scenario.tests:>8}{planted:>16.3f}"
            f"{100 * share:>8.1f}{'  OUTSIDE' if missed else ''}",
            flush=True,
        )
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
