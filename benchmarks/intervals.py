"""How often the 95 % intervals cover the truth, on scores whose true metrics are known.

``python -m benchmarks.intervals`` simulates binormal scores: reals N(0, 1), fakes N(d, 1), where a share of the
variance belongs to the identity and is the same for all its clips. The truth is that of ever new identities.
It ends with an error if the ROC area is covered in fewer than 93 or more than 97 % of the trials in a defended
row; rows with few identities ("hard"), the other metrics and plain percentile intervals are there to be seen.
Rows "near 1" have true areas of 0.98 and more and few people. Their intervals are those of a perfect score or next
to it, which are meant to be careful, so only coverage below 93 % is an error; it is told how often the area seen
was exactly 1, and how often the interval held the truth then. ``--least-area 0.98`` runs no others. With
``--bounded`` the columns are all other measures that have an end: of the ranking, and of decisions half way
between the means, each with its coverage and, in brackets, that of the trials where it was exactly at its best.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

from multimodal.metrics.bootstrap import IdentityResampler, interval, paired_difference, precision_of
from multimodal.metrics.decisions import balanced_accuracy, decisions_at
from multimodal.metrics.perfect import AREA, UNIT, cost_at_distance, precision_at_distance
from multimodal.metrics.ranking import equal_error_rate_of, roc_auc_of, tpr_at_fpr_of
from multimodal.metrics.sorted_scores import Counts, SortedScores
from multimodal.metrics.target_metrics import DECISIONS, RANKING, with_intervals

DEFENDED = (0.93, 0.97)
THRESHOLD = 0.5
FALSE_POSITIVE_RATE = 0.1
Metric = Callable[[Counts, SortedScores], np.ndarray]

METRICS: dict[str, Metric] = {
    "auc": lambda counts, ranked: roc_auc_of(counts),
    "eer": lambda counts, ranked: equal_error_rate_of(counts),
    "tpr@10%": lambda counts, ranked: tpr_at_fpr_of(counts, FALSE_POSITIVE_RATE),
    "bal.acc": lambda counts, ranked: balanced_accuracy(decisions_at(counts, ranked.point_of(THRESHOLD))),
}
#: Measures with an end, beside those above: of the ranking, and of decisions half way between the means.
BOUNDED = ("ap_fake", "ap_real", "eer", "tpr_at_fpr_1pct", "min_dcf")
DECIDED = ("accuracy", "balanced_accuracy", "recall", "recall_real", "f1_real", "precision_real")


class Scenario(NamedTuple):
    """``identities`` 0: every clip is of another person; ``shared``: each person has real and fake clips."""

    name: str
    identities: int
    num_fake: int
    num_real: int
    area: float
    identity_share: float = 0.0
    shared: bool = True
    hard: bool = False
    near: bool = False

    def is_defended(self, covered: float) -> bool:
        """Whether the share of trials that the ROC area was covered in is as it should be, or not promised."""
        low, high = DEFENDED
        return self.hard or low <= covered <= (1 if self.near else high)


SCENARIOS = [
    Scenario("clips apart, 200 + 100", 0, 200, 100, 0.80),
    Scenario("clips apart, 200 + 20", 0, 200, 20, 0.80),
    Scenario("clips apart, 200 + 20", 0, 200, 20, 0.95),
    Scenario("clips apart, 500 + 100", 0, 500, 100, 0.99),
    Scenario("clips apart, 840 + 20 (42:1)", 0, 840, 20, 0.90),
    Scenario("20 people, real and fake", 20, 200, 50, 0.80, 0.5),
    Scenario("20 people, real and fake", 20, 400, 40, 0.95, 0.3),
    Scenario("50 people, real and fake", 50, 500, 50, 0.90, 0.5),
    Scenario("100 people, real and fake", 100, 1000, 100, 0.98, 0.5),
    Scenario("50 people, 42 fakes to a real", 50, 2100, 50, 0.90, 0.3),
    Scenario("20 real people, 20 fake ones", 20, 200, 60, 0.95, 0.5, shared=False),
    Scenario("50 real people, 50 fake ones", 50, 200, 100, 0.90, 0.5, shared=False),
    Scenario("10 people, real and fake", 10, 200, 50, 0.80, 0.5, hard=True),
    Scenario("10 people, real and fake", 10, 200, 50, 0.95, 0.5, hard=True),
    Scenario("10 real people, 10 fake ones", 10, 200, 50, 0.80, 0.5, shared=False, hard=True),
    Scenario("5 people, real and fake", 5, 100, 50, 0.80, 0.5, hard=True),
    *(
        Scenario(name, identities, num_fake, num_real, area, share, shared=shared, near=True)
        for name, identities, num_fake, num_real, share, shared in (
            ("clips apart, 200 + 10", 0, 200, 10, 0.0, True),
            ("clips apart, 20 + 20", 0, 20, 20, 0.0, True),
            ("10 people, real and fake", 10, 200, 20, 0.3, True),
            ("20 people, real and fake", 20, 200, 40, 0.3, True),
            ("20 real people, 20 fake ones", 20, 200, 60, 0.5, False),
        )
        for area in (0.98, 0.995)
    ),
]


def distance(area: float) -> float:
    """Distance of the means at which the ROC area is ``area``."""
    return float(stats.norm.ppf(area) * np.sqrt(2))


def truths(area: float) -> dict[str, float]:
    """The true value of each metric."""
    shift, cdf = distance(area), stats.norm.cdf
    return {
        "auc": area,
        "eer": float(cdf(-shift / 2)),
        "tpr@10%": float(cdf(shift + stats.norm.ppf(FALSE_POSITIVE_RATE))),
        "bal.acc": float(cdf(shift - THRESHOLD) + cdf(THRESHOLD)) / 2,
    }


def bounded_truths(scenario: Scenario) -> dict[str, float]:
    """The true value of each measure with an end."""
    shift, cdf = distance(scenario.area), stats.norm.cdf
    fakes = scenario.num_fake / (scenario.num_fake + scenario.num_real)
    right = float(cdf(shift / 2))
    found, wrong = (1 - fakes) * right, fakes * (1 - right)
    return {
        "ap_fake": precision_at_distance(shift, fakes),
        "ap_real": precision_at_distance(shift, 1 - fakes),
        "eer": 1 - right,
        "tpr_at_fpr_1pct": float(cdf(shift + stats.norm.ppf(0.01))),
        "min_dcf": cost_at_distance(shift),
        **dict.fromkeys(("accuracy", "balanced_accuracy", "recall", "recall_real"), right),
        "f1_real": 2 * found / (found + wrong + 1 - fakes),
        "precision_real": found / (found + wrong),
    }


def identities_of(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Identity of each fake and of each real clip."""
    if scenario.identities == 0:
        return np.arange(scenario.num_fake), scenario.num_fake + np.arange(scenario.num_real)
    fake = np.arange(scenario.num_fake) % scenario.identities
    real = np.arange(scenario.num_real) % scenario.identities
    return fake, real if scenario.shared else real + scenario.identities


def draw_scores(
    scenario: Scenario, area: float, effects: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of fakes and reals, given what each identity adds."""
    own = np.sqrt(1 - scenario.identity_share)
    fake, real = identities_of(scenario)
    return (
        distance(area) + effects[fake] + own * rng.normal(size=len(fake)),
        effects[real] + own * rng.normal(size=len(real)),
    )


def bounded_trial(scenario: Scenario, replicates: int, rng: np.random.Generator) -> dict[str, tuple[bool, bool]]:
    """Of each measure with an end, whether the interval covers the truth, and whether it was seen at its best."""
    fake_of, real_of = identities_of(scenario)
    effects = np.sqrt(scenario.identity_share) * rng.normal(size=max(fake_of.max(), real_of.max()) + 1)
    ranked = SortedScores(*draw_scores(scenario, scenario.area, effects, rng), fake_of, real_of)
    labels = np.repeat([1, 0], [len(fake_of), len(real_of)])
    resampler = IdentityResampler(np.concatenate([fake_of, real_of]), labels)
    point = ranked.point_of(distance(scenario.area) / 2)

    def system(draw: np.ndarray) -> dict[tuple[str, ...], np.ndarray]:
        counts = ranked.counts(draw)
        made = decisions_at(counts, point)
        of_ranking = {(name,): RANKING[name].compute(counts) for name in BOUNDED}
        return of_ranking | {(name,): DECISIONS[name].compute(made) for name in DECIDED}

    found = with_intervals(
        system,
        resampler,
        precision_of(resampler),
        replicates=replicates,
        seed=int(rng.integers(2**31)),
        ranked={(): ranked},
    )
    result = {}
    for name, truth in bounded_truths(scenario).items():
        value, low, high, _ = found[(name,)]
        best = 0.0 if name in ("eer", "min_dcf") else 1.0
        result[name] = covers(low, high, truth), value is not None and abs(value - best) < 1e-9
    return result


def print_bounded(scenario: Scenario, options: argparse.Namespace) -> None:
    """A row of coverages, that of the trials seen at their best in brackets."""
    rng = np.random.default_rng(options.seed)
    trials = [bounded_trial(scenario, options.replicates, rng) for _ in range(options.trials)]
    cells = []
    for name in (*BOUNDED, *DECIDED):
        best = [one[name][0] for one in trials if one[name][1]]
        inside = f" ({100 * np.mean(best):.0f} of {len(best)})" if best else ""
        cells.append(f"{100 * np.mean([one[name][0] for one in trials]):.1f}{inside}")
    print(f"{scenario.name:<32}{scenario.area:>6.3f}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def trial(scenario: Scenario, replicates: int, rng: np.random.Generator) -> dict[str, bool]:
    """Which intervals cover the truth in one simulated test set, and whether the area seen is "perfect"."""
    fake_of, real_of = identities_of(scenario)
    effects = np.sqrt(scenario.identity_share) * rng.normal(size=max(fake_of.max(), real_of.max()) + 1)
    ranked, rival = (
        SortedScores(*draw_scores(scenario, area, effects, rng), fake_of, real_of)
        for area in (scenario.area, 0.75)
    )
    labels = np.repeat([1, 0], [len(fake_of), len(real_of)])
    resampler = IdentityResampler(np.concatenate([fake_of, real_of]), labels)
    precision = precision_of(resampler)
    draws = list(resampler.draw(replicates, rng))
    counted, rivals = [ranked.counts(m) for m in draws], [rival.counts(m) for m in draws]
    result = {}
    for name, metric in METRICS.items():
        drawn = np.concatenate([metric(counts, ranked) for counts in counted])
        seen = float(metric(ranked.counts(), ranked)[0])
        found = interval(seen, drawn, precision, bounds=AREA if name == "auc" else UNIT)
        result[name] = covers(found.low, found.high, truths(scenario.area)[name])
        if name == "auc":
            result["perfect"] = seen == 1
            low, high = np.nanquantile(drawn, [0.025, 0.975])
            result["auc by percentiles"] = covers(low, high, scenario.area)
            other = np.concatenate([roc_auc_of(counts) for counts in rivals])
            gain = float(roc_auc_of(ranked.counts())[0] - roc_auc_of(rival.counts())[0])
            difference = paired_difference(gain, drawn - other, precision)
            result["auc - auc"] = covers(difference.low, difference.high, scenario.area - 0.75)
    return result


def covers(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000, help="simulated test sets a row")
    parser.add_argument("--replicates", type=int, default=500, help="bootstrap replicates a test set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least-area", type=float, default=0.0, help="rows with at least this true ROC area")
    parser.add_argument("--bounded", action="store_true", help="all other measures that have an end, near it")
    options = parser.parse_args()
    if options.bounded:
        print(f"{'':<38}" + "".join(f"{name:>20}" for name in (*BOUNDED, *DECIDED)))
        for scenario in (one for one in SCENARIOS if one.near):
            print_bounded(scenario, options)
        return 0
    columns = ["auc", "auc by percentiles", "auc - auc", "eer", "tpr@10%", "bal.acc"]
    print(f"coverage of 95 % intervals in %, {options.trials} trials of {options.replicates} replicates")
    titles = "".join(f"{column:>20}" for column in (*columns, "seen as 1", "auc seen as 1"))
    print(f"{'scores':<32}{'AUC':>6}{titles}{'seconds':>9}")
    outside = 0
    for scenario in (one for one in SCENARIOS if one.area >= options.least_area):
        start, rng = time.perf_counter(), np.random.default_rng(options.seed)
        covered = [trial(scenario, options.replicates, rng) for _ in range(options.trials)]
        shares = {column: np.mean([one[column] for one in covered]) for column in (*columns, "perfect")}
        of_perfect = [one["auc"] for one in covered if one["perfect"]]
        missed = not scenario.is_defended(float(shares["auc"]))
        outside += missed
        note = "  OUTSIDE" if missed else "  hard" if scenario.hard else "  near 1" if scenario.near else ""
        row = "".join(f"{100 * share:>20.1f}" for share in shares.values())
        row += f"{100 * np.mean(of_perfect):>20.1f}" if of_perfect else f"{'':>20}"
        seconds = time.perf_counter() - start
        print(f"{scenario.name:<32}{scenario.area:>6.3f}{row}{seconds:>9.0f}{note}", flush=True)
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
