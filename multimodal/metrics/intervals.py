"""95 % intervals from a bootstrap over identities.

Plain percentile intervals cover too seldom where it matters here: few identities, few clips of the rare class,
values near 1. So the bootstrap gives the standard error on a scale without bounds (logit for a metric in
[0, 1], logarithm for a cost), and Student's t gives the width, with the degrees of freedom that the number of
identities leaves. ``benchmarks/intervals.py`` counts how often the interval covers the truth.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy import special, stats

from multimodal.metrics.checks import Floats
from multimodal.metrics.resampling import IdentityResampler

Range = Literal["unit", "positive"]

#: A replicate counts as no nearer to a bound of the range than a tenth of what the value itself is.
_NEAREST_BOUND = 0.1
#: A value this near to a bound is on it but for the rounding of sums.
_ROUNDING = 1e-12
#: More replicates than this without a value (a class was not drawn), and there is no interval.
_MOST_UNDEFINED = 0.1


class Interval(NamedTuple):
    """A value with its 95 % interval; None where not defined, and then ``reason`` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, float | str | None]:
        """``{"value", "low", "high"}``, and ``"reason"`` where one of them is null."""
        entry: dict[str, float | str | None] = {"value": self.value, "low": self.low, "high": self.high}
        return entry if self.reason is None else {**entry, "reason": self.reason}


class Precision(NamedTuple):
    """How much the identities tell of a standard error.

    ``reason`` is None, or says why there can be no interval. ``degrees`` are those of Student's t, ``inflation``
    the factor by which the bootstrap's standard error is too small, ``trials`` the number of identities of the
    rarest class.
    """

    degrees: float
    inflation: float
    trials: int
    reason: str | None = None


def precision_of(resampler: IdentityResampler, class_names: tuple[str, ...] = ("real", "fake")) -> Precision:
    """What the identities of a set of clips allow.

    Where the classes are drawn apart, the degrees of freedom are Welch's and Satterthwaite's, with variances in
    proportion to 1 / identities; where identities carry several classes, those of the rarest class count.
    """
    present = [int(count) for count in resampler.identities_per_class if count > 0]
    if resampler.num_identities < 2:
        return Precision(0, 1, resampler.num_identities, "one identity only: nothing can be drawn from it")
    for name, count in zip(class_names, resampler.identities_per_class, strict=False):
        if count == 1:
            return Precision(0, 1, 1, f"all {name} clips are of one identity: its share in the error is unknown")
    sizes = np.array(present if resampler.is_stratified else [min(present)], dtype=float)
    variance = 1 / sizes
    degrees = variance.sum() ** 2 / (variance**2 / (sizes - 1)).sum()
    inflation = np.sqrt((variance * sizes / (sizes - 1)).sum() / variance.sum())
    return Precision(float(degrees), float(inflation), min(present))


def interval(
    value: float, replicates: Floats, precision: Precision, *, bounds: Range = "unit", level: float = 0.95
) -> Interval:
    """Interval of ``value`` from its bootstrap replicates.

    Where the value lies on a bound (AUC of exactly 1), replicates do not vary and the bootstrap would claim
    certainty. The bound given then is the exact one of Clopper and Pearson for as many successes in a row as
    the rarest class has identities: 0.025 ** (1 / identities).

    Args:
        value: the metric on the clips as they are; NaN where not defined.
        replicates: (replicates,) the metric in each; NaN where a class was not drawn.
        precision: of :func:`precision_of`.
        bounds: "unit" for metrics in [0, 1], "positive" for costs without an upper bound.
        level: of confidence.
    """
    if not np.isfinite(value):
        return Interval(None, reason="not defined for these clips")
    if precision.reason is not None:
        return Interval(value, reason=precision.reason)
    drawn = replicates[np.isfinite(replicates)]
    if len(drawn) < max(2, (1 - _MOST_UNDEFINED) * len(replicates)):
        return Interval(value, reason="a class was missing from more than a tenth of the replicates")
    tail = (1 - level) / 2
    if value <= _ROUNDING or (bounds == "unit" and value >= 1 - _ROUNDING):
        away = 1 - tail ** (1 / precision.trials)
        return Interval(value, value, away) if value <= _ROUNDING else Interval(value, 1 - away, value)
    to_line, from_line = (special.logit, special.expit) if bounds == "unit" else (np.log, np.exp)
    nearest = _NEAREST_BOUND * (min(value, 1 - value) if bounds == "unit" else value)
    inside = np.clip(drawn, nearest, 1 - nearest if bounds == "unit" else None)
    spread = np.std(to_line(inside), ddof=1) * precision.inflation * stats.t.ppf(1 - tail, precision.degrees)
    centre = to_line(value)
    return Interval(value, float(from_line(centre - spread)), float(from_line(centre + spread)))
